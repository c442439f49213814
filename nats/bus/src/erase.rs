//! Which messages are about some exchanges.

use std::collections::HashSet;

use nexus_contract::ExchangeId;

/// Exchanges whose messages are looked for, by the ids of the messages.
pub(crate) struct Exchanges(HashSet<String>);

impl Exchanges {
    pub fn new(exchanges: &[ExchangeId]) -> Self {
        Self(exchanges.iter().map(ToString::to_string).collect())
    }

    /// Whether the message is about one of them: whatever became of it on its way, its id still holds
    /// the exchange's between points, as in `requeued.7.<id>.request`.
    pub fn own(&self, message_id: &str) -> bool {
        message_id.split('.').any(|part| self.0.contains(part))
    }
}
