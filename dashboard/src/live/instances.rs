//! Which processes there are, as their heartbeats tell it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use nexus_contract::{Heartbeat, JournalFigures, LiveEvent, LiveTopic};
use serde::Serialize;
use tokio::time::Instant;

/// Processes remembered at once; the one that was silent longest goes first.
const MOST: usize = 256;
/// A process that has said nothing for so long is gone.
const GONE: Duration = Duration::from_secs(30);

/// One process.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    #[serde(flatten)]
    pub heartbeat: Heartbeat,
    /// Seconds since it was last heard of.
    pub silent_seconds: u64,
}

#[derive(Debug)]
struct Heard {
    heartbeat: Heartbeat,
    /// By this process's own clock: the others' may be wrong.
    at: Instant,
}

/// The processes that were heard of lately, by name.
#[derive(Debug, Default)]
pub struct Instances(Mutex<BTreeMap<String, Heard>>);

impl Instances {
    /// Learns from one live event.
    pub fn note(&self, event: &LiveEvent) {
        if event.topic != LiveTopic::Heartbeat {
            return;
        }
        // A heartbeat of another version may be unreadable; that process is then not shown.
        let Some(heartbeat) = event.read::<Heartbeat>() else { return };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, at) = (heartbeat.instance.clone(), Instant::now());
        all.insert(name, Heard { heartbeat, at });
        if all.len() > MOST {
            let silent = all.iter().min_by_key(|(_, heard)| heard.at);
            let name = silent.map(|(name, _)| name.clone());
            name.and_then(|name| all.remove(&name));
        }
    }

    /// Those that are there, by name.
    pub fn list(&self) -> Vec<Instance> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, heard| heard.at.elapsed() < GONE);
        let instance = |heard: &Heard| Instance {
            heartbeat: heard.heartbeat.clone(),
            silent_seconds: heard.at.elapsed().as_secs(),
        };
        all.values().map(instance).collect()
    }
}

/// All journals together; `None` where no gateway was heard of.
pub fn journals(instances: &[Instance]) -> Option<JournalFigures> {
    instances.iter().filter_map(|instance| instance.heartbeat.journal).reduce(JournalFigures::and)
}

#[cfg(test)]
impl Instance {
    /// For template tests.
    pub fn sample() -> Self {
        let journal = JournalFigures { used_bytes: 10, max_bytes: 100, ..Default::default() };
        let heartbeat = Heartbeat {
            instance: "<b>gateway-1".into(),
            roles: vec!["gateway".into()],
            version: "0.1.0".into(),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            journal: Some(journal),
        };
        Self { heartbeat, silent_seconds: 2 }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn beat(name: &str, lost: u64) -> LiveEvent {
        let journal = JournalFigures { lost, used_bytes: 1, ..Default::default() };
        let heartbeat = Heartbeat {
            instance: name.into(),
            journal: Some(journal),
            ..Instance::sample().heartbeat
        };
        LiveEvent::new(LiveTopic::Heartbeat, None, Timestamp::UNIX_EPOCH, "", &heartbeat)
    }

    #[tokio::test(start_paused = true)]
    async fn who_beats_is_there_and_who_falls_silent_goes() {
        let instances = Instances::default();
        instances.note(&beat("a", 1));
        tokio::time::advance(GONE / 2).await;
        instances.note(&beat("b", 2));
        instances.note(&beat("b", 3));
        let list = instances.list();
        assert_eq!((list.len(), list[0].silent_seconds), (2, GONE.as_secs() / 2));
        let together = journals(&list).expect("two journals");
        assert_eq!((together.lost, together.used_bytes), (4, 2));
        tokio::time::advance(GONE / 2).await;
        let list = instances.list();
        assert_eq!((list.len(), &*list[0].heartbeat.instance), (1, "b"));
        tokio::time::advance(GONE).await;
        assert!(journals(&instances.list()).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn names_are_remembered_up_to_a_bound() {
        let instances = Instances::default();
        for number in 0..MOST + 10 {
            instances.note(&beat(&format!("gateway-{number}"), 0));
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let list = instances.list();
        assert_eq!(list.len(), MOST);
        assert!(list.iter().all(|one| one.heartbeat.instance != "gateway-9"), "the oldest go");
    }
}
