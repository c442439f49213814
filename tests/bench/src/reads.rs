//! `nexus-bench reads`: how long the data API, the pages and their statements take on a store, and how the engine
//! goes about the slowest.

mod filled;
mod measure;
mod plans;
mod routes;
mod statements;

use std::{fs, net::TcpListener, path::PathBuf, sync::Arc};

use clap::Args;
use nexus_bus::{EmbeddedConfig, EmbeddedLog, LocalLiveBus};
use nexus_contract::{Clock, SystemClock};
use nexus_dashboard::{Dashboard, DashboardConfig, Deps, StoredRecordings};
use nexus_store::StoreConfig;
use tokio_util::sync::CancellationToken;

pub use self::filled::Engine;
use self::{
    measure::{Report, measure},
    statements::Statements,
};
use crate::forms;

#[derive(Args)]
pub struct ReadsArgs {
    /// `sqlite://PATH` or `postgres://…`, only read; without it, a store of each engine is filled first
    #[arg(long)]
    store: Option<String>,
    /// How many conversations to fill with; each has 58 requests on average
    #[arg(long, default_value_t = 20_000, conflicts_with = "store")]
    conversations: u32,
    /// How often each route is asked
    #[arg(long, default_value_t = 40)]
    rounds: u32,
    /// Print JSON instead of the tables
    #[arg(long)]
    json: bool,
    /// Where the plans of the slowest statements go
    #[arg(long, value_name = "FILE")]
    plans: Option<PathBuf>,
}

pub async fn run(args: &ReadsArgs) -> anyhow::Result<()> {
    let statements = Statements::install()?;
    let mut reports = Vec::new();
    let mut plans = String::new();
    let mut read = async |url: &str| -> anyhow::Result<()> {
        let report = report(args.rounds, url, &statements).await?;
        if args.plans.is_some() {
            plans += &plans::of(url, &report.statements).await;
        }
        reports.push(report);
        Ok(())
    };
    if let Some(url) = &args.store {
        read(url).await?;
    } else {
        let nexus = forms::nexus_binary()?;
        for engine in Engine::ALL {
            let filled = filled::fill(engine, &nexus, args.conversations).await?;
            read(&filled.url).await?;
        }
    }
    print(args.json, &reports)?;
    if let Some(path) = &args.plans {
        fs::write(path, plans)?;
    }
    Ok(())
}

/// Serves the store, and asks.
async fn report(rounds: u32, url: &str, statements: &Statements) -> anyhow::Result<Report> {
    let folder = tempfile::tempdir()?;
    let config = StoreConfig { read_only: true, migrate: false, ..StoreConfig::new(url) };
    let store = nexus_store::open(&config).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let stream =
        EmbeddedLog::open(EmbeddedConfig::new(folder.path().join("log")), clock.clone()).await?;
    let deps = Deps {
        queries: store.clone(),
        analyses: store.clone(),
        erasures: store.clone(),
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
        let report = measure(store.engine(), rounds, &base, statements).await;
        stop.cancel();
        report
    };
    let (served, report) = tokio::join!(served, measured);
    store.close().await;
    served?;
    report
}

fn print(as_json: bool, reports: &[Report]) -> anyhow::Result<()> {
    if as_json {
        println!("{}", serde_json::to_string_pretty(reports)?);
    } else {
        for report in reports {
            println!("{}", report.tables());
        }
    }
    Ok(())
}
