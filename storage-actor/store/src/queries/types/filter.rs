//! Which rows a list shows.

use duplicate::duplicate_item;
use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::RequestType;

use super::ExchangeKind;
use crate::queries::syntax::Search;

/// Which exchanges; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestFilter {
    pub domain: Option<String>,
    pub account_id: Option<String>,
    pub model: Option<String>,
    pub request_type: Option<RequestType>,
    pub status: Option<StatusFilter>,
    pub state: Option<TerminalState>,
    pub kind: Option<ExchangeKind>,
    pub conversation_id: Option<ExchangeId>,
    pub branch_id: Option<String>,
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Up to, and without, this instant.
    pub to: Option<Timestamp>,
    /// Conditions and words from the search field.
    pub search: Search,
    pub sort: RequestSort,
}

#[duplicate_item(Filter; [RequestFilter]; [ConversationFilter])]
impl Filter {
    /// Whether there is a condition besides words.
    pub(crate) fn has_conditions(&self) -> bool {
        let sort = self.sort;
        *self != Self { search: self.search.words_alone(), sort, ..Self::default() }
    }
}

/// A condition on the answer's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// Exactly this one.
    Code(u16),
    /// This hundred: 4 for 400 to 499.
    Class(u16),
}

/// The order of exchanges; the largest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RequestSort {
    #[default]
    Time,
    Cost,
    Duration,
}

/// Which conversations; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConversationFilter {
    pub domain: Option<String>,
    pub account_id: Option<String>,
    /// Last active from this instant on.
    pub from: Option<Timestamp>,
    /// Begun before this instant.
    pub to: Option<Timestamp>,
    /// Conditions and words from the search field.
    pub search: Search,
    pub sort: ConversationSort,
}

/// The order of conversations; the largest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConversationSort {
    /// Last activity.
    #[default]
    Recent,
    Cost,
    Tokens,
    Requests,
}

impl StatusFilter {
    /// `404`, or `4xx`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(class) = text.strip_suffix("xx") {
            return class.parse().ok().filter(|class| (1..=5).contains(class)).map(Self::Class);
        }
        text.parse().ok().filter(|code| (100..=599).contains(code)).map(Self::Code)
    }
}

impl RequestSort {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "time" => Some(Self::Time),
            "cost" => Some(Self::Cost),
            "duration" => Some(Self::Duration),
            _unknown => None,
        }
    }
}

impl ConversationSort {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "recent" => Some(Self::Recent),
            "cost" => Some(Self::Cost),
            "tokens" => Some(Self::Tokens),
            "requests" => Some(Self::Requests),
            _unknown => None,
        }
    }
}
