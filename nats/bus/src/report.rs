//! The stream's figures as metrics.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::stream::{EventStream, StreamStatus};

/// Sets the gauges `nexus_stream_*` every `interval` until `shutdown`.
pub async fn report(stream: Arc<dyn EventStream>, interval: Duration, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(interval);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        match stream.status().await {
            Ok(status) => set(&status),
            Err(error) => tracing::debug!(%error, "the stream's figures are not to be had"),
        }
    }
}

fn set(status: &StreamStatus) {
    gauge("nexus_stream_connected", u64::from(status.connected));
    gauge("nexus_stream_events", status.events);
    gauge("nexus_stream_bytes", status.bytes);
    gauge("nexus_stream_max_bytes", status.max_bytes);
    gauge("nexus_stream_dead_letters", status.dead_letters);
    for consumer in &status.consumers {
        let name = &consumer.name;
        consumer_gauge("nexus_stream_lag", name, consumer.lag);
        consumer_gauge("nexus_stream_unsettled", name, consumer.unsettled);
        consumer_gauge("nexus_stream_redelivered", name, consumer.redelivered);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn gauge(name: &'static str, value: u64) {
    metrics::gauge!(name).set(value as f64);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn consumer_gauge(name: &'static str, consumer: &str, value: u64) {
    metrics::gauge!(name, "consumer" => consumer.to_owned()).set(value as f64);
}
