//! One transaction per batch.

use std::collections::{BTreeMap, HashMap, HashSet};

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use sqlx::{Database, Postgres, Sqlite};
use uuid::Uuid;

use super::{
    part::{ExchangePart, Facts},
    row::ExchangeRow,
    search::Document,
};
use crate::{
    bodies::{Writer, ids_needed},
    bulk,
    dialect::Dialect,
    engine::SqlStore,
    error::{Context, Result},
    materialised::Change,
    sql::QueryBuilder,
    table::{self, Compared as _, Source},
    usage::UsageRow,
};

/// A transaction that lost a race against another writer is tried again so often, with what it knew
/// forgotten.
const TRIES: usize = 5;

const STUBS: &str = "INSERT INTO exchanges (exchange_id, domain, gateway, at) ";
const DROP_STUBS: &str = "DELETE FROM exchanges WHERE method IS NULL AND state IS NULL \
    AND exchange_id IN";

/// Columns that a row is not inserted without, also where it is there already.
const REQUIRED: [&str; 4] = ["exchange_id", "domain", "gateway", "at"];

/// Rows as they were and as they become.
struct Batch {
    old: BTreeMap<Uuid, ExchangeRow>,
    new: BTreeMap<Uuid, ExchangeRow>,
}

impl Batch {
    fn new(rows: Vec<ExchangeRow>) -> Self {
        let old: BTreeMap<_, _> = rows.into_iter().map(|row| (row.exchange_id, row)).collect();
        Self { new: old.clone(), old }
    }

