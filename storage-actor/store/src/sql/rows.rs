//! A statement whose rows become what they stand for: a struct or a tuple, or the one value of a row.

use duplicate::duplicate_item;
use sqlx::{
    Database, Encode, Executor, FromRow, IntoArguments, SqlSafeStr, Type,
    database::HasStatementCache,
};

use super::{parameter::Parameter, record::Record};

/// sqlx's type of the same name, told of.
#[duplicate_item(Rows; [QueryAs]; [QueryScalar])]
#[must_use = "a query does nothing before it is executed"]
pub(crate) struct Rows<'q, DB: Database, O> {
    inner: sqlx::query::Rows<'q, DB, O, DB::Arguments>,
    record: Record,
}

/// sqlx's function of the same name, told of.
#[duplicate_item(
    rows            Rows            Fetched;
    [query_as]      [QueryAs]       [O];
    [query_scalar]  [QueryScalar]   [(O,)];
)]
pub(crate) fn rows<'q, DB, O>(sql: impl SqlSafeStr) -> Rows<'q, DB, O>
where
    DB: Database,
    Fetched: for<'r> FromRow<'r, DB::Row>,
{
    let sql = sql.into_sql_str();
    let record = Record::of(&sql);
    Rows { inner: sqlx::rows(sql), record }
}

#[duplicate_item(Rows; [QueryAs]; [QueryScalar])]
impl<'q, DB: Database, O> Rows<'q, DB, O> {
    pub(super) fn new(inner: sqlx::query::Rows<'q, DB, O, DB::Arguments>, record: Record) -> Self {
        Self { inner, record }
    }

    pub(crate) fn bind<T>(mut self, value: T) -> Self
    where
        T: 'q + Encode<'q, DB> + Type<DB> + Parameter,
    {
        self.record.add(&value);
        self.inner = self.inner.bind(value);
        self
    }
}

impl<DB: Database + HasStatementCache, O> QueryAs<'_, DB, O> {
    pub(crate) fn persistent(mut self, value: bool) -> Self {
        self.inner = self.inner.persistent(value);
        self
    }
}

#[duplicate_item(
    Rows            Fetched;
    [QueryAs]       [O];
    [QueryScalar]   [(O,)];
)]
impl<'q, DB, O> Rows<'q, DB, O>
where
    DB: Database,
    DB::Arguments: 'q + IntoArguments<DB>,
    O: Send + Unpin,
    Fetched: for<'r> FromRow<'r, DB::Row>,
{
    pub(crate) async fn fetch_all<'c, E>(self, executor: E) -> sqlx::Result<Vec<O>>
    where
        E: Executor<'c, Database = DB>,
    {
        self.record.tell(self.inner.fetch_all(executor), |rows| rows.len() as u64).await
    }

    pub(crate) async fn fetch_one<'c, E>(self, executor: E) -> sqlx::Result<O>
    where
        E: Executor<'c, Database = DB>,
    {
        self.record.tell(self.inner.fetch_one(executor), |_row| 1).await
    }

    pub(crate) async fn fetch_optional<'c, E>(self, executor: E) -> sqlx::Result<Option<O>>
    where
        E: Executor<'c, Database = DB>,
    {
        self.record.tell(self.inner.fetch_optional(executor), |row| row.is_some().into()).await
    }
}
