//! Which jobs a list shows.

use duplicate::duplicate_item;
use jiff::Timestamp;
use sqlx::{Postgres, Sqlite};

use super::job::JobStatus;
use crate::{engine::SqlStore, sql::QueryBuilder};

/// Which jobs; every given condition must hold. A job whose conversation is no longer kept is of no
/// domain and of no account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnalysisFilter {
    pub status: Option<JobStatus>,
    /// The domain of the conversation.
    pub domain: Option<String>,
    /// An account that the conversation has requests of.
    pub account_id: Option<String>,
    /// Asked for from this instant on.
    pub from: Option<Timestamp>,
    /// Asked for before this instant.
    pub to: Option<Timestamp>,
}

/// Under its present id: a late parent may have adopted its root since the job was asked for.
const CONVERSATION: &str = " AND EXISTS (SELECT 1 FROM conversations c WHERE c.conversation_id = \
    COALESCE((SELECT e.conversation_id FROM exchanges e WHERE e.exchange_id = a.conversation_id), \
    a.conversation_id)";

const ACCOUNT: &str = " AND EXISTS (SELECT 1 FROM conversation_values v \
    WHERE v.conversation_id = c.conversation_id AND v.field = 'account' AND v.value = ";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Goes on with the conditions on `analyses a`.
    pub(super) fn push_analysis_filter(query: &mut QueryBuilder<Engine>, filter: &AnalysisFilter) {
        if let Some(status) = filter.status {
            query.push(" AND a.status = ").push_bind(status.as_str());
        }
        if let Some(from) = filter.from {
            query.push(" AND a.requested_at >= ").push_bind(from.as_microsecond());
        }
        if let Some(to) = filter.to {
            query.push(" AND a.requested_at < ").push_bind(to.as_microsecond());
        }
        if filter.domain.is_none() && filter.account_id.is_none() {
            return;
        }
        query.push(CONVERSATION);
        if let Some(domain) = &filter.domain {
            query.push(" AND c.domain = ").push_bind(domain.clone());
        }
        if let Some(account) = &filter.account_id {
            query.push(ACCOUNT).push_bind(account.clone()).push(")");
        }
        query.push(")");
    }
}
