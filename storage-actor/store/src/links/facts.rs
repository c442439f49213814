//! `link_facts`: who said what, and whose history ends where.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::{
    Exchange, Hash, Moment,
    cache::Crowd,
    index::{Candidates, MAX_CANDIDATES, Scope},
    link::Reply,
};
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::{
    index::SqlIndex,
    row::{FACTS, FactsRow, all, bytes, text},
};
use crate::{
    error::{Context, Result},
    sql::{self, QueryBuilder},
};

const THREADS: &str =
    "SELECT exchange_id FROM link_facts WHERE member AND thread_of = $1 ORDER BY exchange_id";

const NEWEST: &str = " ORDER BY at DESC, exchange_id DESC LIMIT ";
const OLDEST: &str = " ORDER BY at, exchange_id LIMIT ";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    fn select(condition: &str) -> QueryBuilder<Engine> {
        QueryBuilder::new(format!("SELECT {FACTS} FROM link_facts WHERE {condition}"))
    }

    pub(super) async fn fetch(&mut self, mut query: QueryBuilder<Engine>) -> Result<Vec<Exchange>> {
        let rows: Vec<FactsRow> = query
            .build_query_as()
            .fetch_all(&mut *self.connection)
            .await
            .context("link_facts cannot be read")?;
        all(rows)
    }

    async fn first(&mut self, query: QueryBuilder<Engine>) -> Result<Option<Exchange>> {
        Ok(self.fetch(query).await?.into_iter().next())
    }

    pub(super) async fn read_facts(&mut self, id: ExchangeId) -> Result<Option<Exchange>> {
        let mut query = Self::select("exchange_id = ");
        query.push_bind(id.0);
        self.first(query).await
    }

    /// Everything, in pages in the order of ids.
    pub(super) async fn list(
        &mut self,
        after: Option<ExchangeId>,
        limit: u32,
    ) -> Result<Vec<Exchange>> {
        let mut query = Self::select("TRUE");
        if let Some(after) = after {
            query.push(" AND exchange_id > ").push_bind(after.0);
        }
        query.push(" ORDER BY exchange_id LIMIT ").push_bind(i64::from(limit));
        self.fetch(query).await
    }

    pub(super) async fn read_ending(
        &mut self,
        hashes: &[Hash],
        scope: &Scope,
    ) -> Result<Vec<Hash>> {
        let mut found = Vec::new();
        for some in hashes.chunks(256) {
            // One look-up per prefix, however many exchanges end there.
            let mut query = QueryBuilder::<Engine>::new(
                "SELECT p.hash FROM link_prefixes p WHERE EXISTS (SELECT 1 FROM link_facts \
                 WHERE member AND current_hash = p.hash",
            );
            Self::within(&mut query, scope);
            query.push(") AND p.hash IN");
            Self::one_of(&mut query, some);
            let rows: Vec<Vec<u8>> = query
                .build_query_scalar()
                .fetch_all(&mut *self.connection)
                .await
                .context("link_facts cannot be read by history")?;
            for row in rows {
                found.push(super::row::hash(&row)?);
            }
        }
        Ok(found)
    }

    pub(super) async fn read_candidates(&mut self, wanted: &Candidates) -> Result<Vec<Exchange>> {
        let mut found = Vec::new();
        if let Some(reply) = wanted.reply.hash {
            let mut query = Self::candidate(wanted);
            query.push(" AND follow_hash = ").push_bind(bytes(reply));
            found.extend(self.limited(query, wanted, "<", NEWEST).await?);
        }
        if let Some(call) = &wanted.reply.call {
            let mut query = Self::candidate(wanted);
            query.push(" AND first_call = ").push_bind(text(call));
            found.extend(self.limited(query, wanted, "<", NEWEST).await?);
        }
        if found.is_empty() {
            found = self.limited(Self::candidate(wanted), wanted, "<", NEWEST).await?;
        }
        if found.is_empty() {
            found = self.limited(Self::candidate(wanted), wanted, ">", OLDEST).await?;
        }
        Ok(found)
    }

    fn candidate(wanted: &Candidates) -> QueryBuilder<Engine> {
        let mut query = Self::select("member AND current_hash = ");
        query.push_bind(bytes(wanted.current));
        Self::within(&mut query, &wanted.scope);
        query
    }

    async fn limited(
        &mut self,
        mut query: QueryBuilder<Engine>,
        wanted: &Candidates,
        compares: &str,
        order: &str,
    ) -> Result<Vec<Exchange>> {
        Self::versus(&mut query, compares, wanted.child);
        query.push(order).push(MAX_CANDIDATES);
        self.fetch(query).await
    }

    /// `None` when more than `max` began since.
    pub(super) async fn read_crowd(
        &mut self,
        crowd: &Crowd,
        max: usize,
    ) -> Result<Option<Vec<Exchange>>> {
        let (current, scope) = (crowd.current, Scope::Domain(crowd.domain.clone()));
        let since = Moment { at: crowd.since, ..Moment::FIRST };
        let wanted = Candidates { current, scope, child: since, reply: Reply::default() };
        let member = || {
            let mut query = Self::candidate(&wanted);
            if let Some(follow) = crowd.follow {
                query.push(" AND follow_hash = ").push_bind(bytes(follow));
            }
            query
        };
        let mut later = member();
        Self::versus(&mut later, ">=", since);
        later.push(OLDEST).push(max + 1);
        let mut found = self.fetch(later).await?;
        if found.len() > max {
            return Ok(None);
        }
        found.extend(self.limited(member(), &wanted, "<", NEWEST).await?);
        if crowd.follow.is_none() {
            found.extend(self.read_equal(current, &wanted.scope, false, since, false).await?);
        }
        Ok(Some(found))
    }

    pub(super) async fn read_shared(
        &mut self,
        current: Hash,
        scope: &Scope,
        id: ExchangeId,
    ) -> Result<bool> {
        let mut query = QueryBuilder::<Engine>::new(
            "SELECT exchange_id FROM link_facts WHERE member AND current_hash = ",
        );
        query.push_bind(bytes(current));
        Self::within(&mut query, scope);
        query.push(" AND exchange_id <> ").push_bind(id.0).push(" LIMIT 1");
        let found: Option<Uuid> = query
            .build_query_scalar()
            .fetch_optional(&mut *self.connection)
            .await
            .context("link_facts cannot be read by history")?;
        Ok(found.is_some())
    }

    pub(super) async fn read_equal(
        &mut self,
        current: Hash,
        scope: &Scope,
        identified: bool,
        moment: Moment,
        after: bool,
    ) -> Result<Option<Exchange>> {
        // Spelled out, so that the index of those without an identity serves.
        let mut query = Self::select(if identified {
            "member AND identified AND current_hash = "
        } else {
            "member AND NOT identified AND current_hash = "
        });
        query.push_bind(bytes(current));
        Self::within(&mut query, scope);
        Self::versus(&mut query, if after { ">" } else { "<" }, moment);
        query.push(if after { OLDEST } else { NEWEST }).push(1);
        self.first(query).await
    }

    pub(super) async fn read_newest(
        &mut self,
        scope: &Scope,
        before: Moment,
        summaries: bool,
    ) -> Result<Option<Exchange>> {
        let mut query =
            Self::select(if summaries { "member AND summarises AND complete" } else { "member" });
        Self::within(&mut query, scope);
        Self::versus(&mut query, "<", before);
        query.push(NEWEST).push(1);
        self.first(query).await
    }

    pub(super) async fn read_summaries(
        &mut self,
        scope: &Scope,
        probes: &[Hash],
        before: Moment,
    ) -> Result<Vec<Exchange>> {
        let mut query = Self::select("member AND summary_probe IN");
        Self::one_of(&mut query, probes);
        Self::within(&mut query, scope);
        Self::versus(&mut query, "<", before);
        query.push(NEWEST).push(MAX_CANDIDATES);
        self.fetch(query).await
    }

    pub(super) async fn read_answering(
        &mut self,
        scope: &Scope,
        message_id: &str,
        child: Moment,
    ) -> Result<Option<Exchange>> {
        let mut query = Self::select("member AND message_id = ");
        query.push_bind(text(message_id));
        Self::within(&mut query, scope);
        Self::versus(&mut query, "<", child);
        query.push(NEWEST).push(1);
        self.first(query).await
    }

    pub(super) async fn read_threads(&mut self, message_id: &str) -> Result<Vec<ExchangeId>> {
        let rows: Vec<Uuid> = sql::query_scalar(THREADS)
            .bind(text(message_id))
            .fetch_all(&mut *self.connection)
            .await
            .context(THREADS)?;
        Ok(rows.into_iter().map(ExchangeId).collect())
    }
}
