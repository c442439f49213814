//! `link_facts`: who said what, and whose history ends where.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::{
    Exchange, Hash, Moment,
    index::{Candidates, MAX_CANDIDATES, Scope},
};
use sqlx::{Postgres, QueryBuilder, Sqlite};
use uuid::Uuid;

use super::{
    index::SqlIndex,
    row::{FACTS, FactsRow, all, bytes, text},
};
use crate::error::{Context, Result, StoreError};

const UPSERT: &str = "INSERT INTO link_facts (exchange_id, at, domain, session_id, agent_id, member, \
    identified, summarises, complete, current_hash, length, follow_hash, first_call, thread_of, \
    message_id, summary_probe, request, answer, continues, client) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
    $20) \
    ON CONFLICT (exchange_id) DO UPDATE SET at = excluded.at, domain = excluded.domain, \
    session_id = excluded.session_id, agent_id = excluded.agent_id, member = excluded.member, \
    identified = excluded.identified, summarises = excluded.summarises, \
    complete = excluded.complete, current_hash = excluded.current_hash, length = excluded.length, \
    follow_hash = excluded.follow_hash, first_call = excluded.first_call, \
    thread_of = excluded.thread_of, message_id = excluded.message_id, \
    summary_probe = excluded.summary_probe, request = excluded.request, answer = excluded.answer, \
    continues = excluded.continues, client = excluded.client";

const THREADS: &str =
    "SELECT exchange_id FROM link_facts WHERE member AND thread_of = $1 ORDER BY exchange_id";

const NEWEST: &str = " ORDER BY at DESC, exchange_id DESC LIMIT ";
const OLDEST: &str = " ORDER BY at, exchange_id LIMIT ";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    fn select(condition: &str) -> QueryBuilder<Engine> {
        QueryBuilder::new(format!("SELECT {FACTS} FROM link_facts WHERE {condition}"))
    }

    async fn fetch(&mut self, mut query: QueryBuilder<Engine>) -> Result<Vec<Exchange>> {
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

    pub(super) async fn write_facts(&mut self, exchange: &Exchange) -> Result<()> {
        let (request, answer) = (exchange.request.as_ref(), exchange.answer.as_ref());
        let place = exchange.place;
        sqlx::query(UPSERT)
            .bind(exchange.id.0)
            .bind(request.map(|request| request.moment.at))
            .bind(request.map(|request| text(&request.domain)))
            .bind(request.and_then(|request| request.session.as_deref()).map(text))
            .bind(request.and_then(|request| request.agent.as_deref()).map(text))
            .bind(request.is_some_and(|request| request.member))
            .bind(request.is_some_and(|request| request.identified))
            .bind(request.is_some_and(|request| request.summarises))
            .bind(exchange.is_complete())
            .bind(place.map(|place| bytes(place.current)))
            .bind(place.map(|place| i64::from(place.length)))
            .bind(exchange.follow.map(bytes))
            .bind(answer.and_then(|answer| answer.first_call.as_deref()).map(text))
            .bind(request.and_then(|request| request.thread.as_deref()).map(text))
            .bind(answer.and_then(|answer| answer.message_id.as_deref()).map(text))
            .bind(exchange.summary().map(bytes))
            .bind(request.map(json).transpose()?)
            .bind(answer.map(json).transpose()?)
            .bind(request.is_some_and(|request| request.continues))
            .bind(request.map(|request| text(&request.client)))
            .execute(&mut *self.connection)
            .await
            .context("link_facts cannot be written")?;
        Ok(())
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
        found.extend(self.limited(Self::candidate(wanted), wanted, "<", NEWEST).await?);
        found.extend(self.limited(Self::candidate(wanted), wanted, ">", OLDEST).await?);
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

    pub(super) async fn read_equal(
        &mut self,
        current: Hash,
        scope: &Scope,
        identified: bool,
        moment: Moment,
        after: bool,
    ) -> Result<Option<Exchange>> {
        let mut query = Self::select("member AND current_hash = ");
        query.push_bind(bytes(current));
        Self::within(&mut query, scope);
        query.push(" AND identified = ").push_bind(identified);
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
        let rows: Vec<Uuid> = sqlx::query_scalar(THREADS)
            .bind(text(message_id))
            .fetch_all(&mut *self.connection)
            .await
            .context(THREADS)?;
        Ok(rows.into_iter().map(ExchangeId).collect())
    }
}

fn json<T: serde::Serialize>(facts: &T) -> Result<String> {
    serde_json::to_string(facts)
        .map_err(|error| StoreError::Rejected(format!("facts cannot be written: {error}")))
}
