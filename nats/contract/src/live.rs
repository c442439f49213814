//! Live subjects: what happens right now, for whoever listens. Not durable; lost ones are not missed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use crate::id::ExchangeId;

/// What a live event is about; the last token of its subject (`nexus.live.<topic>`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveTopic {
    /// A request reached the gateway. Data: `model`, `stream`, `path`.
    Started,
    /// The answer's first byte went to the client. Data: `firstTokenMs`, `status`.
    FirstByte,
    /// Somebody looks at the answer of this running exchange: from the dashboard to the gateways,
    /// again every few seconds while they do.
    Watch,
    /// A growing answer as far as it came, when somebody watches it. Data: `text`, its end when it is
    /// long.
    Delta,
    /// The exchange ended. Data: `state`, `status`, `durationMs`, tokens.
    Finished,
    /// Its link was committed. Data: `conversationId`, `kind`, `exchanges`.
    Linked,
    /// Its row was committed. Data: a row as `GET /api/requests` gives it.
    Stored,
    /// An analysis changed its status, or waits anew. Data: `conversationId`, `branchId`, `status`,
    /// `run`.
    Analysis,
    /// An account's rate-limit window was reported. Data: `accountId`.
    Window,
    /// A process says that it is there. Data: a [`Heartbeat`](crate::Heartbeat).
    Heartbeat,
}

impl LiveTopic {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::FirstByte => "first_byte",
            Self::Watch => "watch",
            Self::Delta => "delta",
            Self::Finished => "finished",
            Self::Linked => "linked",
            Self::Stored => "stored",
            Self::Analysis => "analysis",
            Self::Window => "window",
            Self::Heartbeat => "heartbeat",
        }
    }
}

/// One live event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LiveEvent {
    pub topic: LiveTopic,
    /// The exchange, where the event is about one.
    pub id: Option<ExchangeId>,
    pub at: Timestamp,
    pub domain: String,
    /// camelCase JSON, by topic. As text: most who get it hand it on, and few look into it.
    pub data: Box<RawValue>,
}

impl LiveEvent {
    /// An event with `data` as its JSON; what can't be written as JSON is `null`.
    pub fn new(
        topic: LiveTopic,
        id: Option<ExchangeId>,
        at: Timestamp,
        domain: &str,
        data: &impl Serialize,
    ) -> Self {
        let data = serde_json::value::to_raw_value(data).unwrap_or_default();
        Self { topic, id, at, domain: domain.to_owned(), data }
    }

    /// The data, or the part of it that `T` names; `None` when it is something else.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.data.get()).ok()
    }

    /// Where the analysis of a branch stands. Dashboards show it; that it waits wakes the workers.
    pub fn analysis(
        domain: &str,
        conversation_id: ExchangeId,
        branch_id: &str,
        run: u64,
        status: &str,
        at: Timestamp,
    ) -> Self {
        let data = json!({
            "conversationId": conversation_id, "branchId": branch_id, "status": status, "run": run,
        });
        Self::new(LiveTopic::Analysis, Some(conversation_id), at, domain, &data)
    }
}
