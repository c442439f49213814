//! Many rows in one statement, in the form that both engines understand.

use sqlx::{Database, Encode, Postgres, Sqlite, Type, postgres::PgHasArrayType};

use crate::sql::{Parameter, QueryBuilder, Separated};

/// Keys in one `IN (…)`.
pub(crate) const KEYS: usize = 512;

/// Rows in one `INSERT` of at most `columns` columns: below both engines' limit of bound values.
pub(crate) const fn rows(columns: usize) -> usize {
    let rows = 16_000 / columns;
    if rows > 500 { 500 } else { rows }
}

/// What rows are looked up by, many at a time.
pub(crate) trait Key<DB: Database>: Sized {
    /// Appends the operator that finds a column's value among `keys`, and them.
    fn push_in(query: &mut QueryBuilder<DB>, keys: &[Self]);
}

impl<K> Key<Sqlite> for K
where
    K: Clone + for<'q> Encode<'q, Sqlite> + Type<Sqlite> + Parameter,
{
    /// The list is filled up to a power of two by its last key, so that few different statements are
    /// prepared.
    fn push_in(query: &mut QueryBuilder<Sqlite>, keys: &[Self]) {
        query.push("IN (");
        if let Some(last) = keys.last() {
            let fill = keys.len().next_power_of_two() - keys.len();
            let mut list = query.separated(", ");
            for key in keys.iter().chain(std::iter::repeat_n(last, fill)) {
                list.push_bind(key.clone());
            }
        }
        query.push(")");
    }
}

impl<K> Key<Postgres> for K
where
    K: for<'q> Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType + Parameter,
{
    /// One array: the statement is prepared once for any number of keys, and the plan that is kept of
    /// it takes them for a few, so that it goes by an index. Of a list of single values it takes all
    /// for rows, and reads the whole table.
    fn push_in(query: &mut QueryBuilder<Postgres>, keys: &[Self]) {
        query.push("= ANY (").push_bind_all(keys).push(")");
    }
}

/// `head`, which ends in `IN`, with its keys, and `tail`.
pub(crate) fn in_list<DB, K>(head: &str, keys: &[K], tail: &str) -> QueryBuilder<DB>
where
    DB: Database,
    K: Key<DB>,
{
    let mut query = QueryBuilder::new(head.strip_suffix("IN").unwrap_or(head));
    K::push_in(&mut query, keys);
    query.push(tail);
    query
}

/// `head VALUES (…), (…) tail`, the rows filled up to a power of two by the last one, so that few
/// different statements are prepared. The columns are `column1`, `column2` and so on.
pub(crate) fn values<DB, T>(
    head: &str,
    rows: &[T],
    tail: &str,
    bind: impl FnMut(Separated<'_, DB>, &T),
) -> QueryBuilder<DB>
where
    DB: Database,
{
    let fill = rows.len().next_power_of_two() - rows.len();
    let mut query = QueryBuilder::new(head);
    query.push_values(rows.iter().chain(rows.last().into_iter().cycle().take(fill)), bind);
    query.push(tail);
    query
}

/// The rows in pieces of powers of two, so that few different statements are prepared.
pub(crate) fn pieces<T>(mut rows: &[T], max: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = rows.len().min(max).checked_ilog2()?;
        let (piece, rest) = rows.split_at(1 << size);
        rows = rest;
        Some(piece)
    })
}
