//! A statement whose rows are taken as they come, or that gives none.

use sqlx::{
    Database, Encode, Executor, IntoArguments, SqlSafeStr, Type, database::HasStatementCache,
};

use super::{parameter::Parameter, record::Record};
use crate::dialect::Dialect;

/// [`sqlx::query::Query`], told of.
#[must_use = "a query does nothing before it is executed"]
pub(crate) struct Query<'q, DB: Database> {
    inner: sqlx::query::Query<'q, DB, DB::Arguments>,
    record: Record,
}

/// [`sqlx::query()`], told of.
pub(crate) fn query<'q, DB: Database>(sql: impl SqlSafeStr) -> Query<'q, DB> {
    let sql = sql.into_sql_str();
    let record = Record::of(&sql);
    Query { inner: sqlx::query(sql), record }
}

impl<'q, DB: Database> Query<'q, DB> {
    pub(super) fn new(inner: sqlx::query::Query<'q, DB, DB::Arguments>, record: Record) -> Self {
        Self { inner, record }
    }

    pub(crate) fn bind<'t, T>(mut self, value: T) -> Self
    where
        T: Encode<'t, DB> + Type<DB> + Parameter,
    {
        self.record.add(&value);
        self.inner = self.inner.bind(value);
        self
    }

    pub(crate) fn persistent(mut self, value: bool) -> Self
    where
        DB: HasStatementCache,
    {
        self.inner = self.inner.persistent(value);
        self
    }
}

impl<'q, DB> Query<'q, DB>
where
    DB: Dialect,
    DB::Arguments: 'q + IntoArguments<DB>,
{
    pub(crate) async fn execute<'c, E>(self, executor: E) -> sqlx::Result<DB::QueryResult>
    where
        E: Executor<'c, Database = DB>,
    {
        self.record.tell(self.inner.execute(executor), DB::affected).await
    }

    pub(crate) async fn fetch_all<'c, E>(self, executor: E) -> sqlx::Result<Vec<DB::Row>>
    where
        E: Executor<'c, Database = DB>,
    {
        self.record.tell(self.inner.fetch_all(executor), |rows| rows.len() as u64).await
    }

    pub(crate) async fn fetch_optional<'c, E>(self, executor: E) -> sqlx::Result<Option<DB::Row>>
    where
        E: Executor<'c, Database = DB>,
    {
        self.record.tell(self.inner.fetch_optional(executor), |row| row.is_some().into()).await
    }
}
