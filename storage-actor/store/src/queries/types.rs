//! What readers ask for and what they get: filters, pages and camelCase rows, as `/api` gives them.

mod account;
mod conversation;
mod filter;
mod page;
mod reason;
mod request;
mod usage;

pub use account::{AccountSummary, AccountWindow, DomainSummary};
pub use conversation::{
    BranchSummary, ConversationCounts, ConversationGraph, ConversationSummary, GraphNode,
    NodeTokens, Snippet, SnippetPart,
};
pub use filter::{ConversationFilter, ConversationSort, RequestFilter, RequestSort, StatusFilter};
pub use page::{Cursor, CursorError, Page, Paging, Unsearched};
pub use reason::{LinkHashes, LinkMethod, LinkReason, Linked};
pub use request::{ExchangeKind, RequestSummary};
pub use usage::{
    Activity, ActivitySample, GroupBy, Latency, Timing, UsageBucket, UsageFilter, UsageKey,
    UsageTotals,
};
