//! All links anew, inside one transaction: what was decided is put aside, decided again from the same
//! facts, and compared. A dry run is the same without the commit.

use duplicate::duplicate_item;
use nexus_linking::Moment;
use sqlx::{Postgres, Sqlite};

use super::{
    Labelled, Relinked,
    index::SqlIndex,
    row::{LABEL, LINK, LabelledRow, MomentRow, all},
};
use crate::{
    error::{Context, Result},
    sql::{self, QueryBuilder},
};

const FORGET: [&str; 6] = [
    "CREATE TEMPORARY TABLE decided AS SELECT l.*, b.label \
        FROM links l LEFT JOIN link_labels b ON b.branch_id = l.branch_id",
    "CREATE INDEX decided_by_exchange ON decided (exchange_id)",
    "DELETE FROM links",
    "DELETE FROM link_labels",
    "DELETE FROM link_waits",
    "UPDATE link_calls SET taken_by = NULL, taken_at = NULL WHERE taken_by IS NOT NULL",
];

const DONE: &str = "DROP TABLE decided";

const MOMENTS: &str =
    "SELECT exchange_id, at FROM link_facts WHERE at IS NOT NULL ORDER BY at, exchange_id";

/// Links that differ in anything that a reader sees, the branch's name included.
const DIFFERS: &str = "WHERE NOT EXISTS (SELECT 1 FROM decided d \
    WHERE d.exchange_id = links.exchange_id AND d.kind = links.kind AND d.method = links.method \
    AND d.parent_id IS NOT DISTINCT FROM links.parent_id \
    AND d.task_use_id IS NOT DISTINCT FROM links.task_use_id \
    AND d.step_id = links.step_id \
    AND d.conversation_id IS NOT DISTINCT FROM links.conversation_id \
    AND d.branch_id IS NOT DISTINCT FROM links.branch_id \
    AND d.label IS NOT DISTINCT FROM \
    (SELECT b.label FROM link_labels b WHERE b.branch_id = links.branch_id)) \
    ORDER BY at, exchange_id";

const VANISHED: &str = "WHERE NOT EXISTS (SELECT 1 FROM links l WHERE l.exchange_id = decided.exchange_id) \
    ORDER BY at, exchange_id";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    pub(super) async fn forget_decisions(&mut self) -> Result<()> {
        for statement in FORGET {
            sql::query(statement).execute(&mut *self.connection).await.context(statement)?;
        }
        Ok(())
    }

    /// All exchanges whose request is known.
    pub(super) async fn moments(&mut self) -> Result<Vec<Moment>> {
        let rows: Vec<MomentRow> =
            sql::query_as(MOMENTS).fetch_all(&mut *self.connection).await.context(MOMENTS)?;
        Ok(rows.into_iter().map(Moment::from).collect())
    }

    /// What came out different, then what is linked no more.
    pub(super) async fn compare(&mut self) -> Result<Vec<Relinked>> {
        let after =
            QueryBuilder::<Engine>::new(format!("SELECT {LINK}, {LABEL} FROM links {DIFFERS}"));
        let mut changed = Vec::new();
        for after in self.fetch_labelled(after).await? {
            let moment = after.link.moment;
            let before = self.decided(moment).await?;
            changed.push(Relinked { moment, before, after: Some(after) });
        }
        let gone =
            QueryBuilder::<Engine>::new(format!("SELECT {LINK}, label FROM decided {VANISHED}"));
        for before in self.fetch_labelled(gone).await? {
            let moment = before.link.moment;
            changed.push(Relinked { moment, before: Some(before), after: None });
        }
        sql::query(DONE).execute(&mut *self.connection).await.context(DONE)?;
        Ok(changed)
    }

    async fn decided(&mut self, moment: Moment) -> Result<Option<Labelled>> {
        let mut query = QueryBuilder::<Engine>::new(format!(
            "SELECT {LINK}, label FROM decided WHERE exchange_id = "
        ));
        query.push_bind(moment.id.0);
        Ok(self.fetch_labelled(query).await?.into_iter().next())
    }

    async fn fetch_labelled(&mut self, mut query: QueryBuilder<Engine>) -> Result<Vec<Labelled>> {
        let rows: Vec<LabelledRow> = query
            .build_query_as()
            .fetch_all(&mut *self.connection)
            .await
            .context("links and labels cannot be read")?;
        all(rows)
    }
}
