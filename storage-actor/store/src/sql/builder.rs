//! A statement that grows, and takes its values as it does.

use std::fmt::Display;

use sqlx::{Database, Encode, FromRow, Postgres, Type, postgres::PgHasArrayType};

use super::{
    parameter::Parameter,
    query::Query,
    record::Record,
    rows::{QueryAs, QueryScalar},
};

/// [`sqlx::QueryBuilder`], told of.
pub(crate) struct QueryBuilder<DB: Database> {
    inner: sqlx::QueryBuilder<DB>,
    record: Record,
}

impl<DB: Database> QueryBuilder<DB> {
    pub(crate) fn new(init: impl Into<String>) -> Self {
        Self { inner: sqlx::QueryBuilder::new(init), record: Record::new() }
    }

    pub(crate) fn push(&mut self, sql: impl Display) -> &mut Self {
        self.inner.push(sql);
        self
    }

    pub(crate) fn push_bind<'t, T>(&mut self, value: T) -> &mut Self
    where
        T: Encode<'t, DB> + Type<DB> + Parameter,
    {
        self.record.add(&value);
        self.inner.push_bind(value);
        self
    }

    pub(crate) fn separated(&mut self, separator: &'static str) -> Separated<'_, DB> {
        Separated { query: self, separator, has_some: false }
    }

    /// `VALUES (…), (…)`, a pair of brackets a row.
    pub(crate) fn push_values<I, F>(&mut self, rows: I, mut push_row: F) -> &mut Self
    where
        I: IntoIterator,
        F: FnMut(Separated<'_, DB>, I::Item),
    {
        self.push("VALUES ");
        let mut separator = "";
        for row in rows {
            self.push(separator).push("(");
            push_row(self.separated(", "), row);
            self.push(")");
            separator = ", ";
        }
        self
    }

    /// The statement; there is none to be built after it.
    pub(crate) fn build(&mut self) -> Query<'_, DB> {
        let record = self.take_record();
        Query::new(self.inner.build(), record)
    }

    /// The same, its rows as what they stand for.
    pub(crate) fn build_query_as<O>(&mut self) -> QueryAs<'_, DB, O>
    where
        O: for<'r> FromRow<'r, DB::Row>,
    {
        let record = self.take_record();
        QueryAs::new(self.inner.build_query_as(), record)
    }

    /// The same, of rows of one value.
    pub(crate) fn build_query_scalar<O>(&mut self) -> QueryScalar<'_, DB, O>
    where
        (O,): for<'r> FromRow<'r, DB::Row>,
    {
        let record = self.take_record();
        QueryScalar::new(self.inner.build_query_scalar(), record)
    }

    fn take_record(&mut self) -> Record {
        let mut record = std::mem::take(&mut self.record);
        record.read(|| self.inner.sql());
        record
    }
}

impl QueryBuilder<Postgres> {
    /// All of them as one value, an array.
    pub(crate) fn push_bind_all<T>(&mut self, values: &[T]) -> &mut Self
    where
        T: for<'t> Encode<'t, Postgres> + Type<Postgres> + PgHasArrayType + Parameter,
    {
        for value in values {
            self.record.add(value);
        }
        self.inner.push_bind(values);
        self
    }
}

/// A list that grows within a statement.
pub(crate) struct Separated<'b, DB: Database> {
    query: &'b mut QueryBuilder<DB>,
    separator: &'static str,
    has_some: bool,
}

impl<DB: Database> Separated<'_, DB> {
    pub(crate) fn push(&mut self, sql: impl Display) -> &mut Self {
        self.separate();
        self.query.push(sql);
        self
    }

    pub(crate) fn push_bind<'t, T>(&mut self, value: T) -> &mut Self
    where
        T: Encode<'t, DB> + Type<DB> + Parameter,
    {
        self.separate();
        self.query.push_bind(value);
        self
    }

    fn separate(&mut self) {
        if self.has_some {
            self.query.push(self.separator);
        }
        self.has_some = true;
    }
}

impl Separated<'_, Postgres> {
    /// [`QueryBuilder::push_bind_all`], as one of the list.
    pub(crate) fn push_bind_all<T>(&mut self, values: &[T]) -> &mut Self
    where
        T: for<'t> Encode<'t, Postgres> + Type<Postgres> + PgHasArrayType + Parameter,
    {
        self.separate();
        self.query.push_bind_all(values);
        self
    }
}
