//! A second connection, to look at tables as they are and to play the linker.

use std::collections::BTreeMap;

use duplicate::duplicate_item;
use nexus_store::testing::Pool;
use sqlx::{AssertSqlSafe, Column, PgPool, Row, SqlitePool, TypeInfo, ValueRef};
use uuid::Uuid;

/// Opens by the store's URL.
pub struct Probe(Pool);

/// One exchange's place in its conversation.
#[derive(Debug, Clone)]
pub struct Place {
    pub conversation: Uuid,
    pub branch: String,
    pub kind: &'static str,
}

const LINK_STATES: &str = "CREATE TABLE link_states (exchange_id ID PRIMARY KEY, \
    conversation_id ID, branch_id TEXT, kind TEXT, parent_id ID, parent_task_id ID, agent_id TEXT)";
const PLACE: &str = "INSERT INTO link_states (exchange_id, conversation_id, branch_id, kind) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (exchange_id) DO UPDATE SET \
    conversation_id = excluded.conversation_id, branch_id = excluded.branch_id, kind = excluded.kind";

impl Probe {
    pub async fn open(url: &str) -> Self {
        Self(Pool::open(url).await)
    }

    /// Puts a table in place of the linker's view.
    pub async fn play_linker(&self) {
        let id = match &self.0 {
            Pool::Sqlite(_) => "BLOB",
            Pool::Postgres(_) => "UUID",
        };
        self.run("DROP VIEW link_states").await;
        self.run(&LINK_STATES.replace("ID", id)).await;
    }

    pub async fn run(&self, statement: &str) {
        match &self.0 {
            Pool::Sqlite(pool) => {
                sqlx::query(AssertSqlSafe(statement)).execute(pool).await.expect("it runs");
            }
            Pool::Postgres(pool) => {
                sqlx::query(AssertSqlSafe(statement)).execute(pool).await.expect("it runs");
            }
        }
    }

    /// Adds exchanges with these columns, whose values may count by `i`, from 1 on.
    pub async fn add_exchanges(&self, count: u32, columns: &str, values: &str) {
        let (fresh_id, rows) = match &self.0 {
            Pool::Sqlite(_) => (
                "randomblob(16)",
                format!(
                    "WITH RECURSIVE n (i) AS (\
                     SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
                ),
            ),
            Pool::Postgres(_) => (
                "gen_random_uuid()",
                format!("WITH n (i) AS (SELECT * FROM generate_series(1, {count}))"),
            ),
        };
        let insert = format!(
            "{rows} INSERT INTO exchanges (exchange_id, domain, gateway, method, {columns}) \
             SELECT {fresh_id}, 'old.example', 'one', 'POST', {values} FROM n"
        );
        self.run(&insert).await;
    }

    pub async fn place(&self, id: Uuid, place: &Place) {
        match &self.0 {
            Pool::Sqlite(pool) => place_on_sqlite(pool, id, place).await,
            Pool::Postgres(pool) => place_on_postgres(pool, id, place).await,
        }
    }

    /// The rows as text, in any order: equal tables give equal lists.
    pub async fn rows(&self, statement: &str) -> Vec<String> {
        let mut rows = match &self.0 {
            Pool::Sqlite(pool) => dump_sqlite(pool, statement).await,
            Pool::Postgres(pool) => dump_postgres(pool, statement).await,
        };
        rows.sort();
        rows
    }

    /// Rows of a table.
    pub async fn count(&self, table: &str) -> i64 {
        let rows = self.rows(&format!("SELECT count(*) AS n FROM {table}")).await;
        rows[0].trim_start_matches("n=").trim().parse().expect("a number")
    }
}

#[duplicate_item(
    Engine        place_on;
    [SqlitePool]  [place_on_sqlite];
    [PgPool]      [place_on_postgres];
)]
async fn place_on(pool: &Engine, id: Uuid, place: &Place) {
    let query = sqlx::query(PLACE).bind(id).bind(place.conversation);
    query.bind(&place.branch).bind(place.kind).execute(pool).await.expect("it writes");
}

#[duplicate_item(
    Engine        dump;
    [SqlitePool]  [dump_sqlite];
    [PgPool]      [dump_postgres];
)]
async fn dump(pool: &Engine, statement: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(pool).await.expect("it reads");
    rows.iter().map(line).collect()
}

fn line<R: Row>(row: &R) -> String
where
    R::Database: sqlx::Database<Row = R>,
    for<'r> i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    for<'r> String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    for<'r> Uuid: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    for<'r> bool: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    for<'r> f64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
    usize: sqlx::ColumnIndex<R>,
{
    let mut fields = BTreeMap::new();
    for column in row.columns() {
        let index = column.ordinal();
        let raw = row.try_get_raw(index).expect("a column");
        let value = if raw.is_null() {
            "-".to_owned()
        } else if let Ok(number) = row.try_get::<i64, _>(index) {
            number.to_string()
        } else if let Ok(number) = row.try_get::<f64, _>(index) {
            number.to_string()
        } else if let Ok(text) = row.try_get::<String, _>(index) {
            text
        } else if let Ok(id) = row.try_get::<Uuid, _>(index) {
            id.to_string()
        } else if let Ok(truth) = row.try_get::<bool, _>(index) {
            truth.to_string()
        } else {
            panic!("{} has a type that no test reads: {}", column.name(), raw.type_info().name())
        };
        fields.insert(column.name().to_owned(), value);
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    fields.join(" ")
}
