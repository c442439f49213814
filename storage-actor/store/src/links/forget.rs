//! Removes what the linker knows of exchanges.

use std::collections::BTreeSet;

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::{Exchange, cache::Source as _, decide::call_scope};
use sqlx::{Database, Postgres, Sqlite};
use uuid::Uuid;

use super::{
    index::SqlIndex,
    row::{bytes, text},
};
use crate::{
    bulk,
    engine::SqlStore,
    error::{Context, Result},
    exchanges::ExchangeRow,
    sql,
};

/// By exchange; branches are named by the exchange that opened them.
const TRACES: [&str; 6] = [
    "DELETE FROM links WHERE exchange_id IN",
    "DELETE FROM link_facts WHERE exchange_id IN",
    "DELETE FROM link_waits WHERE exchange_id IN",
    "DELETE FROM link_outbox WHERE exchange_id IN",
    "DELETE FROM link_calls WHERE caller_id IN",
    "DELETE FROM link_labels WHERE branch_id IN",
];

const RESULT: &str = "DELETE FROM link_results WHERE scope = $1 AND tool_use_id = $2";

/// Exchanges of a conversation that has ended: none of it is stored, and none began since.
const ENDED: &str = "SELECT exchange_id FROM links WHERE conversation_id = $1 \
    AND NOT EXISTS (SELECT 1 FROM exchanges e WHERE e.conversation_id = $1) \
    AND NOT EXISTS (SELECT 1 FROM links l WHERE l.conversation_id = $1 AND l.at >= $2)";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Whose links nothing needs any more now that these rows are removed: those of conversations
    /// that have ended, and of exchanges that are in none. As long as a part of a conversation is
    /// stored, or it may go on, its beginning holds it together.
    pub(crate) async fn ended(
        connection: &mut <Engine as Database>::Connection,
        removed: &[ExchangeRow],
        before: i64,
    ) -> Result<Vec<Uuid>> {
        let single = removed.iter().filter(|row| row.conversation_id.is_none());
        let mut ended: Vec<_> = single.map(|row| row.exchange_id).collect();
        let conversations: BTreeSet<_> =
            removed.iter().filter_map(|row| row.conversation_id).collect();
        for conversation in conversations {
            let query = sql::query_scalar(ENDED).bind(conversation).bind(before);
            let ids: Vec<Uuid> = query.fetch_all(&mut *connection).await.context(ENDED)?;
            ended.extend(ids);
        }
        Ok(ended)
    }

    /// Removes every trace of the exchanges, with the prefixes that no other history has. The
    /// transaction holds the linkers' lock.
    pub(crate) async fn forget_links(
        connection: &mut <Engine as Database>::Connection,
        ids: &[Uuid],
    ) -> Result<()> {
        let known: Vec<_> = ids.iter().copied().map(ExchangeId).collect();
        let mut index = SqlIndex::<Engine>::new(connection);
        let exchanges = index.exchanges(&known).await?;
        for statement in TRACES {
            for some in ids.chunks(bulk::KEYS) {
                index.execute(&mut bulk::in_list::<Engine, _>(statement, some, "")).await?;
            }
        }
        for exchange in &exchanges {
            index.forget_results(exchange).await?;
            if let Some(place) = exchange.place {
                index.remove_nodes(place.current).await?;
            }
        }
        Ok(())
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    async fn forget_results(&mut self, exchange: &Exchange) -> Result<()> {
        let Some(request) = &exchange.request else { return Ok(()) };
        let scope = call_scope(request.session.as_deref(), &request.domain);
        for result in &request.results {
            sql::query(RESULT)
                .bind(bytes(scope))
                .bind(text(&result.tool_use_id))
                .execute(&mut *self.connection)
                .await
                .context(RESULT)?;
        }
        Ok(())
    }
}
