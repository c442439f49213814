//! Figures for Prometheus: one recorder a process.

use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

/// How often observations are put into their buckets. Until then each takes memory of its own, and nobody
/// may ever ask for them.
const UPKEEP: Duration = Duration::from_secs(5);

/// Seconds; from what a proxy adds up to what a long answer takes.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
    15.0, 60.0, 300.0,
];

/// Starts the recorder. Its handle renders what `/metrics` answers.
pub fn start() -> anyhow::Result<PrometheusHandle> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .and_then(|builder| {
            let overhead = Matcher::Full("nexus_gateway_overhead_seconds".into());
            builder.set_buckets_for_metric(overhead, &nexus_gateway::OVERHEAD_BUCKETS)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .context("metrics cannot be recorded")
}

/// Puts observations into their buckets until `stop`.
pub async fn keep_up(metrics: PrometheusHandle, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        metrics.run_upkeep();
    }
}
