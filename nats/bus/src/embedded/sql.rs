//! The log's statements.

use std::sync::Arc;

use futures::TryStreamExt;
use jiff::Timestamp;
use nexus_contract::codec;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{
    recent::Entry,
    writer::{Erased, Incoming},
};
use crate::{erase::Exchanges, stream::DeadLetter};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Rows of one multi-row insert.
const ROWS: usize = 100;

/// Bytes of events after which an insert takes no further row: binding them makes two more copies.
const INSERT_BYTES: usize = 1 << 20;

/// Inserts the events; gives back the sequences of those that were not there already.
pub(super) async fn insert(
    conn: &mut SqliteConnection,
    events: &[(u64, &Incoming)],
) -> Result<Vec<u64>> {
    let mut inserted = Vec::with_capacity(events.len());
    for rows in inserts(events) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO events (seq, message_id, kind, target, bytes, payload) ",
        );
        sql.push_values(rows, |mut row, (seq, event)| {
            row.push_bind(signed(*seq))
                .push_bind(event.message_id.clone())
                .push_bind(event.kind.to_string())
                .push_bind(event.target.as_deref().map(str::to_owned))
                .push_bind(signed(event.payload.len() as u64))
                .push_bind(event.payload.to_vec());
        });
        sql.push(" ON CONFLICT (message_id) DO NOTHING RETURNING seq");
        for row in sql.build().fetch_all(&mut *conn).await? {
            inserted.push(unsigned(row.try_get(0)?));
        }
    }
    Ok(inserted)
}

/// The events in pieces of one insert each.
fn inserts<'a>(
    mut events: &'a [(u64, &'a Incoming)],
) -> impl Iterator<Item = &'a [(u64, &'a Incoming)]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |(_, event): &&(u64, &Incoming)| {
            let fits = bytes < INSERT_BYTES;
            bytes += event.payload.len();
            fits
        };
        let count = events.iter().take(ROWS).take_while(fits).count();
        let (piece, rest) = events.split_at(count);
        events = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Up to `limit` events behind `cursor` that the consumer wants, as (sequence, bytes).
pub(super) async fn list_behind(
    pool: &SqlitePool,
    consumer: &str,
    kinds_json: &str,
    cursor: u64,
    limit: usize,
) -> Result<Vec<(u64, usize)>> {
    let rows = sqlx::query(
        "SELECT seq, bytes FROM events
         WHERE seq > $1
           AND (target = $2
                OR (target IS NULL AND kind IN (SELECT value FROM json_each($3))))
         ORDER BY seq LIMIT $4",
    )
    .bind(signed(cursor))
    .bind(consumer)
    .bind(kinds_json)
    .bind(signed(limit as u64))
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let bytes = unsigned(row.try_get("bytes")?);
            Ok((unsigned(row.try_get("seq")?), usize::try_from(bytes).unwrap_or(usize::MAX)))
        })
        .collect()
}

/// The events with these sequences, in order.
pub(super) async fn list_events(pool: &SqlitePool, seqs: &[u64]) -> Result<Vec<Entry>> {
    let json: Vec<String> = seqs.iter().map(u64::to_string).collect();
    let mut rows = sqlx::query(
        "SELECT seq, kind, target, payload FROM events
         WHERE seq IN (SELECT value FROM json_each($1)) ORDER BY seq",
    )
    .bind(format!("[{}]", json.join(",")))
    .fetch(pool);
    let mut entries = Vec::with_capacity(seqs.len());
    // One by one: a row holds a copy of its event.
    while let Some(row) = rows.try_next().await? {
        entries.push(entry(&row)?);
    }
    Ok(entries)
}

/// How many of those there are.
pub(super) async fn count_behind(
    pool: &SqlitePool,
    consumer: &str,
    kinds_json: &str,
    cursor: u64,
) -> Result<u64> {
    sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM events
         WHERE seq > $1
           AND (target = $2
                OR (target IS NULL AND kind IN (SELECT value FROM json_each($3))))",
    )
    .bind(signed(cursor))
    .bind(consumer)
    .bind(kinds_json)
    .fetch_one(pool)
    .await
    .map(unsigned)
}

pub(super) async fn find_event(pool: &SqlitePool, seq: u64) -> Result<Option<Entry>> {
    let row = sqlx::query("SELECT seq, kind, target, payload FROM events WHERE seq = $1")
        .bind(signed(seq))
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(entry).transpose()
}

