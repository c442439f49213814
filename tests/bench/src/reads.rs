//! `nexus-bench reads`: how long the data API takes on a store that is there, and which statements it
//! runs for it.

mod routes;
mod statements;

use std::{net::TcpListener, sync::Arc, time::Instant};

use anyhow::{Context, ensure};
use clap::Args;
use hdrhistogram::Histogram;
use nexus_bus::{EmbeddedConfig, EmbeddedLog, LocalLiveBus};
use nexus_contract::{Clock, SystemClock};
use nexus_dashboard::{Dashboard, DashboardConfig, Deps, StoredRecordings};
use nexus_store::StoreConfig;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::statements::Statements;

#[derive(Args)]
pub struct ReadsArgs {
    /// `sqlite://PATH` or `postgres://…`; only read
    #[arg(long)]
    store: String,
    /// How often each route is asked
    #[arg(long, default_value_t = 40)]
    rounds: u32,
    /// Print JSON instead of the table
    #[arg(long)]
    json: bool,
}

/// One route.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    route: String,
    p50_ms: f64,
    p95_ms: f64,
    bytes: usize,
    /// Those of the last round, each with its milliseconds.
    statements: Vec<statements::Statement>,
}

pub async fn run(args: &ReadsArgs) -> anyhow::Result<()> {
    let statements = Statements::install()?;
    let folder = tempfile::tempdir()?;
    let config = StoreConfig { read_only: true, migrate: false, ..StoreConfig::new(&args.store) };
    let store = nexus_store::open(&config).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stream =
        EmbeddedLog::open(EmbeddedConfig::new(folder.path().join("log")), clock.clone()).await?;
    let deps = Deps {
        queries: store.clone(),
        analyses: store.clone(),
        recordings: Arc::new(StoredRecordings::new(store.clone())),
        live: Arc::new(LocalLiveBus::new(16)),
        stream: Arc::new(stream),
        clock,
        random: Arc::new(|bytes: &mut [u8]| bytes.fill(7)),
    };
    let mut config = DashboardConfig::new(vec![7; 32].into());
    // What is kept is not measured.
    config.cache_ttl = std::time::Duration::ZERO;
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let base = format!("http://{}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let served = Dashboard::new(config, deps)?.serve(listener, stop.clone());
    let measured = async {
        let rows = measure(args, &base, &statements).await;
        stop.cancel();
        rows
    };
    let (served, rows) = tokio::join!(served, measured);
    served?;
    print(args, &rows?)
}

async fn measure(
    args: &ReadsArgs,
    base: &str,
    statements: &Statements,
) -> anyhow::Result<Vec<Row>> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut rows = Vec::new();
    for route in routes::all(&http, base).await? {
        let mut times = Histogram::<u64>::new(3)?;
        let (mut bytes, mut last) = (0, Vec::new());
        // The first round fills caches and is not counted.
        for round in 0..=args.rounds {
            statements.take();
            let begun = Instant::now();
            let answer = http.get(format!("{base}{route}")).send().await?;
            ensure!(answer.status().is_success(), "{route}: {}", answer.status());
            bytes = answer.bytes().await?.len();
            if round > 0 {
                times.record(u64::try_from(begun.elapsed().as_micros())?)?;
            }
            last = statements.take();
        }
        let millis = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        let (p50_ms, p95_ms) = (millis(0.5), millis(0.95));
        rows.push(Row { route, p50_ms, p95_ms, bytes, statements: last });
    }
    Ok(rows)
}

fn print(args: &ReadsArgs, rows: &[Row]) -> anyhow::Result<()> {
    if args.json {
        println!("{}", serde_json::to_string_pretty(rows)?);
        return Ok(());
    }
    println!("| route | p50 ms | p95 ms | KB | statements |\n|---|---|---|---|---|");
    for row in rows {
        let Row { route, p50_ms, p95_ms, bytes, statements } = row;
        let kb = *bytes as f64 / 1_000.0;
        let count = statements.len();
        println!("| `{route}` | {p50_ms:.1} | {p95_ms:.1} | {kb:.1} | {count} |");
    }
    let slowest = rows.iter().max_by(|a, b| a.p95_ms.total_cmp(&b.p95_ms));
    let slowest = slowest.context("nothing was measured")?;
    println!("\nThe statements of `{}`:\n", slowest.route);
    for one in &slowest.statements {
        println!("{:.1} ms: {}", one.ms, one.sql);
    }
    Ok(())
}
