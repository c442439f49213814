//! Look-ups for a whole batch: one statement for many keys.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::{
    Exchange, Hash, Link, Moment,
    cache::{Crowd, Ends, Pending, Session, Source, Window},
};
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::{
    index::SqlIndex,
    row::{FACTS, LINK, bytes, hash, text},
};
use crate::{
    bulk,
    error::{Context, Result},
    sql::{Parameter, QueryBuilder},
};

/// More ends than this are a crowd; in longer sessions, an exchange asks by itself.
const MAX_ENDS: i64 = 16;
const MAX_SESSION: i64 = 8;
/// Members of a crowd since a time.
const MAX_CROWD: usize = 128;
/// Members of all windows together.
const MAX_WINDOWS: usize = 1_024;

const THREADS: &str = "SELECT thread_of, exchange_id FROM link_facts WHERE member AND thread_of IN";
const HOLDERS: &str = "SELECT taken_by FROM link_calls WHERE taken_by IN";

const COUNT_ENDS: &str = ") AS q";
const WITH_CALLS: &str = ") AS q WHERE coalesce(\
    (SELECT 1 FROM link_calls WHERE scope = q.column1 LIMIT 1), \
    (SELECT 1 FROM link_results WHERE scope = q.column1 LIMIT 1)) IS NOT NULL";
const WITH_PROMPTS: &str = ") AS q WHERE (SELECT 1 FROM link_calls \
    WHERE scope = q.column1 AND prompt_hash = q.column2 LIMIT 1) IS NOT NULL";

/// How many members there are with `column` at each value, counted no further than one above `max`.
fn count_members(column: &str, max: i64) -> String {
    let limit = max + 1;
    format!(
        "SELECT q.column1, (SELECT count(*) FROM (SELECT 1 FROM link_facts \
         WHERE member AND {column} = q.column1 LIMIT {limit}) AS few) FROM ("
    )
}

