//! All links anew, inside one transaction: what was decided is put aside, decided again from the same
//! facts, and compared. A dry run is the same without the commit.

use duplicate::duplicate_item;
use nexus_linking::{Link, Moment};
use sqlx::{Postgres, QueryBuilder, Sqlite};

use super::{
    Relinked,
    index::SqlIndex,
    row::{LINK, MomentRow},
};
use crate::error::{Context, Result};

const FORGET: [&str; 6] = [
    "CREATE TEMPORARY TABLE decided AS SELECT * FROM links",
    "CREATE INDEX decided_by_exchange ON decided (exchange_id)",
    "DELETE FROM links",
    "DELETE FROM link_labels",
    "DELETE FROM link_waits",
    "UPDATE link_calls SET taken_by = NULL, taken_at = NULL WHERE taken_by IS NOT NULL",
];

const DONE: &str = "DROP TABLE decided";

const MOMENTS: &str =
    "SELECT exchange_id, at FROM link_facts WHERE at IS NOT NULL ORDER BY at, exchange_id";

/// Links that differ in anything that a reader sees.
const DIFFERS: &str = "WHERE NOT EXISTS (SELECT 1 FROM decided d \
    WHERE d.exchange_id = links.exchange_id AND d.kind = links.kind AND d.method = links.method \
    AND d.parent_id IS NOT DISTINCT FROM links.parent_id \
    AND d.task_use_id IS NOT DISTINCT FROM links.task_use_id \
    AND d.step_id = links.step_id \
    AND d.conversation_id IS NOT DISTINCT FROM links.conversation_id \
    AND d.branch_id IS NOT DISTINCT FROM links.branch_id)";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    pub(super) async fn forget_decisions(&mut self) -> Result<()> {
        for statement in FORGET {
            sqlx::query(statement).execute(&mut *self.connection).await.context(statement)?;
        }
        Ok(())
    }

    /// All exchanges whose request is known.
    pub(super) async fn moments(&mut self) -> Result<Vec<Moment>> {
        let rows: Vec<MomentRow> =
            sqlx::query_as(MOMENTS).fetch_all(&mut *self.connection).await.context(MOMENTS)?;
        Ok(rows.into_iter().map(Moment::from).collect())
    }

    pub(super) async fn compare(&mut self) -> Result<Vec<Relinked>> {
        let after = QueryBuilder::<Engine>::new(format!("SELECT {LINK} FROM links {DIFFERS}"));
        let after = self.fetch_links(after).await?;
        let mut changed = Vec::with_capacity(after.len());
        for link in after {
            changed.push(Relinked { before: self.decided(&link).await?, after: link });
        }
        sqlx::query(DONE).execute(&mut *self.connection).await.context(DONE)?;
        Ok(changed)
    }

    async fn decided(&mut self, link: &Link) -> Result<Option<Link>> {
        let mut query =
            QueryBuilder::<Engine>::new(format!("SELECT {LINK} FROM decided WHERE exchange_id = "));
        query.push_bind(link.moment.id.0);
        Ok(self.fetch_links(query).await?.into_iter().next())
    }
}
