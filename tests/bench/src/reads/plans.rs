//! How an engine goes about statements. The values are not known here, so the plans are those for any.

use std::{collections::HashMap, str::FromStr};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres, Sqlite, SqliteConnection,
    sqlite::SqliteConnectOptions,
};

use super::measure::Slow;

/// The plans as text, one after the other; why, where there is none. What was measured is worth more
/// than a plan, so nothing here is an error.
pub async fn of(url: &str, statements: &[Slow]) -> String {
    let (engine, plans) = if url.starts_with("sqlite") {
        ("SQLite", all_on_sqlite(url, statements).await)
    } else {
        ("PostgreSQL", all_on_postgres(url, statements).await)
    };
    match plans {
        Ok(plans) => {
            statements.iter().zip(plans).map(|(one, plan)| shown(engine, one, plan)).collect()
        }
        Err(error) => format!("{engine}, no plans: {error:#}\n\n"),
    }
}

fn shown(engine: &str, statement: &Slow, plan: anyhow::Result<Vec<String>>) -> String {
    let (times, sql) = (statement.times.cells(), &statement.sql);
    let plan = plan.map_or_else(|error| format!("no plan: {error:#}"), |lines| lines.join("\n"));
    format!("{engine}, p50 | p95 | max ms: {times}\n{sql}\n\n{plan}\n\n\n")
}

/// The lines of each statement's plan.
type Plans = Vec<anyhow::Result<Vec<String>>>;

async fn all_on_sqlite(url: &str, statements: &[Slow]) -> anyhow::Result<Plans> {
    let options = SqliteConnectOptions::from_str(url)?.read_only(true);
    let mut connection = options.connect().await?;
    let mut plans = Vec::new();
    for one in statements {
        plans.push(on_sqlite(&mut connection, &one.sql).await);
    }
    Ok(plans)
}

async fn all_on_postgres(url: &str, statements: &[Slow]) -> anyhow::Result<Plans> {
    let mut connection = PgConnection::connect(url).await?;
    run(&mut connection, "SET plan_cache_mode = force_generic_plan").await?;
    let mut plans = Vec::new();
    for one in statements {
        plans.push(on_postgres(&mut connection, &one.sql).await);
    }
    connection.close().await?;
    Ok(plans)
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
    // One without a plan is still prepared when the next comes.
    run(connection, "DEALLOCATE ALL").await?;
    run(connection, &format!("PREPARE asked AS {sql}")).await?;
    let values = vec!["NULL"; placeholders(sql)].join(", ");
    let values = if values.is_empty() { values } else { format!("({values})") };
    let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE asked{values}"));
    let plan = sqlx::query_scalar::<Postgres, String>(explain);
    Ok(plan.persistent(false).fetch_all(&mut *connection).await?)
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
    use crate::reads::measure::Times;

    #[test]
    fn placeholders_are_counted_by_the_highest() {
        assert_eq!(placeholders("SELECT 1"), 0);
        assert_eq!(placeholders("a = $2 AND b IN ($1, $12) LIMIT $3"), 12);
    }

    #[tokio::test]
    async fn a_plan_names_what_is_read_and_one_that_fails_leaves_the_others_theirs() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}", folder.path().join("store").display());
        let config = nexus_store::StoreConfig::new(&url);
        let store = nexus_store::open(&config).await.expect("it opens");
        let statements =
            ["SELECT * FROM nowhere", "SELECT * FROM exchanges WHERE exchange_id = $1"];
        let statements = statements.map(|sql| Slow { sql: sql.into(), times: Times::default() });
        let text = of(&url, &statements).await;
        let (failed, plan) = text.split_once("SELECT * FROM exchanges").expect("both");
        assert!(failed.contains("no plan: ") && failed.contains("nowhere"), "{text}");
        assert!(plan.contains("SEARCH exchanges USING"), "{text}");
        store.close().await;
    }
}
