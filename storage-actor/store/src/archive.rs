//! Takes exchanges out of the store again: as events, to store and link them elsewhere or anew, and as
//! lines of JSON.

mod events;
mod line;

use async_trait::async_trait;
use duplicate::duplicate_item;
use jiff::Timestamp;
use nexus_contract::{Event, ExchangeId};
use nexus_messages::line::ExchangeLine;
use sqlx::{AssertSqlSafe, Postgres, Sqlite};
use uuid::Uuid;

use crate::{
    ExchangeStore,
    engine::SqlStore,
    error::{Context, Result},
    exchanges::ExchangeRow,
    sql, table,
};

/// Which exchanges; every given condition must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// With those beside its graph.
    pub conversation: Option<ExchangeId>,
    pub domain: Option<String>,
    /// From this instant on.
    pub since: Option<Timestamp>,
}

/// Going through exchanges in the order of their time.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Up to `limit` exchanges that follow `after`, oldest first.
    async fn list_exchanges(
        &self,
        selection: &Selection,
        after: Option<&ExchangeRow>,
        limit: u32,
    ) -> Result<Vec<ExchangeRow>>;
}

/// The events that the gateway published for the exchange, as far as they are stored: what was
/// removed by age is missing in them.
pub async fn restore(
    store: &dyn ExchangeStore,
    row: &ExchangeRow,
) -> Result<(Option<Event>, Option<Event>)> {
    let payload = store.find_payload(row.id()).await?.unwrap_or_default();
    let usage = store.find_usage(row.id()).await?;
    Ok((events::request(row, &payload)?, events::response(row, &payload, usage.as_deref())?))
}

/// The exchange as `nexus export` writes it.
pub async fn export(store: &dyn ExchangeStore, row: &ExchangeRow) -> Result<ExchangeLine> {
    let payload = store.find_payload(row.id()).await?.unwrap_or_default();
    line::line(row, &payload)
}

/// The same text for every selection, so that it is prepared once.
const SELECTED: &str = "(at, exchange_id) > ($1, $2) AND at >= $3 \
    AND (domain = $4 OR $4 IS NULL) ORDER BY at, exchange_id LIMIT $5";
const OF_CONVERSATION: &str = "(at, exchange_id) > ($1, $2) AND at >= $3 \
    AND (domain = $4 OR $4 IS NULL) AND conversation_id = $6 ORDER BY at, exchange_id LIMIT $5";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl Archive for SqlStore<Engine> {
    async fn list_exchanges(
        &self,
        selection: &Selection,
        after: Option<&ExchangeRow>,
        limit: u32,
    ) -> Result<Vec<ExchangeRow>> {
        let (at, id) = after.map_or((i64::MIN, Uuid::nil()), |row| (row.at, row.exchange_id));
        let since = selection.since.map_or(i64::MIN, Timestamp::as_microsecond);
        let head = table::select("exchanges", ExchangeRow::COLUMNS);
        let statement = head + selection.conversation.map_or(SELECTED, |_| OF_CONVERSATION);
        let query = sql::query_as(AssertSqlSafe(statement));
        let query = query.bind(at).bind(id).bind(since).bind(selection.domain.as_deref());
        let query = query.bind(i64::from(limit));
        let query = match selection.conversation {
            Some(conversation) => query.bind(conversation.0),
            None => query,
        };
        query.fetch_all(self.read()).await.context("exchanges cannot be listed")
    }
}
