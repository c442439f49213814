//! `link_calls` and `link_results`: which call started which sub-agent.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::{
    Hash, Moment,
    index::{Call, MAX_CANDIDATES},
};
use sqlx::{Postgres, Sqlite};

use super::{
    index::SqlIndex,
    row::{CALL, CallRow, all, bytes, text},
};
use crate::{
    error::{Context, Result},
    sql::{self, QueryBuilder},
};

const UPSERT: &str = "INSERT INTO link_calls (scope, tool_use_id, caller_id, caller_at, position, \
    harness, agent_id, prompt_hash, names_agent, taken_by, taken_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
    ON CONFLICT (scope, tool_use_id, caller_id) DO UPDATE SET names_agent = excluded.names_agent, \
    taken_by = excluded.taken_by, taken_at = excluded.taken_at";

/// Of several agents the first by name, so that the order of arrival does not matter.
const RESULT: &str = "INSERT INTO link_results (scope, tool_use_id, agent_id) VALUES ($1, $2, $3) \
    ON CONFLICT (scope, tool_use_id) DO UPDATE SET agent_id = excluded.agent_id \
    WHERE excluded.agent_id < link_results.agent_id";

const NAMED: &str = "SELECT agent_id FROM link_results WHERE scope = $1 AND tool_use_id = $2";

const NEWEST: &str = " ORDER BY caller_at DESC, caller_id DESC, position LIMIT ";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    fn calls(condition: &str) -> QueryBuilder<Engine> {
        QueryBuilder::new(format!("SELECT {CALL} FROM link_calls WHERE {condition}"))
    }

    async fn fetch_calls(&mut self, mut query: QueryBuilder<Engine>) -> Result<Vec<Call>> {
        let rows: Vec<CallRow> = query
            .build_query_as()
            .fetch_all(&mut *self.connection)
            .await
            .context("link_calls cannot be read")?;
        all(rows)
    }

    pub(super) async fn read_call(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        caller: Moment,
    ) -> Result<Option<Call>> {
        let mut query = Self::calls("scope = ");
        query.push_bind(bytes(scope)).push(" AND tool_use_id = ").push_bind(text(tool_use_id));
        query.push(" AND caller_id = ").push_bind(caller.id.0);
        Ok(self.fetch_calls(query).await?.into_iter().next())
    }

    pub(super) async fn write_call(&mut self, call: &Call) -> Result<()> {
        sql::query(UPSERT)
            .bind(bytes(call.scope))
            .bind(text(&call.tool_use_id))
            .bind(call.caller.id.0)
            .bind(call.caller.at)
            .bind(i64::from(call.position))
            .bind(call.harness)
            .bind(call.agent.as_deref().map(text))
            .bind(call.prompt.map(bytes))
            .bind(call.names.as_deref().map(text))
            .bind(call.taken_by.map(|taker| taker.id.0))
            .bind(call.taken_by.map(|taker| taker.at))
            .execute(&mut *self.connection)
            .await
            .context("link_calls cannot be written")?;
        Ok(())
    }

    pub(super) async fn write_result(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        agent: &str,
    ) -> Result<Vec<Call>> {
        let query = sql::query(RESULT).bind(bytes(scope)).bind(text(tool_use_id));
        query.bind(text(agent)).execute(&mut *self.connection).await.context(RESULT)?;
        let mut query = Self::calls("scope = ");
        query.push_bind(bytes(scope)).push(" AND tool_use_id = ").push_bind(text(tool_use_id));
        self.fetch_calls(query).await
    }

    pub(super) async fn read_named_by(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
    ) -> Result<Option<String>> {
        let query = sql::query_scalar(NAMED).bind(bytes(scope)).bind(text(tool_use_id));
        query.fetch_optional(&mut *self.connection).await.context(NAMED)
    }

    pub(super) async fn read_call_of(&mut self, scope: Hash, agent: &str) -> Result<Option<Call>> {
        let mut query = Self::calls("scope = ");
        query.push_bind(bytes(scope)).push(" AND names_agent = ").push_bind(text(agent));
        query.push(" ORDER BY caller_at, caller_id, position LIMIT 1");
        Ok(self.fetch_calls(query).await?.into_iter().next())
    }

    pub(super) async fn read_open_calls(
        &mut self,
        scope: Hash,
        prompts: Option<&[Hash]>,
        child: Moment,
    ) -> Result<Vec<Call>> {
        if prompts.is_some_and(<[Hash]>::is_empty) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for free in [true, false] {
            let mut query = Self::calls("scope = ");
            query.push_bind(bytes(scope));
            if let Some(prompts) = prompts {
                query.push(" AND prompt_hash IN");
                Self::one_of(&mut query, prompts);
            }
            query.push(" AND (caller_at, caller_id) < (").push_bind(child.at);
            query.push(", ").push_bind(child.id.0).push(")");
            if free {
                query.push(" AND taken_by IS NULL");
            } else {
                query.push(" AND taken_by IS NOT NULL AND (taken_at, taken_by) >= (");
                query.push_bind(child.at).push(", ").push_bind(child.id.0).push(")");
            }
            query.push(NEWEST).push(MAX_CANDIDATES);
            found.extend(self.fetch_calls(query).await?);
        }
        found.sort_by_key(|call| std::cmp::Reverse(call.rank()));
        found.truncate(MAX_CANDIDATES);
        Ok(found)
    }

    pub(super) async fn read_held_by(&mut self, child: ExchangeId) -> Result<Option<Call>> {
        let mut query = Self::calls("taken_by = ");
        query.push_bind(child.0);
        Ok(self.fetch_calls(query).await?.into_iter().next())
    }
}
