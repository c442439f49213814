//! Opening, migrating and refusing, on both engines.

use nexus_store::{StoreConfig, StoreError, open, store_tests, testing::TestStore};

async fn a_store_opens_again_and_answers(store: TestStore) {
    store.ping().await.expect("it answers");
    let again = open(&StoreConfig::new(&store.url)).await.expect("it opens twice");
    again.ping().await.expect("it answers");
    assert_eq!(again.engine(), store.engine());
    again.close().await;
}

async fn many_processes_migrate_at_once(store: TestStore) {
    let config = StoreConfig { max_readers: 1, ..StoreConfig::new(&store.url) };
    let opened = futures::future::join_all((0..4).map(|_| open(&config))).await;
    for one in opened {
        one.expect("each of them opens").close().await;
    }
}

async fn a_reader_opens_what_is_migrated(store: TestStore) {
    let config = StoreConfig { read_only: true, migrate: false, ..StoreConfig::new(&store.url) };
    open(&config).await.expect("the schema is up to date").ping().await.expect("it answers");
}

async fn a_newer_schema_is_refused(store: TestStore) {
    add_migration(&store.url, 9999).await;
    for migrate in [true, false] {
        let config = StoreConfig { migrate, ..StoreConfig::new(&store.url) };
        let error = open(&config).await.err().expect("refused");
        assert!(matches!(error, StoreError::NewerSchema(9999)), "{error}");
        assert!(!error.is_transient());
    }
}

/// As a later version of Nexus would have left it.
async fn add_migration(url: &str, version: i64) {
    const SQL: &str = "INSERT INTO _sqlx_migrations \
        (version, description, success, checksum, execution_time) VALUES ($1, 'later', TRUE, $2, 0)";
    if url.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(url).await.expect("it opens");
        sqlx::query(SQL).bind(version).bind(&b""[..]).execute(&pool).await.expect("it writes");
        pool.close().await;
    } else {
        let pool = sqlx::PgPool::connect(url).await.expect("it opens");
        sqlx::query(SQL).bind(version).bind(&b""[..]).execute(&pool).await.expect("it writes");
        pool.close().await;
    }
}

#[tokio::test]
async fn an_empty_file_without_migrating_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("empty.db").display());
    let config = StoreConfig { migrate: false, ..StoreConfig::new(url) };
    let error = open(&config).await.err().expect("refused");
    assert!(error.to_string().contains("nexus migrate"), "{error}");
}

store_tests!(
    a_store_opens_again_and_answers,
    many_processes_migrate_at_once,
    a_reader_opens_what_is_migrated,
    a_newer_schema_is_refused,
);
