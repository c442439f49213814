//! Spans over OTLP: a consumer of its own that reads what was linked and stored.

mod span;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use jiff::SignedDuration;
use moka::sync::Cache;
use nexus_bus::{Handler, Verdict};
use nexus_contract::{Clock, Event, ExchangeId, Kind, Payload};
use nexus_store::queries::{Queries, RequestSummary};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanExporter as _},
};

use crate::settings::Settings;

const TIMEOUT: Duration = Duration::from_secs(10);

/// So long after its cause an event is waited with for the store; what was imported with old times is
/// not waited for.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

/// Exchanges remembered as exported, so that a link that changes is not exported twice.
const REMEMBERED: u64 = 100_000;

/// Exports an exchange once it has ended and is linked.
pub struct Spans {
    exporter: SpanExporter,
    queries: Arc<dyn Queries>,
    exported: Cache<ExchangeId, ()>,
    bodies: bool,
    clock: Arc<dyn Clock>,
}

impl Spans {
    /// `None` without `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn new(
        settings: &Settings,
        queries: Arc<dyn Queries>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(reqwest::Client::builder().no_proxy().build()?)
            .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
            .with_timeout(TIMEOUT)
            .build()
            .context("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used")?;
        exporter.set_resource(&Resource::builder().with_service_name("nexus").build());
        let exported = Cache::new(REMEMBERED);
        Ok(Some(Self { exporter, queries, exported, bodies: settings.otel_bodies, clock }))
    }

    /// Adds the spans of what has ended and is linked. True: something is still on its way through
    /// the linker or the storage role.
    async fn gather(
        &self,
        event: &Event,
        spans: &mut BTreeMap<ExchangeId, SpanData>,
    ) -> Result<bool, String> {
        let mut waits = false;
        for id in concerned(event).into_iter().filter(|id| !self.exported.contains_key(id)) {
            let row = self.queries.find_request(id).await.map_err(|error| error.to_string())?;
            match row.as_ref().and_then(|row| span::span(row, self.bodies)) {
                Some(span) => {
                    spans.insert(id, span);
                }
                None => waits |= row.is_none_or(|row| is_due(event, &row)),
            }
        }
        Ok(waits)
    }

    fn verdict(&self, event: &Event, gathered: Result<bool, String>) -> Verdict {
        let age = self.clock.now().duration_since(event.envelope.at);
        match gathered {
            Ok(true) if age < PATIENCE => Verdict::Later("the exchange is not stored yet".into()),
            Ok(_) => Verdict::Done,
            Err(error) => Verdict::Later(error),
        }
    }
}

/// The exchanges whose spans an event can complete. Its end and its link come in any order, and each
/// may come before the store shows the other.
fn concerned(event: &Event) -> Vec<ExchangeId> {
    match &event.envelope.payload {
        Payload::ResponseFinished(_) => vec![event.envelope.id],
        Payload::Linked(linked) => linked.exchanges.clone(),
        _ => Vec::new(),
    }
}

/// Whether the store has yet to show what the event tells. What the event does not tell has an event
/// of its own.
fn is_due(event: &Event, row: &RequestSummary) -> bool {
    match &event.envelope.payload {
        Payload::ResponseFinished(_) => row.state.is_none(),
        _ => row.state.is_some(),
    }
}

#[async_trait]
impl Handler for Spans {
    fn name(&self) -> &'static str {
        "traces"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::ResponseFinished, Kind::Linked]
    }

    /// A collector that is away holds nothing up but this consumer.
    async fn handle(&self, batch: &[Arc<Event>]) -> Vec<Verdict> {
        let mut spans = BTreeMap::new();
        let mut verdicts = Vec::with_capacity(batch.len());
        for event in batch {
            let gathered = self.gather(event, &mut spans).await;
            verdicts.push(self.verdict(event, gathered));
        }
        let (ids, spans): (Vec<_>, Vec<_>) = spans.into_iter().unzip();
        if !spans.is_empty()
            && let Err(error) = self.exporter.export(spans).await
        {
            let reason = format!("the collector did not take the spans: {error}");
            return vec![Verdict::Later(reason); batch.len()];
        }
        for id in ids {
            self.exported.insert(id, ());
        }
        verdicts
    }
}
