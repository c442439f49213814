//! What is still to be announced: written with the links, published after the commit, removed when
//! the stream has it. A crash between leaves it here.

use duplicate::duplicate_item;
use jiff::Timestamp;
use nexus_contract::ExchangeId;
use sqlx::{Postgres, Row as _, Sqlite};
use uuid::Uuid;

use super::index::SqlIndex;
use crate::{
    error::{Context, Result},
    sql,
};

/// Exchanges in one announcement.
const MAX_EXCHANGES: usize = 1_000;

const ADD: &str =
    "INSERT INTO link_outbox (exchange_id, at, domain, exchanges) VALUES ($1, $2, $3, $4)";
const LIST: &str = "SELECT sequence, exchange_id, at, domain, exchanges FROM link_outbox \
    ORDER BY sequence LIMIT $1";
pub(super) const FORGET: &str = "DELETE FROM link_outbox WHERE sequence <= $1";

/// Links changed, and the change is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Grows with every announcement.
    pub sequence: u64,
    /// The exchange that stands for them.
    pub id: ExchangeId,
    /// Its time.
    pub at: Timestamp,
    pub domain: String,
    pub exchanges: Vec<ExchangeId>,
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    pub(super) async fn announce(&mut self, changed: &[ExchangeId]) -> Result<()> {
        for some in changed.chunks(MAX_EXCHANGES) {
            let Some(first) = some.first() else { continue };
            let facts = self.read_facts(*first).await?;
            let request = facts.and_then(|facts| facts.request);
            let ids: Vec<u8> = some.iter().flat_map(|id| id.0.into_bytes()).collect();
            sql::query(ADD)
                .bind(first.0)
                .bind(request.as_ref().map_or(0, |request| request.moment.at))
                .bind(request.map(|request| request.domain).unwrap_or_default())
                .bind(ids)
                .execute(&mut *self.connection)
                .await
                .context(ADD)?;
        }
        Ok(())
    }

    pub(super) async fn announcements(&mut self, limit: u32) -> Result<Vec<Announcement>> {
        let rows = sql::query(LIST)
            .bind(i64::from(limit))
            .fetch_all(&mut *self.connection)
            .await
            .context(LIST)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let sequence: i64 = row.try_get("sequence")?;
            let id: Uuid = row.try_get("exchange_id")?;
            let bytes: Vec<u8> = row.try_get("exchanges")?;
            let ids = bytes.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok());
            found.push(Announcement {
                sequence: sequence.cast_unsigned(),
                id: ExchangeId(id),
                at: Timestamp::from_microsecond(row.try_get("at")?).unwrap_or_default(),
                domain: row.try_get("domain")?,
                exchanges: ids.map(ExchangeId).collect(),
            });
        }
        Ok(found)
    }
}
