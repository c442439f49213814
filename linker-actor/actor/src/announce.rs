//! Tells the stream, and whoever watches, which links changed.

use nexus_bus::StreamError;
use nexus_contract::{Envelope, Event, Linked, LiveEvent, LiveTopic, Payload};
use nexus_store::{StoreError, links::Announcement};
use thiserror::Error;

use crate::handler::LinkerDeps;

/// Announcements published at once.
const BATCH: u32 = 256;

/// Publishes what commits left to be announced. Several linkers may do so at once: an announcement
/// published twice has the same message id, and only says where to look.
pub struct Announcer(LinkerDeps);

/// Why an announcement waits.
#[derive(Debug, Error)]
pub enum AnnounceError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Stream(#[from] StreamError),
}

impl Announcer {
    pub fn new(deps: LinkerDeps) -> Self {
        Self(deps)
    }

    /// Publishes everything that waits, and forgets it when the stream has it.
    pub async fn publish(&self) -> Result<(), AnnounceError> {
        loop {
            let waiting = self.0.store.announcements(BATCH).await?;
            let Some(last) = waiting.last().map(|one| one.sequence) else { return Ok(()) };
            let events: Vec<_> = waiting.iter().map(|one| self.event(one)).collect();
            self.0.stream.publish(&events).await?;
            self.0.store.announced(last).await?;
            for one in waiting {
                self.show(one).await?;
            }
        }
    }

    fn event(&self, announcement: &Announcement) -> Event {
        let linked =
            Linked { exchanges: announcement.exchanges.clone(), revision: announcement.sequence };
        Event {
            envelope: Envelope {
                id: announcement.id,
                at: announcement.at,
                gateway: self.0.instance.clone(),
                domain: announcement.domain.clone(),
                account_id: None,
                payload: Payload::Linked(linked),
            },
            body: None,
        }
    }

    async fn show(&self, announcement: Announcement) -> Result<(), AnnounceError> {
        let link = self.0.store.find_link(announcement.id).await?;
        let data = serde_json::json!({
            "conversationId": link.as_ref().and_then(|link| link.conversation),
            "kind": link.as_ref().map(|link| link.edge.kind.as_str()),
            "exchanges": announcement.exchanges,
        });
        let (topic, at) = (LiveTopic::Linked, self.0.clock.now());
        let domain = &announcement.domain;
        self.0.live.publish(LiveEvent::new(topic, Some(announcement.id), at, domain, &data));
        Ok(())
    }
}
