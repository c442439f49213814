//! Usage rows and rate-limit windows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use duplicate::duplicate_item;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sqlx::{AssertSqlSafe, Database, Postgres, Sqlite};
use uuid::Uuid;

use super::{
    merge::clean,
    part::{ExchangePart, Facts},
    row::ExchangeRow,
};
use crate::{
    bulk,
    dialect::Dialect,
    engine::SqlStore,
    error::{Context, Result},
    sql::{self, QueryBuilder},
    table::{self, Source},
    usage::UsageRow,
};

const DROP_USAGE: &str = "DELETE FROM usage WHERE exchange_id = $1 AND at = $2";

const WINDOW: &str = "INSERT INTO account_windows \
    (account_id, name, at, status, max_units, remaining, utilization, reset_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
    ON CONFLICT (account_id, name) DO UPDATE SET at = excluded.at, status = excluded.status, \
    max_units = excluded.max_units, remaining = excluded.remaining, \
    utilization = excluded.utilization, reset_at = excluded.reset_at \
    WHERE excluded.at >= account_windows.at";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn write_usage(
        connection: &mut <Engine as Database>::Connection,
        old: &HashMap<Uuid, UsageRow>,
        new: &HashMap<Uuid, UsageRow>,
    ) -> Result<()> {
        for before in old.values() {
            // An exchange's time changes only when the answer's half was stored before the request's.
            if new.get(&before.exchange_id).is_none_or(|now| now.at != before.at) {
                let query = sql::query(DROP_USAGE).bind(before.exchange_id).bind(before.at);
                query.execute(&mut *connection).await.context("usage cannot be moved")?;
            }
        }
        let rows: Vec<_> =
            new.iter().filter(|(id, row)| old.get(id) != Some(row)).map(|(_, row)| row).collect();
        let head = table::insert("usage", UsageRow::COLUMNS);
        let tail = table::or_replace(&["exchange_id", "at"], UsageRow::COLUMNS);
        let all = [true; UsageRow::COLUMNS.len()];
        for some in rows.chunks(bulk::rows(UsageRow::COLUMNS.len())) {
            let mut query = QueryBuilder::<Engine>::new(&head);
            UsageRow::push_rows(&mut query, some, &all);
            query.push(&tail);
            let query = query.build().persistent(<UsageRow as Source<Engine>>::IS_KEPT);
            query.execute(&mut *connection).await.context("usage cannot be written")?;
        }
        Ok(())
    }

    /// Makes the partitions that rows of these times go to. Not within the transaction that writes
    /// them: that one may fail.
    pub(super) async fn ensure_months(&self, parts: &[ExchangePart]) -> Result<()> {
        if !<Engine as Dialect>::PARTITIONED {
            return Ok(());
        }
        let months: BTreeSet<_> = parts.iter().filter_map(|part| month(part.at)).collect();
        for month in months.into_iter().filter(|month| !self.known.has_month(*month)) {
            let made = sql::query(AssertSqlSafe(partition(month))).execute(&self.write).await;
            // Retention dropped the month, and another process that still knew it wrote into
            // `usage_other` since: the month's rows are there from now on.
            if !made.as_ref().is_err_and(is_taken_by_other) {
                made.context("a partition of usage cannot be made")?;
            }
            self.known.learn_month(month);
        }
        Ok(())
    }

    /// The newest report of each window stays, in whatever order they come.
    pub(super) async fn write_windows(
        connection: &mut <Engine as Database>::Connection,
        parts: &[&ExchangePart],
        rows: &BTreeMap<Uuid, ExchangeRow>,
    ) -> Result<()> {
        let mut newest = BTreeMap::new();
        for part in parts {
            let account = rows.get(&part.id.0).and_then(|row| row.account_id.as_deref());
            let (Facts::Response(facts), Some(account)) = (&part.facts, account) else { continue };
            for window in &facts.windows {
                let at = part.at.as_microsecond();
                let entry = newest.entry((account, &window.name)).or_insert((at, window));
                if at >= entry.0 {
                    *entry = (at, window);
                }
            }
        }
        for ((account, name), (at, window)) in newest {
            let query = sql::query(WINDOW).bind(account).bind(clean(name)).bind(at);
            let query = query.bind(window.status.as_deref().map(clean)).bind(window.limit);
            let query = query.bind(window.remaining).bind(window.utilization).bind(window.reset_at);
            query.execute(&mut *connection).await.context("account_windows cannot be written")?;
        }
        Ok(())
    }
}

/// Months that get a partition of their own; others go into `usage_other`, so that odd times in an
/// import don't make thousands of them.
const YEARS: std::ops::RangeInclusive<i16> = 2023..=2060;

/// Rows that a new partition would hold are in the one for all others.
fn is_taken_by_other(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_check_violation)
}

/// The first day of the month of `at`.
fn month(at: Timestamp) -> Option<Date> {
    let at = at.to_zoned(TimeZone::UTC).date();
    YEARS.contains(&at.year()).then(|| at.first_of_month())
}

fn partition(month: Date) -> String {
    let start = |date: Date| {
        date.to_zoned(TimeZone::UTC).map_or(0, |start| start.timestamp().as_microsecond())
    };
    let next = month.last_of_month().tomorrow().unwrap_or(month);
    format!(
        "CREATE TABLE IF NOT EXISTS usage_{:04}_{:02} PARTITION OF usage FOR VALUES FROM ({}) TO ({})",
        month.year(),
        month.month(),
        start(month),
        start(next)
    )
}
