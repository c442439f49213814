//! What is in flight, as the live subjects tell it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use nexus_contract::{ExchangeId, LiveEvent, LiveTopic};
use serde::{Deserialize, Serialize, de::IgnoredAny};

/// Remembered at once; the oldest go first.
const MAX_RUNS: usize = 1000;
/// A run whose end was never heard of (lost event, dead gateway) is forgotten after the longest
/// time that a request may take, and some.
const FORGET: SignedDuration = SignedDuration::from_mins(15);

/// One exchange in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    pub id: ExchangeId,
    pub started_at: Timestamp,
    pub domain: String,
    pub model: String,
    pub first_token_ms: Option<i64>,
}

#[cfg(test)]
impl Run {
    /// For template tests.
    pub fn sample() -> Self {
        Self {
            id: ExchangeId::from_external("running"),
            started_at: Timestamp::UNIX_EPOCH,
            domain: "example.com".into(),
            model: "claude-opus-4-1".into(),
            first_token_ms: Some(420),
        }
    }
}

/// What is looked for in events.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    model: Option<String>,
    first_token_ms: Option<i64>,
    /// Only that it is there.
    state: Option<IgnoredAny>,
}

/// The table of exchanges in flight, by id, that is by age.
#[derive(Debug, Default)]
pub struct Running(Mutex<BTreeMap<ExchangeId, Run>>);

impl Running {
    /// Learns from one live event.
    pub fn note(&self, event: &LiveEvent) {
        let Some(id) = event.id else { return };
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event.topic {
            LiveTopic::Started => {
                runs.insert(id, run(id, event));
                while runs.len() > MAX_RUNS {
                    runs.pop_first();
                }
            }
            LiveTopic::FirstByte => {
                if let Some(run) = runs.get_mut(&id) {
                    run.first_token_ms = told(event).and_then(|told| told.first_token_ms);
                }
            }
            LiveTopic::Finished => {
                runs.remove(&id);
            }
            // The request's half is stored while the answer still comes; only an end ends it.
            LiveTopic::Stored if told(event).is_some_and(|told| told.state.is_some()) => {
                runs.remove(&id);
            }
            _ => {}
        }
    }

    /// What is in flight at `now`, newest first.
    pub fn list(&self, now: Timestamp) -> Vec<Run> {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.retain(|_, run| now.duration_since(run.started_at) < FORGET);
        runs.values().rev().cloned().collect()
    }
}

fn told(event: &LiveEvent) -> Option<Told> {
    event.read()
}

fn run(id: ExchangeId, event: &LiveEvent) -> Run {
    let model = told(event).and_then(|told| told.model).unwrap_or_default();
    Run { id, started_at: event.at, domain: event.domain.clone(), model, first_token_ms: None }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use serde_json::json;

    use super::*;

    fn event(topic: LiveTopic, id: u128, at: Timestamp) -> LiveEvent {
        let id = Some(ExchangeId(uuid::Uuid::from_u128(id)));
        LiveEvent::new(topic, id, at, "d", &json!({"model": "m", "firstTokenMs": 5}))
    }

    #[test]
    fn a_run_lives_from_its_start_to_its_end() {
        let (running, now) = (Running::default(), Timestamp::UNIX_EPOCH);
        running.note(&event(LiveTopic::Started, 1, now));
        running.note(&event(LiveTopic::Started, 2, now));
        running.note(&event(LiveTopic::FirstByte, 2, now));
        let list = running.list(now);
        assert_eq!(list.iter().map(|run| run.first_token_ms).collect::<Vec<_>>(), [Some(5), None]);
        running.note(&event(LiveTopic::Finished, 2, now));
        assert_eq!(running.list(now).len(), 1);
        assert!(running.list(now + 16.minutes()).is_empty(), "a lost end is forgotten");
    }

    #[test]
    fn the_stored_half_of_a_request_does_not_end_it() {
        let now = Timestamp::UNIX_EPOCH;
        let running = Running::default();
        running.note(&event(LiveTopic::Started, 1, now));
        running.note(&event(LiveTopic::Stored, 1, now));
        assert_eq!(running.list(now).len(), 1);
        let row = LiveEvent::new(LiveTopic::Stored, None, now, "d", &json!({"state": "completed"}));
        running.note(&LiveEvent { data: row.data, ..event(LiveTopic::Stored, 1, now) });
        assert!(running.list(now).is_empty());
    }
}
