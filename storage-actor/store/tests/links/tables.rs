//! The linker's tables as they lie there, byte for byte, on a connection of their own.

use std::collections::BTreeSet;

use duplicate::duplicate_item;
use nexus_linking::Memory;
use nexus_store::testing::Pool;
use sqlx::{AssertSqlSafe, PgPool, Row, SqlitePool, postgres::PgRow, sqlite::SqliteRow};

/// All that is a function of the facts. What is still to be announced is not: it says what changed.
const TABLES: [&str; 7] = [
    "link_facts",
    "link_prefixes",
    "links",
    "link_labels",
    "link_waits",
    "link_calls",
    "link_results",
];

/// The tags only say where to look: histories that are gone may have left some.
const PREFIX: &str = "hash, predecessor, length, assistant, tool_use_id";

const CLEAR_SQLITE: &str = "BEGIN; DELETE FROM link_facts; DELETE FROM link_prefixes; DELETE FROM links; \
    DELETE FROM link_labels; DELETE FROM link_waits; DELETE FROM link_calls; \
    DELETE FROM link_results; DELETE FROM link_outbox; COMMIT";
/// Deleted rows would stay in its files, and every statement of a long run would read over them.
const CLEAR_POSTGRES: &str = "TRUNCATE link_facts, link_prefixes, links, link_labels, link_waits, \
    link_calls, link_results, link_outbox";

/// Opens by the store's URL.
pub struct Tables(Pool);

/// The rows of each of [`TABLES`].
pub type Dump = Vec<BTreeSet<String>>;

impl Tables {
    pub async fn open(url: &str) -> Self {
        Self(Pool::open(url).await)
    }

    /// As if nothing had ever been linked.
    pub async fn clear(&self) {
        self.run(match &self.0 {
            Pool::Sqlite(_) => CLEAR_SQLITE,
            Pool::Postgres(_) => CLEAR_POSTGRES,
        })
        .await;
    }

    /// Changes tables behind the store's back.
    pub async fn run(&self, statements: &'static str) {
        match &self.0 {
            Pool::Sqlite(pool) => {
                sqlx::raw_sql(statements).execute(pool).await.expect("it runs");
            }
            Pool::Postgres(pool) => {
                sqlx::raw_sql(statements).execute(pool).await.expect("it runs");
            }
        }
    }

    pub async fn dump(&self) -> Dump {
        let mut dump = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            let columns = if table == "link_prefixes" { PREFIX } else { "*" };
            let statement = format!("SELECT {columns} FROM {table}");
            dump.push(match &self.0 {
                Pool::Sqlite(pool) => rows_on_sqlite(pool, statement).await,
                Pool::Postgres(pool) => rows_on_postgres(pool, statement).await,
            });
        }
        dump
    }
}

/// How many rows of each of [`TABLES`] the reference has.
pub fn counts(reference: &Memory) -> [usize; 7] {
    [
        reference.exchanges.len(),
        reference.nodes.len(),
        reference.links.len(),
        reference.labels.len(),
        reference.waits.values().map(BTreeSet::len).sum(),
        reference.calls.len(),
        reference.results.len(),
    ]
}

/// The rows that are in one dump alone.
pub fn difference(expected: &Dump, found: &Dump) -> Vec<String> {
    let mut lines = Vec::new();
    for ((table, expected), found) in TABLES.iter().zip(expected).zip(found) {
        lines.extend(expected.difference(found).map(|row| format!("- {table}: {row}")));
        lines.extend(found.difference(expected).map(|row| format!("+ {table}: {row}")));
    }
    lines
}

/// The rows in which a branch or an agent is named otherwise than by the reference.
pub fn names_that_differ(reference: &Memory, found: &Dump) -> Vec<String> {
    let labels = reference.labels.iter();
    let labels = labels.map(|(id, label)| line([id.0.as_bytes(), label.as_bytes()]));
    let results = reference.results.iter();
    let results =
        results.map(|((scope, call), agent)| line([&scope.0, call.as_bytes(), agent.as_bytes()]));
    let mut expected = found.clone();
    let named: [(_, BTreeSet<_>); 2] =
        [("link_labels", labels.collect()), ("link_results", results.collect())];
    for (table, rows) in named {
        let at = TABLES.iter().position(|one| *one == table).expect("one of them");
        expected[at] = rows;
    }
    difference(&expected, found)
}

/// A row of these columns, none of which is NULL.
fn line<const N: usize>(columns: [&[u8]; N]) -> String {
    columns.map(mark).join("│")
}

/// How those bytes of an id or a hash stand in a row.
pub fn mark(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

#[duplicate_item(
    Engine        rows_on             line_of;
    [SqlitePool]  [rows_on_sqlite]    [line_of_sqlite];
    [PgPool]      [rows_on_postgres]  [line_of_postgres];
)]
async fn rows_on(pool: &Engine, statement: String) -> BTreeSet<String> {
    let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(pool).await.expect("it reads");
    rows.iter().map(line_of).collect()
}

/// The bytes of every column, whatever its type. The mark between two stands in no escaped text.
#[duplicate_item(
    Line         line_of;
    [SqliteRow]  [line_of_sqlite];
    [PgRow]      [line_of_postgres];
)]
fn line_of(row: &Line) -> String {
    let fields = (0..row.len()).map(|column| {
        let bytes: Option<Vec<u8>> = row.try_get_unchecked(column).expect("a column");
        bytes.map_or("∅".to_owned(), |bytes| mark(&bytes))
    });
    fields.collect::<Vec<_>>().join("│")
}
