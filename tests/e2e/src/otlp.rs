//! A receiver of OTLP over HTTP that keeps the spans it is sent.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use nexus_scripted::{Answer, Request, Service};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// The receiver. Share it in an `Arc` to look at it while it serves.
#[derive(Debug, Default)]
pub struct Receiver {
    spans: Mutex<Vec<Span>>,
    refusals: AtomicU32,
}

impl Receiver {
    /// Refuses the next `count` requests with 503.
    pub fn refuse(&self, count: u32) {
        self.refusals.store(count, Ordering::SeqCst);
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn take(&self, request: &Request) -> Result<(), String> {
        if request.target != "/v1/traces" {
            return Err(format!("nothing is at {}", request.target));
        }
        let sent = ExportTraceServiceRequest::decode(request.body.clone())
            .map_err(|error| error.to_string())?;
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        for resource in sent.resource_spans {
            for scope in resource.scope_spans {
                spans.extend(scope.spans);
            }
        }
        Ok(())
    }
}

impl Service for Receiver {
    fn answer(&self, request: &Request) -> Answer {
        let left = self.refusals.load(Ordering::SeqCst);
        if left > 0 {
            self.refusals.store(left - 1, Ordering::SeqCst);
            return Answer::new(503);
        }
        match self.take(request) {
            Ok(()) => Answer::new(200).header("content-type", "application/x-protobuf"),
            Err(wrong) => Answer::text(400, wrong),
        }
    }
}

/// An attribute as text; a list's items are joined by commas.
pub fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    text(found.value.as_ref()?.value.as_ref()?)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::DoubleValue(number) => Some(number.to_string()),
        Value::BoolValue(truth) => Some(truth.to_string()),
        Value::ArrayValue(list) => {
            let items = list.values.iter().filter_map(|item| text(item.value.as_ref()?));
            Some(items.collect::<Vec<_>>().join(","))
        }
        _ => None,
    }
}