fn entry(row: &SqliteRow) -> Result<Entry> {
    let payload: Vec<u8> = row.try_get("payload")?;
    let bytes = payload.len();
    Ok(Entry {
        seq: unsigned(row.try_get("seq")?),
        kind: row.try_get::<String, _>("kind")?.into(),
        target: row.try_get::<Option<String>, _>("target")?.map(Into::into),
        bytes,
        event: codec::decode(&payload.into()).map(Arc::new).map_err(Arc::new),
    })
}

/// Events, their bytes, and the newest sequence that was ever given.
pub(super) async fn totals(pool: &SqlitePool) -> Result<(u64, u64, u64)> {
    let row = sqlx::query(
        "SELECT count(*), coalesce(sum(bytes), 0),
                max(coalesce(max(seq), 0), (SELECT coalesce(max(cursor), 0) FROM consumers))
         FROM events",
    )
    .fetch_one(pool)
    .await?;
    Ok((unsigned(row.try_get(0)?), unsigned(row.try_get(1)?), unsigned(row.try_get(2)?)))
}

/// Creates the consumer when absent; says where it stands.
pub(super) async fn upsert_consumer(conn: &mut SqliteConnection, name: &str) -> Result<u64> {
    sqlx::query_scalar::<_, i64>(
        "INSERT INTO consumers (name, cursor) VALUES ($1, 0)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING cursor",
    )
    .bind(name)
    .fetch_one(conn)
    .await
    .map(unsigned)
}

/// The cursors of all consumers that ever were.
pub(super) async fn list_consumers(pool: &SqlitePool) -> Result<Vec<(String, u64)>> {
    let rows = sqlx::query("SELECT name, cursor FROM consumers").fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, unsigned(row.try_get(1)?)))).collect()
}

pub(super) async fn list_retries(pool: &SqlitePool, consumer: &str) -> Result<Vec<(u64, u32)>> {
    let rows = sqlx::query("SELECT seq, attempts FROM retries WHERE consumer = $1")
        .bind(consumer)
        .fetch_all(pool)
        .await?;
    rows.iter().map(|row| Ok((unsigned(row.try_get(0)?), row.try_get(1)?))).collect()
}

pub(super) async fn move_cursor(
    conn: &mut SqliteConnection,
    consumer: &str,
    floor: u64,
) -> Result<()> {
    sqlx::query("UPDATE consumers SET cursor = max(cursor, $2) WHERE name = $1")
        .bind(consumer)
        .bind(signed(floor))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn upsert_retry(
    conn: &mut SqliteConnection,
    consumer: &str,
    seq: u64,
    attempts: u32,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO retries (consumer, seq, attempts) VALUES ($1, $2, $3)
         ON CONFLICT (consumer, seq) DO UPDATE SET attempts = excluded.attempts",
    )
    .bind(consumer)
    .bind(signed(seq))
    .bind(attempts)
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn delete_retry(
    conn: &mut SqliteConnection,
    consumer: &str,
    seq: u64,
) -> Result<()> {
    sqlx::query("DELETE FROM retries WHERE consumer = $1 AND seq = $2")
        .bind(consumer)
        .bind(signed(seq))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn insert_dead_letter(
    conn: &mut SqliteConnection,
    consumer: &str,
    seq: u64,
    attempts: u32,
    reason: &str,
    at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO dead_letters (consumer, message_id, kind, reason, attempts, at, payload)
         SELECT $1, message_id, kind, $3, $4, $5, payload FROM events WHERE seq = $2",
    )
    .bind(consumer)
    .bind(signed(seq))
    .bind(reason)
    .bind(attempts)
    .bind(at.as_microsecond())
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes the oldest events up to `floor` that no retry needs; gives back their bytes.
pub(super) async fn delete_settled(conn: &mut SqliteConnection, floor: u64) -> Result<Vec<u64>> {
    let rows = sqlx::query(
        "DELETE FROM events WHERE seq IN (
             SELECT seq FROM events
             WHERE seq <= $1 AND seq NOT IN (SELECT seq FROM retries)
             ORDER BY seq LIMIT 256)
         RETURNING bytes",
    )
    .bind(signed(floor))
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| row.try_get(0).map(unsigned)).collect()
}

pub(super) async fn count_dead_letters(pool: &SqlitePool) -> Result<u64> {
    sqlx::query_scalar::<_, i64>("SELECT count(*) FROM dead_letters")
        .fetch_one(pool)
        .await
        .map(unsigned)
}