/// The newest member of each session and agent before a time.
fn newest_before(agent: &str) -> String {
    format!(
        "SELECT (SELECT exchange_id FROM link_facts WHERE member AND session_id = q.column1 \
         AND agent_id {agent} AND at < q.column2 \
         ORDER BY at DESC, exchange_id DESC LIMIT 1) FROM ("
    )
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    /// Rows of one or more scalars.
    async fn rows<T>(&mut self, mut query: QueryBuilder<Engine>) -> Result<Vec<T>>
    where
        T: for<'r> sqlx::FromRow<'r, <Engine as sqlx::Database>::Row> + Send + Unpin,
    {
        let rows = query.build_query_as().fetch_all(&mut *self.connection).await;
        rows.context("links cannot be read for a batch")
    }

    /// The members with `column` at the keys, but for those keys at which too many are.
    async fn few_at<K>(&mut self, column: &str, keys: &[K]) -> Result<Ends<K>>
    where
        K: Clone + Send + Sync + Unpin + for<'q> sqlx::Encode<'q, Engine> + sqlx::Type<Engine>,
        K: for<'r> sqlx::Decode<'r, Engine> + Parameter + bulk::Key<Engine>,
    {
        let (mut few, mut crowded) = (Vec::new(), Vec::new());
        let head = count_members(column, MAX_ENDS);
        for some in keys.chunks(bulk::KEYS) {
            let query = bulk::values(&head, some, COUNT_ENDS, |mut row, key| {
                row.push_bind(key.clone());
            });
            for (key, count) in self.rows::<(K, i64)>(query).await? {
                let list = if count > MAX_ENDS { &mut crowded } else { &mut few };
                if count > 0 {
                    list.push(key);
                }
            }
        }
        let members = self.facts_in(&format!("member AND {column}"), &few).await?;
        Ok(Ends { members, crowded })
    }

    /// [`few_at`](Self::few_at) hashes.
    async fn few_at_hashes(&mut self, column: &str, hashes: &[Hash]) -> Result<Ends> {
        let hashes: Vec<_> = hashes.iter().copied().map(bytes).collect();
        let found = self.few_at(column, &hashes).await?;
        let crowded = found.crowded.iter().map(|key| hash(key)).collect::<Result<_>>()?;
        Ok(Ends { members: found.members, crowded })
    }

    /// Sessions without members, with few, and with many.
    async fn count_sessions(&mut self, windows: &[Window]) -> Result<[Vec<String>; 3]> {
        let mut lists = <[Vec<String>; 3]>::default();
        let head = count_members("session_id", MAX_SESSION);
        for some in windows.chunks(bulk::KEYS) {
            let query = bulk::values(&head, some, COUNT_ENDS, |mut row, window| {
                row.push_bind(text(&window.session));
            });
            for (session, count) in self.rows::<(String, i64)>(query).await? {
                let list = if count > MAX_SESSION { 2 } else { usize::from(count > 0) };
                lists[list].push(session);
            }
        }
        Ok(lists)
    }

    /// The members of the windows; `None` when there are too many.
    async fn in_windows(&mut self, windows: &[&Window]) -> Result<Option<Vec<Exchange>>> {
        let mut found = Vec::new();
        let tail = format!(
            ") AS q CROSS JOIN link_facts WHERE member AND session_id = q.column1 \
             AND at >= q.column2 LIMIT {}",
            MAX_WINDOWS + 1
        );
        for some in windows.chunks(bulk::KEYS) {
            let head = format!("SELECT {FACTS} FROM (");
            let query = bulk::values(&head, some, &tail, |mut row, window| {
                row.push_bind(text(&window.session)).push_bind(window.since);
            });
            found.extend(self.fetch(query).await?);
        }
        Ok((found.len() <= MAX_WINDOWS).then_some(found))
    }

    async fn before_windows(&mut self, windows: &[&Window]) -> Result<Vec<Exchange>> {
        let all = windows.iter().flat_map(|one| one.agents.iter().map(move |agent| (*one, agent)));
        let (named, nameless): (Vec<_>, Vec<_>) = all.partition(|(_, agent)| agent.is_some());
        let mut ids: Vec<Option<Uuid>> = Vec::new();
        for some in named.chunks(bulk::KEYS) {
            let head = newest_before("= q.column3");
            let query = bulk::values(&head, some, ") AS q", |mut row, (window, agent)| {
                row.push_bind(text(&window.session)).push_bind(window.since);
                row.push_bind(agent.as_deref().map(text).unwrap_or_default());
            });
            ids.extend(self.rows::<(Option<Uuid>,)>(query).await?.into_iter().map(|row| row.0));
        }
        for some in nameless.chunks(bulk::KEYS) {
            let head = newest_before("IS NULL");
            let query = bulk::values(&head, some, ") AS q", |mut row, (window, _)| {
                row.push_bind(text(&window.session)).push_bind(window.since);
            });
            ids.extend(self.rows::<(Option<Uuid>,)>(query).await?.into_iter().map(|row| row.0));
        }
        let ids: Vec<_> = ids.into_iter().flatten().map(ExchangeId).collect();
        self.exchanges(&ids).await
    }

    async fn facts_in<K>(&mut self, condition: &str, keys: &[K]) -> Result<Vec<Exchange>>
    where
        K: bulk::Key<Engine> + Sync,
    {
        let mut found = Vec::new();
        let head = format!("SELECT {FACTS} FROM link_facts WHERE {condition} IN");
        for some in keys.chunks(bulk::KEYS) {
            found.extend(self.fetch(bulk::in_list::<Engine, _>(&head, some, "")).await?);
        }
        Ok(found)
    }

    pub(super) async fn links_in<K>(&mut self, condition: &str, keys: &[K]) -> Result<Vec<Link>>
    where
        K: bulk::Key<Engine> + Sync,
    {
        let mut found = Vec::new();
        let head = format!("SELECT {LINK} FROM links WHERE {condition} IN");
        for some in keys.chunks(bulk::KEYS) {
            found.extend(self.fetch_links(bulk::in_list::<Engine, _>(&head, some, "")).await?);
        }
        Ok(found)
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl Source for SqlIndex<'_, Engine> {
    async fn exchanges(&mut self, ids: &[ExchangeId]) -> Result<Vec<Exchange>> {
        self.facts_in("exchange_id", &uuids(ids)).await
    }

    async fn links(&mut self, ids: &[ExchangeId]) -> Result<Vec<Link>> {
        self.links_in("exchange_id", &uuids(ids)).await
    }

    async fn members_at(&mut self, hashes: &[Hash]) -> Result<Ends> {
        self.few_at_hashes("current_hash", hashes).await
    }

    async fn members_in(&mut self, crowd: &Crowd) -> Result<Option<Vec<Exchange>>> {
        self.read_crowd(crowd, MAX_CROWD).await
    }

    async fn members_before(&mut self, follows: &[Hash]) -> Result<Ends> {
        self.few_at_hashes("follow_hash", follows).await
    }

    async fn members_calling(&mut self, calls: &[String]) -> Result<Ends<String>> {
        let stored: Vec<_> = calls.iter().map(|call| text(call)).collect();
        let found = self.few_at("first_call", &stored).await?;
        let crowded = calls.iter().filter(|call| found.crowded.contains(&text(call)));
        Ok(Ends { crowded: crowded.cloned().collect(), members: found.members })
    }

    async fn members_of(&mut self, windows: &[Window]) -> Result<Session> {
        let [none, few, many] = self.count_sessions(windows).await?;
        let mut found = Session {
            members: self.facts_in("member AND session_id", &few).await?,
            whole: [none, few].concat(),
            crowded: Vec::new(),
        };
        let wide: Vec<_> =
            windows.iter().filter(|one| many.contains(&text(&one.session))).collect();
        if wide.is_empty() {
            return Ok(found);
        }
        match self.in_windows(&wide).await? {
            Some(members) => {
                found.members.extend(members);
                found.members.extend(self.before_windows(&wide).await?);
            }
            None => found.crowded = wide.iter().map(|one| one.session.clone()).collect(),
        }
        Ok(found)
    }

    async fn joined_since(&mut self, joints: &[(Hash, i64)]) -> Result<Vec<Link>> {
        let hashes: Vec<_> = joints.iter().map(|(joint, _)| bytes(*joint)).collect();
        let mut found = self.links_in("late AND joint_hash", &hashes).await?;
        let head = format!("SELECT {LINK} FROM (");
        let tail = ") AS q CROSS JOIN links \
            WHERE substr(joint_hash, 1, 8) = substr(q.column1, 1, 8) \
            AND joint_hash = q.column1 AND at >= q.column2";
        for some in joints.chunks(bulk::KEYS) {
            let query = bulk::values(&head, some, tail, |mut row, (joint, since)| {
                row.push_bind(bytes(*joint)).push_bind(*since);
            });
            found.extend(self.fetch_links(query).await?);
        }
        Ok(found)
    }

    async fn waiting_since(&mut self, keys: &[(Hash, i64)]) -> Result<Vec<(Hash, Moment)>> {
        let mut found = Vec::new();
        let tail = ") AS q CROSS JOIN link_waits WHERE wait_key = q.column1 AND at >= q.column2";
        for some in keys.chunks(bulk::KEYS) {
            let head = "SELECT wait_key, at, exchange_id FROM (";
            let query = bulk::values(head, some, tail, |mut row, (key, since)| {
                row.push_bind(bytes(*key)).push_bind(*since);
            });
            for (key, at, id) in self.rows::<(Vec<u8>, i64, Uuid)>(query).await? {
                found.push((hash(&key)?, Moment { at, id: ExchangeId(id) }));
            }
        }
        Ok(found)
    }

    async fn attempts_of(&mut self, steps: &[ExchangeId]) -> Result<Vec<Link>> {
        let steps = uuids(steps);
        let mut found = self.links_in("step_id = exchange_id AND exchange_id", &steps).await?;
        found.extend(self.links_in("step_id <> exchange_id AND step_id", &steps).await?);
        Ok(found)
    }

    async fn threads_of(&mut self, message_ids: &[String]) -> Result<Vec<(String, ExchangeId)>> {
        let mut found = Vec::new();
        let message_ids: Vec<_> = message_ids.iter().map(|id| text(id)).collect();
        for some in message_ids.chunks(bulk::KEYS) {
            let query = bulk::in_list::<Engine, _>(THREADS, some, "");
            let rows = self.rows::<(String, Uuid)>(query).await?;
            found.extend(rows.into_iter().map(|(answer, id)| (answer, ExchangeId(id))));
        }
        Ok(found)
    }

    async fn calling(&mut self, scopes: &[Hash]) -> Result<Vec<Hash>> {
        let mut found = Vec::new();
        for some in scopes.chunks(bulk::KEYS) {
            let head = "SELECT q.column1 FROM (";
            let query = bulk::values(head, some, WITH_CALLS, |mut row, scope| {
                row.push_bind(bytes(*scope));
            });
            for (scope,) in self.rows::<(Vec<u8>,)>(query).await? {
                found.push(hash(&scope)?);
            }
        }
        Ok(found)
    }

    async fn prompting(&mut self, prompts: &[(Hash, Hash)]) -> Result<Vec<(Hash, Hash)>> {
        let mut found = Vec::new();
        for some in prompts.chunks(bulk::KEYS) {
            let head = "SELECT q.column1, q.column2 FROM (";
            let query = bulk::values(head, some, WITH_PROMPTS, |mut row, (scope, prompt)| {
                row.push_bind(bytes(*scope)).push_bind(bytes(*prompt));
            });
            for (scope, prompt) in self.rows::<(Vec<u8>, Vec<u8>)>(query).await? {
                found.push((hash(&scope)?, hash(&prompt)?));
            }
        }
        Ok(found)
    }

    async fn holders(&mut self, ids: &[ExchangeId]) -> Result<Vec<ExchangeId>> {
        let mut found = Vec::new();
        for some in uuids(ids).chunks(bulk::KEYS) {
            let query = bulk::in_list::<Engine, _>(HOLDERS, some, "");
            let rows = self.rows::<(Uuid,)>(query).await?;
            found.extend(rows.into_iter().map(|(id,)| ExchangeId(id)));
        }
        Ok(found)
    }

    async fn write(&mut self, pending: Pending<'_>) -> Result<()> {
        self.write_all(pending).await
    }
}

fn uuids(ids: &[ExchangeId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}
