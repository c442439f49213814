//! How an engine goes about statements. The values are not known here, so the plans are those for any.

use std::{collections::HashMap, fmt::Write, str::FromStr};

use anyhow::Context;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres, Sqlite, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

use super::measure::Slow;

/// The plans as text, one after the other.
pub async fn of(url: &str, statements: &[Slow]) -> anyhow::Result<String> {
    let mut text = String::new();
    if url.starts_with("sqlite") {
        let options = SqliteConnectOptions::from_str(url)?.read_only(true);
        let mut connection = options.connect().await?;
        for one in statements {
            let plan = on_sqlite(&mut connection, &one.sql).await;
            push(&mut text, "SQLite", one, &plan.with_context(|| one.sql.clone())?);
        }
    } else {
        let mut connection = PgConnection::connect(url).await?;
        run(&mut connection, "SET plan_cache_mode = force_generic_plan").await?;
        for one in statements {
            let plan = on_postgres(&mut connection, &one.sql).await;
            push(&mut text, "PostgreSQL", one, &plan.with_context(|| one.sql.clone())?);
        }
        connection.close().await?;
    }
    Ok(text)
}

fn push(text: &mut String, engine: &str, statement: &Slow, plan: &[String]) {
    let (times, sql, plan) = (statement.times.cells(), &statement.sql, plan.join("\n"));
    writeln!(text, "{engine}, p50 | p95 | max ms: {times}\n{sql}\n\n{plan}\n\n")
        .expect("a string takes all");
}

async fn on_sqlite(connection: &mut SqliteConnection, sql: &str) -> anyhow::Result<Vec<String>> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let mut query = sqlx::query_as::<Sqlite, (i64, i64, i64, String)>(explain);
    for _ in 0..placeholders(sql) {
        query = query.bind(None::<i64>);
    }
    let rows = query.fetch_all(connection).await?;
    let mut depths = HashMap::from([(0, 0)]);
    let lines = rows.into_iter().map(|(id, parent, _, detail)| {
        let depth = depths.get(&parent).copied().unwrap_or(0);
        depths.insert(id, depth + 1);
        format!("{}{detail}", "  ".repeat(depth))
    });
    Ok(lines.collect())
}

/// A prepared statement shows its plan without values.
async fn on_postgres(connection: &mut PgConnection, sql: &str) -> anyhow::Result<Vec<String>> {
    run(connection, &format!("PREPARE asked AS {sql}")).await?;
    let values = vec!["NULL"; placeholders(sql)].join(", ");
    let values = if values.is_empty() { values } else { format!("({values})") };
    let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE asked{values}"));
    let plan = sqlx::query_scalar::<Postgres, String>(explain);
    let plan = plan.persistent(false).fetch_all(&mut *connection).await?;
    run(connection, "DEALLOCATE asked").await?;
    Ok(plan)
}

async fn run(connection: &mut PgConnection, sql: &str) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await?;
    Ok(())
}

/// The highest `$n`.
fn placeholders(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).map(|rest| {
        let digits = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().unwrap_or(0)
    });
    numbers.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_counted_by_the_highest() {
        assert_eq!(placeholders("SELECT 1"), 0);
        assert_eq!(placeholders("a = $2 AND b IN ($1, $12) LIMIT $3"), 12);
    }

    #[tokio::test]
    async fn a_plan_names_what_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("store").display());
        let config = nexus_store::StoreConfig::new(&url);
        let store = nexus_store::open(&config).await.expect("it opens");
        let mut connection = SqliteConnection::connect(&url).await.expect("it opens");
        let plan = on_sqlite(&mut connection, "SELECT * FROM exchanges WHERE exchange_id = $1");
        let plan = plan.await.expect("a plan").join("\n");
        assert!(plan.contains("SEARCH exchanges USING"), "{plan}");
        store.close().await;
    }
}
