//! Both engines have the same tables, columns and indices.

use nexus_store::testing;
use sqlx::{PgPool, SqlitePool};

const SQLITE_COLUMNS: &str = "SELECT m.name || '.' || c.name || ' ' || CASE \
        WHEN c.type IN ('INTEGER', 'BIGINT') THEN 'number' WHEN c.type = 'BLOB' THEN 'bytes' \
        ELSE lower(c.type) END || CASE WHEN c.\"notnull\" = 1 THEN ' always' ELSE '' END AS line \
    FROM sqlite_master m JOIN pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
    AND m.name NOT LIKE 'search_words%' AND m.name <> '_sqlx_migrations' ORDER BY line";

const POSTGRES_COLUMNS: &str = "SELECT c.table_name || '.' || c.column_name || ' ' || CASE \
        WHEN c.data_type = 'bigint' THEN 'number' WHEN c.data_type IN ('bytea', 'uuid') THEN 'bytes' \
        ELSE c.data_type END || CASE WHEN c.is_nullable = 'NO' THEN ' always' ELSE '' END AS line \
    FROM information_schema.columns c WHERE c.table_schema = 'public' \
    AND c.table_name NOT IN ('_sqlx_migrations', 'link_states') AND c.table_name NOT LIKE 'usage\\_other' \
    AND c.column_name <> 'words' ORDER BY line";

const SQLITE_INDICES: &str = "SELECT name FROM sqlite_master WHERE type = 'index' \
    AND name NOT LIKE 'sqlite_autoindex%'";
const POSTGRES_INDICES: &str = "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' \
    AND indexname NOT LIKE '%\\_pkey' AND indexname NOT LIKE '%\\_key' AND indexname NOT LIKE 'usage\\_other%' \
    AND indexname <> 'search_documents_by_word'";

#[tokio::test]
async fn the_schemas_are_the_same() {
    let Some(postgres) = testing::postgres().await else { return };
    let sqlite = testing::sqlite().await;
    let sqlite = SqlitePool::connect(&sqlite.url).await.expect("it opens");
    let postgres = PgPool::connect(&postgres.url).await.expect("it opens");
    for (ours, theirs) in [(SQLITE_COLUMNS, POSTGRES_COLUMNS), (SQLITE_INDICES, POSTGRES_INDICES)] {
        let mut ours: Vec<String> =
            sqlx::query_scalar(ours).fetch_all(&sqlite).await.expect("it reads");
        let mut theirs: Vec<String> =
            sqlx::query_scalar(theirs).fetch_all(&postgres).await.expect("it reads");
        ours.sort();
        theirs.sort();
        let only_ours: Vec<_> = ours.iter().filter(|line| !theirs.contains(line)).collect();
        let only_theirs: Vec<_> = theirs.iter().filter(|line| !ours.contains(line)).collect();
        assert!(
            only_ours.is_empty() && only_theirs.is_empty(),
            "only SQLite: {only_ours:#?}\nonly PostgreSQL: {only_theirs:#?}"
        );
        assert!(ours.len() > 20);
    }
}