/// Newest first, below the id `below`; without their bytes.
pub(super) async fn list_dead_letters(
    pool: &SqlitePool,
    below: i64,
    limit: usize,
) -> Result<Vec<DeadLetter>> {
    let rows = sqlx::query(
        "SELECT id, consumer, message_id, kind, reason, attempts, at, x'' AS payload
         FROM dead_letters WHERE id < $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(below)
    .bind(signed(limit as u64))
    .fetch_all(pool)
    .await?;
    rows.iter().map(dead_letter).collect()
}

pub(super) async fn find_dead_letter(pool: &SqlitePool, id: i64) -> Result<Option<DeadLetter>> {
    let row = sqlx::query(
        "SELECT id, consumer, message_id, kind, reason, attempts, at, payload
         FROM dead_letters WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(dead_letter).transpose()
}

pub(super) async fn delete_dead_letter(conn: &mut SqliteConnection, id: i64) -> Result<bool> {
    let done = sqlx::query("DELETE FROM dead_letters WHERE id = $1").bind(id).execute(conn).await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes events, their retries and dead letters about the exchanges.
pub(super) async fn erase(conn: &mut SqliteConnection, exchanges: &Exchanges) -> Result<Erased> {
    let seqs = own(conn, "SELECT seq, message_id FROM events", exchanges).await?;
    let events = sqlx::query(
        "DELETE FROM events WHERE seq IN (SELECT value FROM json_each($1)) RETURNING bytes",
    )
    .bind(seqs.as_str())
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM retries WHERE seq IN (SELECT value FROM json_each($1))")
        .bind(seqs.as_str())
        .execute(&mut *conn)
        .await?;
    let ids = own(conn, "SELECT id, message_id FROM dead_letters", exchanges).await?;
    let letters =
        sqlx::query("DELETE FROM dead_letters WHERE id IN (SELECT value FROM json_each($1))")
            .bind(ids)
            .execute(conn)
            .await?;
    let bytes = events.iter().map(|row| row.try_get(0).map(unsigned)).collect::<Result<_>>()?;
    Ok(Erased { bytes, dead_letters: letters.rows_affected() })
}

/// The numbers, as JSON, of the rows of `statement` whose message is about one of the exchanges. There
/// may be millions of others: they are not in memory together.
async fn own(
    conn: &mut SqliteConnection,
    statement: &'static str,
    exchanges: &Exchanges,
) -> Result<String> {
    let mut rows = sqlx::query(statement).fetch(conn);
    let mut numbers = Vec::new();
    while let Some(row) = rows.try_next().await? {
        if exchanges.own(row.try_get(1)?) {
            numbers.push(row.try_get::<i64, _>(0)?.to_string());
        }
    }
    Ok(format!("[{}]", numbers.join(",")))
}

fn dead_letter(row: &SqliteRow) -> Result<DeadLetter> {
    let at = Timestamp::from_microsecond(row.try_get("at")?);
    Ok(DeadLetter {
        id: row.try_get::<i64, _>("id")?.to_string(),
        consumer: row.try_get("consumer")?,
        message_id: row.try_get("message_id")?,
        kind: row.try_get("kind")?,
        reason: row.try_get("reason")?,
        attempts: row.try_get("attempts")?,
        at: at.map_err(|error| sqlx::Error::Decode(error.into()))?,
        payload: row.try_get::<Vec<u8>, _>("payload")?.into(),
    })
}

/// SQLite's integers are signed; sequences and sizes stay far below the limit.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use nexus_contract::DecodeError;

    use super::*;

    fn lengths(sizes: &[usize]) -> Vec<usize> {
        let incoming = |size: &usize| Incoming {
            message_id: String::new(),
            kind: "linked".into(),
            target: None,
            payload: vec![0_u8; *size].into(),
            event: Err(Arc::new(DecodeError::Truncated)),
        };
        let incoming: Vec<_> = sizes.iter().map(incoming).collect();
        let numbered: Vec<_> = (1..).zip(&incoming).collect();
        inserts(&numbered).map(<[_]>::len).collect()
    }

    #[test]
    fn an_insert_is_bounded_in_rows_and_bytes() {
        assert!(lengths(&[]).is_empty());
        assert_eq!(lengths(&[1; 250]), [100, 100, 50]);
        let most = INSERT_BYTES * 2 / 3;
        assert_eq!(lengths(&[most, most, most, 4 * INSERT_BYTES, 1, 1]), [2, 2, 2]);
    }
}
