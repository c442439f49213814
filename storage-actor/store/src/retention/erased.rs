//! What was erased does not come back: not out of the journal of a gateway that was killed, nor out of a
//! stream or dead letters that are read again.
//!
//! No id stands here: that would be a trace. A name is made of it, which whoever has the id can make
//! again, and which nobody can tell the id from. Names stay for ever, since nobody knows how long a
//! journal lies on some volume; each takes a few dozen bytes.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use sqlx::{Database, Postgres, Sqlite};
use uuid::Uuid;

use super::Erasures;
use crate::{
    bulk,
    engine::SqlStore,
    error::{Context, Result},
    sql::QueryBuilder,
};

/// Names are UUIDv5 in it.
const NAMESPACE: Uuid = Uuid::from_u128(0x6e65_7875_7300_5000_8000_6572_6173_6564);

const FIND: &str = "SELECT name FROM erased_exchanges WHERE name IN";
const MARK: &str = "INSERT INTO erased_exchanges (name) ";
const TAKE_BACK: &str = "DELETE FROM erased_exchanges WHERE name IN";

fn name_of(exchange: Uuid) -> Uuid {
    Uuid::new_v5(&NAMESPACE, exchange.as_bytes())
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl Erasures for SqlStore<Engine> {
    async fn take_back(&self, ids: &[ExchangeId]) -> Result<()> {
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let mut reading = self.read().acquire().await?;
        let erased = Self::erased(&mut reading, &ids).await?;
        drop(reading);
        if erased.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = erased.into_iter().map(name_of).collect();
        let mut tx = self.begin().await?;
        Self::execute_for(&mut tx, TAKE_BACK, &names).await?;
        tx.commit().await.context("erased exchanges cannot be taken back")
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Those of the exchanges that were erased.
    pub(crate) async fn erased(
        connection: &mut <Engine as Database>::Connection,
        ids: &[Uuid],
    ) -> Result<HashSet<Uuid>> {
        let names: Vec<_> = ids.iter().copied().map(name_of).collect();
        let ids: HashMap<_, _> = names.iter().copied().zip(ids.iter().copied()).collect();
        let mut erased = HashSet::new();
        for some in names.chunks(bulk::KEYS) {
            let mut query = bulk::in_list::<Engine, _>(FIND, some, "");
            let found = query.build_query_scalar().fetch_all(&mut *connection).await;
            let found: Vec<Uuid> = found.context(FIND)?;
            erased.extend(found.iter().filter_map(|name| ids.get(name)));
        }
        Ok(erased)
    }

    pub(super) async fn mark_erased(
        connection: &mut <Engine as Database>::Connection,
        ids: &[Uuid],
    ) -> Result<()> {
        for some in ids.chunks(bulk::KEYS) {
            let mut query = QueryBuilder::<Engine>::new(MARK);
            query.push_values(some, |mut row, id| {
                row.push_bind(name_of(*id));
            });
            query.push(" ON CONFLICT (name) DO NOTHING");
            query.build().persistent(false).execute(&mut *connection).await.context(MARK)?;
        }
        Ok(())
    }
}
