//! From a batch of deliveries to what becomes of each. No stream here: deliveries come in, verdicts
//! go out.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use nexus_contract::Event;

use super::ConsumerConfig;
use crate::{
    handler::{Handler, Verdict},
    stream::{Delivery, Settle},
};

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub settled: Vec<(u64, Settle)>,
    /// Deliveries that have to wait, through no fault of theirs.
    pub held: Vec<Delivery>,
    /// Why they wait.
    pub reason: Option<String>,
}

/// Gives the batch to the handler and turns its verdicts into settlements.
pub(super) async fn work(
    handler: &dyn Handler,
    config: &ConsumerConfig,
    deliveries: Vec<Delivery>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut readable = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        match &delivery.event {
            Ok(event) => readable.push((event.clone(), delivery)),
            Err(error) => outcome.settled.push((delivery.token, Settle::Reject(error.to_string()))),
        }
    }
    let (events, deliveries): (Vec<_>, Vec<_>) = readable.into_iter().unzip();
    let verdicts = verdicts(handler, &events).await;
    for (delivery, verdict) in deliveries.into_iter().zip(verdicts) {
        count(handler.name(), &verdict);
        outcome.add(config, delivery, verdict);
    }
    outcome
}

impl Outcome {
    fn add(&mut self, config: &ConsumerConfig, delivery: Delivery, verdict: Verdict) {
        let settle = match verdict {
            Verdict::Done => Settle::Ack,
            Verdict::Reject(reason) => Settle::Reject(reason),
            Verdict::Failed(reason) if delivery.attempt >= config.max_deliveries => {
                Settle::Reject(format!("failed {} times, at last: {reason}", delivery.attempt))
            }
            Verdict::Failed(reason) => {
                tracing::warn!(attempt = delivery.attempt, %reason, "an event could not be handled");
                Settle::Nak(config.retry.pause(delivery.attempt))
            }
            Verdict::Later(reason) => {
                self.reason = Some(reason);
                self.held.push(delivery);
                return;
            }
        };
        self.settled.push((delivery.token, settle));
    }
}

/// One verdict per event. When the handler panics on a batch, each event is tried by itself, so
/// that only the one at fault pays for it.
async fn verdicts(handler: &dyn Handler, events: &[Arc<Event>]) -> Vec<Verdict> {
    if events.is_empty() {
        return Vec::new();
    }
    match guarded(handler, events).await {
        Ok(verdicts) => verdicts,
        Err(panic) if events.len() == 1 => vec![panic],
        Err(_panic) => {
            let mut verdicts = Vec::with_capacity(events.len());
            for event in events {
                let one = guarded(handler, std::slice::from_ref(event)).await;
                verdicts.extend(one.unwrap_or_else(|panic| vec![panic]));
            }
            verdicts
        }
    }
}

/// Exactly as many verdicts as events; or, after a panic, the verdict that it stands for.
async fn guarded(handler: &dyn Handler, events: &[Arc<Event>]) -> Result<Vec<Verdict>, Verdict> {
    let result = AssertUnwindSafe(handler.handle(events)).catch_unwind().await;
    let mut verdicts = result.map_err(|panic| panicked(&*panic))?;
    verdicts.resize_with(events.len(), || Verdict::Failed("the handler gave no verdict".into()));
    Ok(verdicts)
}

fn panicked(panic: &(dyn Any + Send)) -> Verdict {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Verdict::Failed(format!("the handler panicked: {}", text.unwrap_or("without a text")))
}

fn count(consumer: &'static str, verdict: &Verdict) {
    let name = match verdict {
        Verdict::Done => "done",
        Verdict::Later(_) => "later",
        Verdict::Failed(_) => "failed",
        Verdict::Reject(_) => "rejected",
    };
    metrics::counter!("nexus_consumer_events_total", "consumer" => consumer, "verdict" => name)
        .increment(1);
}
