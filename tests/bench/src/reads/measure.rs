//! Asks each route in rounds, and keeps how long it and its statements took.

use std::{
    collections::HashMap,
    fmt::Write,
    time::{Duration, Instant},
};

use anyhow::ensure;
use hdrhistogram::Histogram;
use serde::Serialize;

use super::{routes, statements::Statements};

/// Statements of the report, the slowest.
const SLOWEST: usize = 20;

/// One store.
#[derive(Serialize)]
pub struct Report {
    pub engine: &'static str,
    pub routes: Vec<Route>,
    /// The slowest first.
    pub statements: Vec<Slow>,
}

#[derive(Serialize)]
pub struct Route {
    #[serde(rename = "route")]
    path: String,
    #[serde(flatten)]
    times: Times,
    bytes: usize,
    /// How many it runs.
    statements: usize,
}

/// A statement, whichever routes ran it.
#[derive(Serialize)]
pub struct Slow {
    pub sql: String,
    #[serde(flatten)]
    pub times: Times,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Times {
    p50: f64,
    p95: f64,
    max: f64,
}

impl Times {
    /// Of microseconds.
    fn of(micros: &Histogram<u64>) -> Self {
        let millis = |micros: u64| micros as f64 / 1_000.0;
        Self {
            p50: millis(micros.value_at_quantile(0.5)),
            p95: millis(micros.value_at_quantile(0.95)),
            max: millis(micros.max()),
        }
    }

    /// The cells of a table's row.
    pub fn cells(self) -> String {
        let Self { p50, p95, max } = self;
        format!("{p50:.1} | {p95:.1} | {max:.1}")
    }
}

pub async fn measure(
    engine: &'static str,
    rounds: u32,
    base: &str,
    statements: &Statements,
) -> anyhow::Result<Report> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut by_sql: HashMap<String, Histogram<u64>> = HashMap::new();
    let mut rows = Vec::new();
    for route in routes::all(&http, base).await? {
        let mut times = Histogram::<u64>::new(3)?;
        let (mut bytes, mut ran) = (0, 0);
        // The first round fills caches and is not counted.
        for round in 0..=rounds {
            statements.take();
            let begun = Instant::now();
            let answer = http.get(format!("{base}{route}")).send().await?;
            ensure!(answer.status().is_success(), "{route}: {}", answer.status());
            bytes = answer.bytes().await?.len();
            let took = begun.elapsed();
            let last = statements.take();
            ran = last.len();
            if round > 0 {
                times.record(micros(took)?)?;
                for one in last {
                    let times = by_sql.entry(one.sql).or_insert(Histogram::new(3)?);
                    times.record(micros(one.took)?)?;
                }
            }
        }
        rows.push(Route { path: route, times: Times::of(&times), bytes, statements: ran });
    }
    Ok(Report { engine, routes: rows, statements: slowest(&by_sql) })
}

fn micros(time: Duration) -> anyhow::Result<u64> {
    Ok(u64::try_from(time.as_micros())?)
}

fn slowest(by_sql: &HashMap<String, Histogram<u64>>) -> Vec<Slow> {
    let all = by_sql.iter().map(|(sql, times)| Slow { sql: sql.clone(), times: Times::of(times) });
    let mut all: Vec<_> = all.collect();
    all.sort_by(|a, b| b.times.p95.total_cmp(&a.times.p95).then_with(|| a.sql.cmp(&b.sql)));
    all.truncate(SLOWEST);
    all
}

impl Report {
    /// Markdown.
    pub fn tables(&self) -> String {
        let mut text = format!(
            "**{}**\n\n| route | p50 ms | p95 ms | max ms | KB | statements |\n\
             |---|---|---|---|---|---|\n",
            self.engine
        );
        for Route { path, times, bytes, statements } in &self.routes {
            let (times, kb) = (times.cells(), *bytes as f64 / 1_000.0);
            writeln!(text, "| `{path}` | {times} | {kb:.1} | {statements} |")
                .expect("a string takes all");
        }
        text += "\n| p50 ms | p95 ms | max ms | statement |\n|---|---|---|---|\n";
        for Slow { sql, times } in &self.statements {
            writeln!(text, "| {} | `{sql}` |", times.cells()).expect("a string takes all");
        }
        text
    }
}
