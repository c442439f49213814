//! Figures for Prometheus: one recorder a process.

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

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