    /// Lays the parts over the rows and gives those that said something new.
    fn merge<'p>(&mut self, parts: &'p [ExchangePart]) -> Vec<&'p ExchangePart> {
        let mut news = Vec::new();
        for part in parts {
            if let Some(row) = self.new.get_mut(&part.id.0) {
                let before = row.clone();
                row.merge(part);
                if *row != before {
                    news.push(part);
                }
            }
        }
        news
    }

    fn changed(&self) -> Vec<(&ExchangeRow, &ExchangeRow)> {
        let pairs = self.old.values().zip(self.new.values());
        pairs.filter(|(old, new)| old != new).collect()
    }
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn write_parts(&self, parts: &[ExchangePart]) -> Result<Vec<ExchangeRow>> {
        let bodies: Vec<_> = parts.iter().filter_map(|part| part.body.as_ref()).collect();
        // One more each for the set of headers and the search document.
        let needed = ids_needed(&bodies) + 2 * parts.len();
        let mut tries = 1;
        loop {
            let ids = self.reserve_ids(needed).await?;
            let mut writer = Writer::new(&self.known, ids);
            let written = match self.ensure_months(parts).await {
                Ok(()) => self.try_write(parts, &mut writer).await,
                Err(error) => Err(error),
            };
            match written {
                Ok(rows) => {
                    writer.remember();
                    return Ok(rows);
                }
                Err(error) if error.is_lost_race() && tries < TRIES => {
                    tracing::debug!(%error, tries, "lost a race, trying again");
                    self.known.clear();
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_write(
        &self,
        parts: &[ExchangePart],
        writer: &mut Writer<'_>,
    ) -> Result<Vec<ExchangeRow>> {
        let stubs: BTreeMap<_, _> =
            parts.iter().map(|part| (part.id.0, part.at.as_microsecond())).collect();
        let ids: Vec<_> = stubs.keys().copied().collect();
        let mut tx = self.begin().await?;
        let rows = Self::lock_rows(&mut tx, &stubs).await?;
        let mut batch = Batch::new(Self::without_erased(&mut tx, rows).await?);
        let news = batch.merge(parts);
        let links = Self::read_links(&mut tx, &ids).await?;
        for (id, row) in &mut batch.new {
            row.take_link(links.get(id));
        }
        let timed: Vec<_> = news
            .iter()
            .map(|part| (*part, batch.new.get(&part.id.0).map_or(0, |row| row.at)))
            .collect();
        Self::write_payloads(&mut tx, writer, &timed).await?;
        Self::write_search(&mut tx, writer, &timed).await?;
        let raw = raw_usage(&news);
        Self::write_changes(&mut tx, &batch, &raw).await?;
        Self::write_windows(&mut tx, &news, &batch.new).await?;
        tx.commit().await.context("exchanges cannot be committed")?;
        Ok(batch.changed().into_iter().map(|(_, new)| new.clone()).collect())
    }

    pub(super) async fn take_links(&self, ids: &[ExchangeId]) -> Result<Vec<ExchangeRow>> {
        let stubs: BTreeMap<_, _> = ids.iter().map(|id| (id.0, 0)).collect();
        let ids: Vec<_> = stubs.keys().copied().collect();
        let mut tx = self.begin().await?;
        // The stubs wait for a writer that is just storing one of these exchanges: it may have looked
        // for links before these were there.
        let mut rows = Self::lock_rows(&mut tx, &stubs).await?;
        if <Engine as Dialect>::LOCKS_ROWS {
            Self::execute_for(&mut tx, DROP_STUBS, &ids).await?;
        }
        rows.retain(|row| !row.is_stub());
        let mut batch = Batch::new(rows);
        let links = Self::read_links(&mut tx, &ids).await?;
        for (id, row) in &mut batch.new {
            row.take_link(links.get(id));
        }
        Self::write_changes(&mut tx, &batch, &HashMap::new()).await?;
        tx.commit().await.context("links cannot be committed")?;
        Ok(batch.changed().into_iter().map(|(_, new)| new.clone()).collect())
    }

    /// The rows, locked, in order, and stubs for those that are not there. Where rows are locked the
    /// stubs are written, so that two writers of the two halves of one exchange wait for one another.
    async fn lock_rows(
        connection: &mut <Engine as Database>::Connection,
        stubs: &BTreeMap<Uuid, i64>,
    ) -> Result<Vec<ExchangeRow>> {
        let ids: Vec<_> = stubs.keys().copied().collect();
        if <Engine as Dialect>::LOCKS_ROWS {
            Self::write_stubs(connection, stubs).await?;
        }
        let mut rows = Self::locked(connection, &ids).await?;
        let known: HashSet<_> = rows.iter().map(|row| row.exchange_id).collect();
        let missing = stubs.iter().filter(|(id, _)| !known.contains(id));
        rows.extend(missing.map(|(id, at)| ExchangeRow {
            exchange_id: *id,
            at: *at,
            ..ExchangeRow::default()
        }));
        Ok(rows)
    }

    /// Leaves out exchanges that were erased, with their stubs: they are not stored again. Asked for
    /// behind the locks, where whoever erases one has done so or waits; what has a row was not erased.
    async fn without_erased(
        connection: &mut <Engine as Database>::Connection,
        mut rows: Vec<ExchangeRow>,
    ) -> Result<Vec<ExchangeRow>> {
        let stubs = rows.iter().filter(|row| row.is_stub()).map(|row| row.exchange_id);
        let stubs: Vec<_> = stubs.collect();
        let erased = Self::erased(connection, &stubs).await?;
        if erased.is_empty() {
            return Ok(rows);
        }
        tracing::info!(exchanges = erased.len(), "erased exchanges came again and are not stored");
        rows.retain(|row| !erased.contains(&row.exchange_id));
        if <Engine as Dialect>::LOCKS_ROWS {
            let stubs: Vec<_> = erased.into_iter().collect();
            Self::execute_for(connection, DROP_STUBS, &stubs).await?;
        }
        Ok(rows)
    }

    async fn write_stubs(
        connection: &mut <Engine as Database>::Connection,
        stubs: &BTreeMap<Uuid, i64>,
    ) -> Result<()> {
        let stubs: Vec<_> = stubs.iter().collect();
        for some in stubs.chunks(bulk::KEYS) {
            let mut query = QueryBuilder::<Engine>::new(STUBS);
            query.push_values(some, |mut row, (id, at)| {
                row.push_bind(**id).push("'', ''").push_bind(**at);
            });
            query.push(" ON CONFLICT (exchange_id) DO NOTHING");
            query.build().persistent(false).execute(&mut *connection).await.context(STUBS)?;
        }
        Ok(())
    }

    /// Writes the rows that are different, and everything that is made of them.
    async fn write_changes(
        connection: &mut <Engine as Database>::Connection,
        batch: &Batch,
        raw: &HashMap<Uuid, String>,
    ) -> Result<()> {
        let changed = batch.changed();
        if changed.is_empty() {
            return Ok(());
        }
        let accounted: Vec<_> =
            changed.iter().filter(|pair| is_accounted_anew(pair, raw)).copied().collect();
        let old_usage = Self::read_usage(connection, &accounted).await?;
        let mut new_usage = HashMap::new();
        for (_, new) in &accounted {
            let id = new.exchange_id;
            let before = old_usage.get(&id).and_then(|usage| usage.raw.clone());
            let raw = raw.get(&id).cloned().or(before);
            if let Some(usage) = UsageRow::of(new, raw) {
                new_usage.insert(id, usage);
            }
        }
        Self::write_rows(connection, &changed).await?;
        Self::write_usage(connection, &old_usage, &new_usage).await?;
        let deltas: Vec<_> = changed
            .iter()
            .map(|(old, new)| Change {
                old,
                new,
                old_usage: old_usage.get(&new.exchange_id),
                new_usage: new_usage.get(&new.exchange_id),
            })
            .collect();
        Self::materialise(connection, &deltas).await
    }

    /// Writes what is different in changed rows: an engine touches every index of a column that it is
    /// told to set, be it to what it was. In new ones more is different.
    pub(super) async fn write_rows(
        connection: &mut <Engine as Database>::Connection,
        changed: &[(&ExchangeRow, &ExchangeRow)],
    ) -> Result<()> {
        let (new, stored): (Vec<_>, Vec<_>) =
            changed.iter().copied().partition(|(old, _)| old.is_stub());
        Self::write_differences(connection, &new).await?;
        Self::write_differences(connection, &stored).await
    }

    /// Sets the columns in which any of the rows is different, and makes the rows that are not there.
    async fn write_differences(
        connection: &mut <Engine as Database>::Connection,
        changed: &[(&ExchangeRow, &ExchangeRow)],
    ) -> Result<()> {
        let mut marks = vec![false; ExchangeRow::COLUMNS.len()];
        for (old, new) in changed {
            old.mark_differing(new, &mut marks);
        }
        let tail =
            table::or_replace(&["exchange_id"], &table::marked(ExchangeRow::COLUMNS, &marks));
        for (mark, column) in marks.iter_mut().zip(ExchangeRow::COLUMNS) {
            *mark |= REQUIRED.contains(column);
        }
        let columns = table::marked(ExchangeRow::COLUMNS, &marks);
        let head = table::insert("exchanges", &columns);
        for some in changed.chunks(bulk::rows(columns.len())) {
            let mut query = QueryBuilder::<Engine>::new(&head);
            let rows: Vec<_> = some.iter().map(|(_, new)| *new).collect();
            ExchangeRow::push_rows(&mut query, &rows, &marks);
            query.push(&tail);
            let query = query.build().persistent(<ExchangeRow as Source<Engine>>::IS_KEPT);
            query.execute(&mut *connection).await.context("exchanges cannot be written")?;
        }
        Ok(())
    }

    async fn write_search(
        connection: &mut <Engine as Database>::Connection,
        writer: &mut Writer<'_>,
        parts: &[(&ExchangePart, i64)],
    ) -> Result<()> {
        let parts = parts.iter().map(|(part, _)| *part);
        let texts = parts.filter(|part| !part.search_text.is_empty());
        let documents: Vec<_> = texts.map(|part| document(part, writer.id())).collect();
        Self::index_texts(connection, &documents).await
    }

    /// The rows that exist, locked, in order.
    pub(crate) async fn locked(
        connection: &mut <Engine as Database>::Connection,
        ids: &[Uuid],
    ) -> Result<Vec<ExchangeRow>> {
        let head = table::select("exchanges", ExchangeRow::COLUMNS) + "exchange_id IN";
        let tail = format!(" ORDER BY exchange_id{}", <Engine as Dialect>::FOR_UPDATE);
        let mut rows = Vec::with_capacity(ids.len());
        for some in ids.chunks(bulk::KEYS) {
            let mut query = bulk::in_list::<Engine, _>(&head, some, &tail);
            let query = query.build_query_as::<ExchangeRow>();
            rows.extend(
                query.fetch_all(&mut *connection).await.context("exchanges cannot be locked")?,
            );
        }
        Ok(rows)
    }

    pub(crate) async fn read_usage(
        connection: &mut <Engine as Database>::Connection,
        changed: &[(&ExchangeRow, &ExchangeRow)],
    ) -> Result<HashMap<Uuid, UsageRow>> {
        // Bounds in time keep PostgreSQL from looking into every month.
        let ends = changed.iter().flat_map(|(old, new)| [old.at, new.at]);
        let (first, last) =
            ends.fold((i64::MAX, i64::MIN), |(first, last), at| (first.min(at), last.max(at)));
        let head = table::select("usage", UsageRow::COLUMNS) + "exchange_id IN";
        let ids: Vec<_> = changed.iter().map(|(_, new)| new.exchange_id).collect();
        let mut found = HashMap::new();
        for some in ids.chunks(bulk::KEYS) {
            let mut query = bulk::in_list::<Engine, _>(&head, some, " AND at BETWEEN ");
            query.push_bind(first).push(" AND ").push_bind(last);
            // Planned each time: only the bounds tell whether they or the keys have fewer rows.
            let query = query.build_query_as::<UsageRow>().persistent(false);
            let rows = query.fetch_all(&mut *connection).await.context("usage cannot be read")?;
            found.extend(rows.into_iter().map(|row| (row.exchange_id, row)));
        }
        Ok(found)
    }
}

/// Whether accounting is told something else of the exchange.
fn is_accounted_anew(
    (old, new): &(&ExchangeRow, &ExchangeRow),
    raw: &HashMap<Uuid, String>,
) -> bool {
    raw.contains_key(&new.exchange_id) || UsageRow::of(old, None) != UsageRow::of(new, None)
}

fn raw_usage(parts: &[&ExchangePart]) -> HashMap<Uuid, String> {
    let raw = parts.iter().filter_map(|part| match &part.facts {
        Facts::Response(facts) => {
            Some((part.id.0, super::merge::clean(&facts.usage.as_ref()?.raw)))
        }
        Facts::Request(_) => None,
    });
    raw.collect()
}

fn document(part: &ExchangePart, id: i64) -> Document<'_> {
    let name = match part.facts {
        Facts::Request(_) => "request",
        Facts::Response(_) => "response",
    };
    Document { id, exchange_id: part.id.0, part: name, text: &part.search_text }
}
