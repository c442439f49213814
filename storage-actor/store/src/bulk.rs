//! Many rows in one statement, in the form that both engines understand.

use sqlx::{Database, Encode, QueryBuilder, Type};

/// Keys in one `IN (…)`.
pub(crate) const KEYS: usize = 512;

/// Rows in one `INSERT` of at most `columns` columns: below both engines' limit of bound values.
pub(crate) const fn rows(columns: usize) -> usize {
    let rows = 16_000 / columns;
    if rows > 500 { 500 } else { rows }
}

/// `head (k1, k2, …) tail`, the list filled up to a power of two by its last key, so that few
/// different statements are prepared.
pub(crate) fn in_list<DB, K>(head: &str, keys: &[K], tail: &str) -> QueryBuilder<DB>
where
    DB: Database,
    K: Clone + Send + for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new(head);
    query.push(" (");
    if let Some(last) = keys.last() {
        let fill = keys.len().next_power_of_two() - keys.len();
        let mut list = query.separated(", ");
        for key in keys.iter().chain(std::iter::repeat_n(last, fill)) {
            list.push_bind(key.clone());
        }
    }
    query.push(")");
    query.push(tail);
    query
}
