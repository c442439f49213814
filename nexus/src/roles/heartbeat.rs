//! Every process says that it is there, what it does, and how its journal stands.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use jiff::Timestamp;
use nexus_bus::LiveBus;
use nexus_contract::{Clock, Heartbeat, JournalFigures, LiveEvent, LiveTopic};
use nexus_journal::Journal;
use tokio_util::sync::CancellationToken;

use crate::roles::Role;

/// A dashboard takes a process for gone after six of these.
const INTERVAL: Duration = Duration::from_secs(5);

/// What is said, and where.
pub struct Heart {
    pub instance: String,
    pub roles: Vec<Role>,
    /// Held by the gateway alone: with its end the journal is closed.
    pub journal: Option<Weak<Journal>>,
    pub live: Arc<dyn LiveBus>,
    pub clock: Arc<dyn Clock>,
}

impl Heart {
    /// Beats until `shutdown`.
    pub async fn beat(self, shutdown: CancellationToken) {
        let started_at = self.clock.now();
        let mut ticks = tokio::time::interval(INTERVAL);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            let heartbeat = self.heartbeat(started_at);
            let (topic, at) = (LiveTopic::Heartbeat, self.clock.now());
            self.live.publish(LiveEvent::new(topic, None, at, "", &heartbeat));
        }
    }

    fn heartbeat(&self, started_at: Timestamp) -> Heartbeat {
        Heartbeat {
            instance: self.instance.clone(),
            roles: self.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at,
            journal: self.journal.as_ref().and_then(Weak::upgrade).as_deref().map(figures),
        }
    }
}

fn figures(journal: &Journal) -> JournalFigures {
    let status = journal.status();
    JournalFigures {
        used_bytes: status.used_bytes,
        max_bytes: status.max_bytes,
        queued_bytes: status.queued_bytes,
        full: status.full,
        begun: status.counts.begun,
        lost: status.counts.lost,
        tombstones: status.counts.tombstones,
        late: status.counts.late,
        damaged: status.counts.damaged,
    }
}
