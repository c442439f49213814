//! A statement that grows, the same for both engines.

use std::fmt::Write as _;

use duplicate::duplicate_item;
use sqlx::{AssertSqlSafe, Database, Encode, FromRow, Postgres, Sqlite, Type};
use uuid::Uuid;

use crate::{
    engine::SqlStore,
    error::{Context, Result},
    sql::{self, QueryAs},
};

/// A value of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Int(i64),
    Text(String),
    /// The words of a search.
    Words(String),
    Id(Uuid),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Self::Id(value)
    }
}

/// SQL text with its values. Text that comes from outside is always a value.
#[derive(Debug, Clone, Default)]
pub(super) struct Statement {
    pub(super) sql: String,
    values: Vec<Value>,
}

impl Statement {
    pub(super) fn new(sql: &str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Adds SQL; every `?` in it becomes the next value's `$n`.
    pub(super) fn push(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) -> &mut Self {
        let mut values = values.into_iter();
        for part in sql.split_inclusive('?') {
            match (part.strip_suffix('?'), values.next()) {
                (Some(before), Some(value)) => {
                    self.values.push(value);
                    self.sql.push_str(before);
                    write!(self.sql, "${}", self.values.len()).expect("a string takes it");
                }
                _text => self.sql.push_str(part),
            }
        }
        self
    }

    /// `name IN (…)`.
    pub(super) fn push_in(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> &mut Self {
        self.push(name, []).push(" IN (", []);
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "?" } else { ", ?" }, [value]);
        }
        self.push(")", [])
    }

    /// How many rows a statement without a `LIMIT` gives, and what is selected beside that number; no
    /// more than `max` are looked at.
    pub(super) fn counted(self, max: u32, beside: &str) -> Self {
        let mut counted = self.within(&format!("SELECT COUNT(*){beside} FROM ("), "");
        counted.push(" LIMIT ?) t", [max.into()]);
        counted
    }

    /// The statement between these, which have no values.
    pub(super) fn within(self, before: &str, behind: &str) -> Self {
        Self { sql: [before, &self.sql, behind].concat(), ..self }
    }

    /// The statement for one engine, giving rows.
    pub(super) fn rows<'q, DB, T>(&'q self) -> QueryAs<'q, DB, T>
    where
        DB: Database,
        T: for<'r> FromRow<'r, DB::Row>,
        i64: Encode<'q, DB> + Type<DB>,
        String: Encode<'q, DB> + Type<DB>,
        Uuid: Encode<'q, DB> + Type<DB>,
    {
        let query = sql::query_as::<DB, T>(AssertSqlSafe(self.sql.clone()));
        self.values.iter().fold(query, |query, value| match value {
            Value::Int(value) => query.bind(*value),
            Value::Text(value) => query.bind(value.clone()),
            Value::Words(value) => query.bind(sql::Content(value.clone())),
            Value::Id(value) => query.bind(*value),
        })
    }
}

#[duplicate_item(
    Engine     Row;
    [Sqlite]   [sqlx::sqlite::SqliteRow];
    [Postgres] [sqlx::postgres::PgRow];
)]
impl SqlStore<Engine> {
    /// All rows of a reading statement.
    pub(super) async fn list<T>(
        &self,
        statement: &Statement,
        context: &'static str,
    ) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, Row> + Send + Unpin,
    {
        statement.rows::<Engine, T>().fetch_all(self.read()).await.context(context)
    }

    /// Whether a statement without a `LIMIT` gives so many rows at the most; no more are looked at.
    pub(super) async fn has_at_most(
        &self,
        rows: Statement,
        max: u32,
        context: &'static str,
    ) -> Result<bool> {
        let found: Vec<(i64,)> = self.list(&rows.counted(max + 1, ""), context).await?;
        Ok(found.first().is_some_and(|(count,)| *count <= max.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_as_they_come() {
        let mut statement = Statement::new("SELECT 1 FROM t WHERE a = 1");
        statement.push(" AND b = ? AND c > ?", [5_i64.into(), "x".into()]);
        statement.push(" AND ", []).push_in("d", ["y".into(), "z".into()]);
        assert_eq!(
            statement.sql,
            "SELECT 1 FROM t WHERE a = 1 AND b = $1 AND c > $2 AND d IN ($3, $4)"
        );
        assert_eq!(statement.values.len(), 4);
    }
}
