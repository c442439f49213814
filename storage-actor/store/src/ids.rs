//! Row numbers, taken from the database in blocks.
//!
//! A sequence would do on one engine only, and a number that the database hands out at inserting comes
//! too late for rows that point at each other within one statement. Blocks are taken in a transaction
//! of their own, so that writers don't wait for one another; a crash leaves a gap.

use std::{ops::Range, sync::Mutex};

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use crate::{
    engine::SqlStore,
    error::{Context, Result},
    sql,
};

const BLOCK: i64 = 4_096;

const TAKE: &str = "UPDATE id_blocks SET next = next + $1 WHERE name = 'content' RETURNING next";

/// Numbers that are this process's own.
#[derive(Debug, Default)]
pub(crate) struct IdBlock(Mutex<Range<i64>>);

impl IdBlock {
    /// Takes `count` numbers off, if that many are left.
    fn split(&self, count: i64) -> Option<Range<i64>> {
        let mut left = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let end = left.start.checked_add(count).filter(|end| *end <= left.end)?;
        let taken = left.start..end;
        left.start = end;
        Some(taken)
    }

    fn refill(&self, block: Range<i64>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = block;
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// At least `count` fresh numbers. Not within a transaction: SQLite has one writer.
    pub(crate) async fn reserve_ids(&self, count: usize) -> Result<Range<i64>> {
        let count = i64::try_from(count).unwrap_or(i64::MAX / 2);
        if let Some(range) = self.ids.split(count) {
            return Ok(range);
        }
        let size = BLOCK.max(count);
        let next: i64 = sql::query_scalar(TAKE)
            .bind(size)
            .fetch_one(&self.write)
            .await
            .context("row numbers cannot be reserved in id_blocks")?;
        let block = next - size..next;
        let taken = block.start..block.start + count;
        self.ids.refill(taken.end..block.end);
        Ok(taken)
    }
}
