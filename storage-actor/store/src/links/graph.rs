//! `links`, `link_labels` and `link_waits`.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::{Hash, Link, LinkKind, Moment, label::Branch};
use sqlx::{FromRow, Postgres, Row, Sqlite};
use uuid::Uuid;

use super::{
    index::SqlIndex,
    row::{LINK, LinkRow, MomentRow, all, bytes, text},
};
use crate::{
    error::{Context, Result},
    sql::{self, QueryBuilder},
};

const WAITING: &str = "SELECT exchange_id, at FROM link_waits \
    WHERE wait_key = $1 AND (at, exchange_id) > ($2, $3) ORDER BY at, exchange_id";

/// Links after a moment that leave a history there, and those whose parent is later than they are. The
/// index holds the beginnings of joints.
const JOINED: &str = "SELECT l.exchange_id, l.at FROM links l \
    JOIN link_facts f ON f.exchange_id = l.exchange_id \
    WHERE substr(l.joint_hash, 1, 8) = substr($1, 1, 8) AND l.joint_hash = $1 \
    AND (l.at, l.exchange_id) > ($2, $3) \
    AND (f.domain = $4 OR f.session_id = $5) \
    UNION SELECT l.exchange_id, l.at FROM links l \
    JOIN link_facts f ON f.exchange_id = l.exchange_id \
    WHERE l.joint_hash = $1 AND l.late AND (f.domain = $4 OR f.session_id = $5)";

const LONGER: &str = "SELECT f.exchange_id, f.at FROM link_facts f \
    LEFT JOIN links l ON l.exchange_id = f.exchange_id \
    WHERE f.member AND f.session_id = $1 AND f.length > $2 \
    AND NOT coalesce(l.joint_tier = 'agent' AND l.joint_length >= $2, FALSE)";

const HEADS: &str = "SELECT f.exchange_id, f.at FROM link_facts f \
    JOIN links l ON l.exchange_id = f.exchange_id \
    WHERE f.member AND f.session_id = $1 AND (f.at, f.exchange_id) > ($2, $3) AND l.head";

const BRANCHES: &str = "SELECT l.exchange_id, l.at, l.kind, l.task_position, \
    p.exchange_id AS caller_id, p.at AS caller_at, b.label \
    FROM links l LEFT JOIN links p ON p.exchange_id = l.parent_id AND l.kind = 'subagent' \
    LEFT JOIN link_labels b ON b.branch_id = l.exchange_id \
    WHERE l.conversation_id = $1 AND l.branch_id = l.exchange_id";

const ON_BRANCH: &str =
    "SELECT exchange_id FROM links WHERE branch_id = $1 AND branch_id <> conversation_id";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    pub(super) async fn read_link(&mut self, id: ExchangeId) -> Result<Option<Link>> {
        let mut query =
            QueryBuilder::<Engine>::new(format!("SELECT {LINK} FROM links WHERE exchange_id = "));
        query.push_bind(id.0);
        Ok(self.fetch_links(query).await?.into_iter().next())
    }

    pub(super) async fn fetch_links(
        &mut self,
        mut query: QueryBuilder<Engine>,
    ) -> Result<Vec<Link>> {
        let rows: Vec<LinkRow> = query
            .build_query_as()
            .fetch_all(&mut *self.connection)
            .await
            .context("links cannot be read")?;
        all(rows)
    }

    pub(super) async fn read_waiting(&mut self, key: Hash, after: Moment) -> Result<Vec<Moment>> {
        let query = sql::query_as(WAITING).bind(bytes(key)).bind(after.at).bind(after.id.0);
        Ok(moments(query.fetch_all(&mut *self.connection).await.context(WAITING)?))
    }

    pub(super) async fn read_joined(
        &mut self,
        joint: Hash,
        domain: &str,
        session: Option<&str>,
        after: Moment,
    ) -> Result<Vec<Moment>> {
        let query = sql::query_as(JOINED).bind(bytes(joint)).bind(after.at).bind(after.id.0);
        let query = query.bind(text(domain)).bind(session.map(text));
        Ok(moments(query.fetch_all(&mut *self.connection).await.context(JOINED)?))
    }

    pub(super) async fn read_longer(&mut self, session: &str, length: u32) -> Result<Vec<Moment>> {
        let query = sql::query_as(LONGER).bind(text(session)).bind(i64::from(length));
        Ok(moments(query.fetch_all(&mut *self.connection).await.context(LONGER)?))
    }

    pub(super) async fn read_heads(&mut self, session: &str, after: Moment) -> Result<Vec<Moment>> {
        let query = sql::query_as(HEADS).bind(text(session)).bind(after.at).bind(after.id.0);
        Ok(moments(query.fetch_all(&mut *self.connection).await.context(HEADS)?))
    }

    pub(super) async fn read_children(&mut self, parents: &[ExchangeId]) -> Result<Vec<Link>> {
        let parents: Vec<_> = parents.iter().map(|parent| parent.0).collect();
        let mut found = self.links_in("parent_id", &parents).await?;
        found.sort_by_key(|link| link.moment);
        Ok(found)
    }

    pub(super) async fn read_attempts(&mut self, step: ExchangeId) -> Result<Vec<Link>> {
        let mut query =
            QueryBuilder::<Engine>::new(format!("SELECT {LINK} FROM links WHERE exchange_id = "));
        query.push_bind(step.0).push(" AND step_id = ").push_bind(step.0);
        query.push(format!(" UNION ALL SELECT {LINK} FROM links WHERE step_id = "));
        query.push_bind(step.0).push(" AND step_id <> exchange_id");
        let mut found = self.fetch_links(query).await?;
        found.sort_by_key(|link| link.moment);
        Ok(found)
    }

    pub(super) async fn read_branches(
        &mut self,
        conversation: ExchangeId,
    ) -> Result<Vec<(Branch, Option<String>)>> {
        let rows = sql::query(BRANCHES)
            .bind(conversation.0)
            .fetch_all(&mut *self.connection)
            .await
            .context(BRANCHES)?;
        let mut branches = Vec::with_capacity(rows.len());
        for row in rows {
            let opened: Moment = MomentRow::from_row(&row)?.into();
            let kind: String = row.try_get("kind")?;
            let position: Option<i64> = row.try_get("task_position")?;
            let position = position.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
            let caller: Option<Uuid> = row.try_get("caller_id")?;
            let caller = caller.zip(row.try_get("caller_at")?);
            let branch = Branch {
                opened,
                kind: LinkKind::parse(&kind).unwrap_or(LinkKind::Turn),
                spawned: caller.map(|(id, at)| (Moment { at, id: ExchangeId(id) }, position)),
            };
            branches.push((branch, row.try_get("label")?));
        }
        Ok(branches)
    }

    pub(super) async fn read_on_branch(&mut self, branch: ExchangeId) -> Result<Vec<ExchangeId>> {
        let rows: Vec<Uuid> = sql::query_scalar(ON_BRANCH)
            .bind(branch.0)
            .fetch_all(&mut *self.connection)
            .await
            .context(ON_BRANCH)?;
        Ok(rows.into_iter().map(ExchangeId).collect())
    }
}

fn moments(rows: Vec<MomentRow>) -> Vec<Moment> {
    rows.into_iter().map(Moment::from).collect()
}
