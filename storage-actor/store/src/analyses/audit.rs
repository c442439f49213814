//! The audit log of analyses: who asked for what, and what came of it.

use async_trait::async_trait;
use duplicate::duplicate_item;
use jiff::Timestamp;
use nexus_contract::ExchangeId;
use serde::Serialize;
use sqlx::{FromRow, Postgres, Sqlite};
use uuid::Uuid;

use super::{job::Branch, row::instant};
use crate::{
    engine::SqlStore,
    error::{Context, Result},
    sql,
};

/// Writes and reads the audit log. Entries are never changed.
#[async_trait]
pub trait AnalysisAudit: Send + Sync {
    async fn write_audit(&self, entry: &AuditEntry) -> Result<()>;

    /// The newest entries of a branch, or of all, newest first.
    async fn list_audit(&self, branch: Option<&Branch>, limit: u32) -> Result<Vec<AuditEntry>>;
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    pub at: Timestamp,
    /// Who asked: the dashboard's user or key, or a command.
    pub actor: String,
    pub action: AuditAction,
    #[serde(flatten)]
    pub branch: Branch,
    /// A sentence, where there is more to say. Never a secret, never captured text.
    pub detail: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditAction {
    Requested,
    Retrieved,
    Regenerated,
    Succeeded,
    Failed,
    /// A limit or a missing right stood against it.
    Refused,
}

impl AuditAction {
    pub const ALL: [Self; 6] = [
        Self::Requested,
        Self::Retrieved,
        Self::Regenerated,
        Self::Succeeded,
        Self::Failed,
        Self::Refused,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Retrieved => "retrieved",
            Self::Regenerated => "regenerated",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

const WRITE: &str = "\
    INSERT INTO analysis_audit (at, actor, action, conversation_id, branch_id, detail) \
    VALUES ($1, $2, $3, $4, $5, $6)";

const LIST: &str = "\
    SELECT at, actor, action, conversation_id, branch_id, detail FROM analysis_audit \
    ORDER BY audit_id DESC LIMIT $1";

const LIST_BRANCH: &str = "\
    SELECT at, actor, action, conversation_id, branch_id, detail FROM analysis_audit \
    WHERE conversation_id = $2 AND branch_id = $3 ORDER BY audit_id DESC LIMIT $1";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl AnalysisAudit for SqlStore<Engine> {
    async fn write_audit(&self, entry: &AuditEntry) -> Result<()> {
        let mut transaction = self.begin().await?;
        let query = sql::query(WRITE)
            .bind(entry.at.as_microsecond())
            .bind(&entry.actor)
            .bind(entry.action.as_str())
            .bind(entry.branch.conversation_id.0)
            .bind(&entry.branch.branch_id)
            .bind(&entry.detail);
        query.execute(&mut *transaction).await.context("the audit log cannot be written")?;
        transaction.commit().await.context("the audit log cannot be written")
    }

    async fn list_audit(&self, branch: Option<&Branch>, limit: u32) -> Result<Vec<AuditEntry>> {
        let statement = if branch.is_some() { LIST_BRANCH } else { LIST };
        let query = sql::query_as::<_, AuditRow>(statement).bind(i64::from(limit));
        let query = match branch {
            Some(branch) => query.bind(branch.conversation_id.0).bind(&branch.branch_id),
            None => query,
        };
        let rows = query.fetch_all(self.read()).await.context("the audit log cannot be read")?;
        Ok(rows.into_iter().filter_map(AuditRow::read).collect())
    }
}

#[derive(FromRow)]
struct AuditRow {
    at: i64,
    actor: String,
    action: String,
    conversation_id: Uuid,
    branch_id: String,
    detail: Option<String>,
}

impl AuditRow {
    /// `None` for an action that a later version wrote.
    fn read(self) -> Option<AuditEntry> {
        let action = AuditAction::ALL.into_iter().find(|action| action.as_str() == self.action)?;
        Some(AuditEntry {
            at: instant(self.at).ok()?,
            actor: self.actor,
            action,
            branch: Branch {
                conversation_id: ExchangeId(self.conversation_id),
                branch_id: self.branch_id,
            },
            detail: self.detail,
        })
    }
}
