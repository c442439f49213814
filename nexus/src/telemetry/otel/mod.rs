//! Spans over OTLP: a consumer of its own that reads what was linked and stored.

mod span;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use moka::sync::Cache;
use nexus_bus::{Handler, Verdict};
use nexus_contract::{Event, ExchangeId, Kind, Payload};
use nexus_store::queries::Queries;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanExporter as _},
};

use crate::settings::Settings;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Exchanges remembered as exported, so that a link that changes is not exported twice.
const REMEMBERED: u64 = 100_000;

/// Exports an exchange once it has ended and is linked.
pub struct Spans {
    exporter: SpanExporter,
    queries: Arc<dyn Queries>,
    exported: Cache<ExchangeId, ()>,
    bodies: bool,
}

impl Spans {
    /// `None` without `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn new(settings: &Settings, queries: Arc<dyn Queries>) -> anyhow::Result<Option<Self>> {
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
        Ok(Some(Self { exporter, queries, exported, bodies: settings.otel_bodies }))
    }

    /// What of the batch has ended and was not exported yet.
    async fn spans(&self, batch: &[Arc<Event>]) -> Result<BTreeMap<ExchangeId, SpanData>, String> {
        let mut spans = BTreeMap::new();
        for id in linked(batch).filter(|id| !self.exported.contains_key(id)) {
            let row = self.queries.find_request(id).await.map_err(|error| error.to_string())?;
            let span = row.and_then(|row| span::span(&row, self.bodies));
            spans.extend(span.map(|span| (id, span)));
        }
        Ok(spans)
    }
}

fn linked(batch: &[Arc<Event>]) -> impl Iterator<Item = ExchangeId> {
    batch.iter().flat_map(|event| match &event.envelope.payload {
        Payload::Linked(linked) => linked.exchanges.clone(),
        _ => Vec::new(),
    })
}

#[async_trait]
impl Handler for Spans {
    fn name(&self) -> &'static str {
        "traces"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Linked]
    }

    /// A collector that is away holds nothing up but this consumer.
    async fn handle(&self, batch: &[Arc<Event>]) -> Vec<Verdict> {
        let later = |reason: String| vec![Verdict::Later(reason); batch.len()];
        let spans = match self.spans(batch).await {
            Ok(spans) => spans,
            Err(error) => return later(error),
        };
        let (ids, spans): (Vec<_>, Vec<_>) = spans.into_iter().unzip();
        if !spans.is_empty()
            && let Err(error) = self.exporter.export(spans).await
        {
            return later(format!("the collector did not take the spans: {error}"));
        }
        for id in ids {
            self.exported.insert(id, ());
        }
        vec![Verdict::Done; batch.len()]
    }
}
