//! Links: the linker's facts, its decisions, and what is still to be announced of them.
//!
//! The rules are in `nexus-linking`; this is the index that they look things up in, as tables. All
//! that a batch of facts changes is one transaction, and one linker at a time holds it: SQLite has one
//! writer, and PostgreSQL takes an advisory lock. Linkers share the work of reading bodies, not that
//! of deciding.

mod facts;
mod forget;
mod graph;
mod index;
mod outbox;
mod prefixes;
mod quality;
mod relink;
mod row;
mod source;
mod stored;
mod tasks;
mod write;

use std::borrow::Cow;

use async_trait::async_trait;
use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::{
    Cache, Changes, Exchange, Fact, Index as _, Link, Moment, decide::call_scope, index::Call,
    ingest, redecide,
};
use sqlx::{Database, Postgres, Sqlite};

use self::index::SqlIndex;
pub use self::{
    outbox::Announcement,
    quality::{ClientLinks, ENOUGH},
};
use crate::{
    engine::SqlStore,
    error::{Context, Result},
    sql,
};

/// Linking exchanges, and reading links with their reasons.
#[async_trait]
pub trait LinkStore: Send + Sync {
    /// Takes the facts in, all or none, and links everything anew that they touch. Facts may come in
    /// any order and again. What changed is announced, see [`announcements`](Self::announcements).
    async fn link(&self, facts: &[Fact]) -> Result<Changes>;

    /// Decides all links anew from the stored facts, and gives the exchanges for which another link or
    /// another name of the branch comes out, or none any more. With `dry_run` nothing is changed; else
    /// the changes are announced.
    async fn relink(&self, dry_run: bool) -> Result<Vec<Relinked>>;

    /// Commits that were not yet [`announced`](Self::announced), oldest first.
    async fn announcements(&self, limit: u32) -> Result<Vec<Announcement>>;

    /// Forgets announcements up to that sequence.
    async fn announced(&self, through: u64) -> Result<()>;

    /// The link, with its method.
    async fn find_link(&self, id: ExchangeId) -> Result<Option<Link>>;

    /// The facts of an exchange.
    async fn find_facts(&self, id: ExchangeId) -> Result<Option<Exchange>>;

    /// The call whose result names the exchange's agent, and which may have started it.
    async fn find_naming_call(&self, id: ExchangeId) -> Result<Option<Call>>;

    /// The facts of exchanges behind `after` in the order of ids; fewer than `limit` at the end.
    async fn list_facts(&self, after: Option<ExchangeId>, limit: u32) -> Result<Vec<Exchange>>;
}

/// An exchange whose link, or whose branch's name, came out different.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Relinked {
    pub moment: Moment,
    /// `None` for one that was not linked.
    pub before: Option<Labelled>,
    /// `None` for one that is not linked any more.
    pub after: Option<Labelled>,
}

/// A link with the name of its branch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Labelled {
    #[serde(flatten)]
    pub link: Link,
    /// `None` for `main`, and for what is on no branch.
    pub label: Option<String>,
}

/// Names the lock of the linkers on PostgreSQL.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7305518436192)";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl LinkStore for SqlStore<Engine> {
    async fn link(&self, facts: &[Fact]) -> Result<Changes> {
        let mut transaction = self.begin().await?;
        Self::lock_links(&mut transaction).await?;
        let facts = Self::facts_to_keep(&mut transaction, facts).await?;
        let mut cache = Cache::new(SqlIndex::<Engine>::new(&mut transaction));
        cache.fetch(&facts).await?;
        let changes = ingest(&mut cache, &facts).await?;
        let mut index = cache.finish().await?;
        index.announce(&changes.links).await?;
        transaction.commit().await.context("links cannot be committed")?;
        Ok(changes)
    }

    async fn relink(&self, dry_run: bool) -> Result<Vec<Relinked>> {
        let mut transaction = self.begin().await?;
        Self::lock_links(&mut transaction).await?;
        let mut index = SqlIndex::<Engine>::new(&mut transaction);
        index.forget_decisions().await?;
        let moments = index.moments().await?;
        redecide(&mut index, moments).await?;
        let changed = index.compare().await?;
        if dry_run {
            transaction.rollback().await.context("a dry run cannot be undone")?;
        } else {
            let ids: Vec<_> = changed.iter().map(|one| one.moment.id).collect();
            index.announce(&ids).await?;
            transaction.commit().await.context("links cannot be committed")?;
        }
        Ok(changed)
    }

    async fn announcements(&self, limit: u32) -> Result<Vec<Announcement>> {
        let mut connection = self.read().acquire().await?;
        SqlIndex::<Engine>::new(&mut connection).announcements(limit).await
    }

    async fn announced(&self, through: u64) -> Result<()> {
        let mut transaction = self.begin().await?;
        sql::query(outbox::FORGET)
            .bind(through.cast_signed())
            .execute(&mut *transaction)
            .await
            .context(outbox::FORGET)?;
        transaction.commit().await.context("announcements cannot be removed")
    }

    async fn find_link(&self, id: ExchangeId) -> Result<Option<Link>> {
        let mut connection = self.read().acquire().await?;
        SqlIndex::<Engine>::new(&mut connection).find_link(id).await
    }

    async fn find_facts(&self, id: ExchangeId) -> Result<Option<Exchange>> {
        let mut connection = self.read().acquire().await?;
        SqlIndex::<Engine>::new(&mut connection).find(id).await
    }

    async fn find_naming_call(&self, id: ExchangeId) -> Result<Option<Call>> {
        let mut connection = self.read().acquire().await?;
        let mut index = SqlIndex::<Engine>::new(&mut connection);
        let request = index.find(id).await?.and_then(|exchange| exchange.request);
        let Some(request) = request else { return Ok(None) };
        let Some(agent) = &request.agent else { return Ok(None) };
        index.call_of(call_scope(request.session.as_deref(), &request.domain), agent).await
    }

    async fn list_facts(&self, after: Option<ExchangeId>, limit: u32) -> Result<Vec<Exchange>> {
        let mut connection = self.read().acquire().await?;
        SqlIndex::<Engine>::new(&mut connection).list(after, limit).await
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Leaves out exchanges that were erased. The transaction holds the linkers' lock, which whoever
    /// erases takes as well.
    async fn facts_to_keep<'f>(
        connection: &mut <Engine as Database>::Connection,
        facts: &'f [Fact],
    ) -> Result<Cow<'f, [Fact]>> {
        let ids: Vec<_> = facts.iter().map(|fact| fact.id().0).collect();
        let erased = Self::erased(connection, &ids).await?;
        if erased.is_empty() {
            return Ok(Cow::Borrowed(facts));
        }
        let kept = facts.iter().filter(|fact| !erased.contains(&fact.id().0));
        Ok(kept.cloned().collect())
    }
}

impl SqlStore<Sqlite> {
    /// SQLite's write transaction is the lock.
    #[expect(clippy::unused_async, reason = "PostgreSQL's waits")]
    pub(crate) async fn lock_links(_transaction: &mut sqlx::SqliteConnection) -> Result<()> {
        Ok(())
    }
}

impl SqlStore<Postgres> {
    pub(crate) async fn lock_links(transaction: &mut sqlx::PgConnection) -> Result<()> {
        sql::query(LOCK).execute(transaction).await.context(LOCK)?;
        Ok(())
    }
}
