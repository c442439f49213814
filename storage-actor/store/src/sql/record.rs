//! What the log tells of a statement: its text, what it took, how long it ran, and what came of it.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use sqlx::SqlStr;
use tracing::Level;

use super::parameter::{Parameter, push_cut};

/// What `DEBUG_SQL` lets through, and nothing else does.
const TARGET: &str = "nexus_store::sql";

/// Bytes of a statement that are shown. Those of many rows are longer and say nothing new.
const MAX_STATEMENT: usize = 2_000;

/// Bytes of parameters after which no more is shown.
const MAX_PARAMETERS: usize = 2_000;

/// What is to be told of a statement; nothing while nobody listens.
#[derive(Debug, Default)]
pub(super) struct Record(Option<Box<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    statement: String,
    parameters: String,
    left_out: usize,
}

impl Record {
    pub(super) fn new() -> Self {
        Self(tracing::enabled!(target: TARGET, Level::DEBUG).then(Box::default))
    }

    pub(super) fn of(sql: &SqlStr) -> Self {
        let mut record = Self::new();
        record.read(|| sql.clone());
        record
    }

    /// Notes the statement's text.
    pub(super) fn read(&mut self, sql: impl FnOnce() -> SqlStr) {
        if let Some(noted) = &mut self.0 {
            push_cut(&mut noted.statement, sql().as_str(), MAX_STATEMENT);
        }
    }

    /// Notes the next parameter.
    pub(super) fn add(&mut self, value: &impl Parameter) {
        if let Some(noted) = &mut self.0 {
            noted.add(value);
        }
    }

    /// Runs the statement, and tells of it when it has ended; `rows` are those that it gave or
    /// changed.
    pub(super) async fn tell<T>(
        self,
        running: impl Future<Output = sqlx::Result<T>>,
        rows: fn(&T) -> u64,
    ) -> sqlx::Result<T> {
        let Some(noted) = self.0 else { return running.await };
        let start = Instant::now();
        let result = running.await;
        noted.tell(start.elapsed(), result.as_ref().map(rows));
        result
    }
}

impl Noted {
    fn add(&mut self, value: &impl Parameter) {
        if self.parameters.len() >= MAX_PARAMETERS {
            self.left_out += 1;
            return;
        }
        if !self.parameters.is_empty() {
            self.parameters.push_str(", ");
        }
        value.show(&mut self.parameters);
    }

    fn finish(mut self) -> (String, String) {
        if self.left_out > 0 {
            write!(self.parameters, " … and {} more", self.left_out).expect("a string takes it");
        }
        (self.statement, self.parameters)
    }

    fn tell(self, elapsed: Duration, rows: Result<u64, &sqlx::Error>) {
        let elapsed_secs = elapsed.as_secs_f64();
        let (statement, parameters) = self.finish();
        match rows {
            Ok(rows) => tracing::debug!(
                target: TARGET, statement, parameters, rows, elapsed_secs, "a statement ended"
            ),
            Err(error) => tracing::debug!(
                target: TARGET, statement, parameters, %error, elapsed_secs, "a statement failed"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, SqlSafeStr};

    use super::*;

    #[test]
    fn after_enough_parameters_the_others_are_counted() {
        let mut noted = Noted::default();
        for _ in 0..5_000 {
            noted.add(&"word ".repeat(1_000));
        }
        noted.add(&"the last");
        let (_, parameters) = noted.finish();
        assert!(parameters.starts_with("'word word "), "{parameters}");
        assert!(parameters.len() < MAX_PARAMETERS + 200, "{}", parameters.len());
        assert!(parameters.ends_with(" more") && !parameters.contains("last"), "{parameters}");
    }

    #[test]
    fn a_statement_stands_beside_its_parameters() {
        let mut record = Record(Some(Box::default()));
        record.read(|| SqlStr::from_static("SELECT $1, $2"));
        record.add(&7_i64);
        record.add(&None::<String>);
        let (statement, parameters) = record.0.expect("it is noted").finish();
        assert_eq!((statement.as_str(), parameters.as_str()), ("SELECT $1, $2", "7, NULL"));
    }

    #[test]
    fn a_long_statement_is_cut() {
        let mut record = Record(Some(Box::default()));
        record.read(|| AssertSqlSafe("($1, $2), ".repeat(1_000)).into_sql_str());
        let (statement, _) = record.0.expect("it is noted").finish();
        assert!(statement.ends_with('…') && statement.len() < MAX_STATEMENT + 4, "{statement}");
    }

    #[test]
    fn nothing_is_noted_while_nobody_listens() {
        let mut record = Record::new();
        record.read(|| unreachable!("nobody listens"));
        record.add(&7_i64);
        assert!(record.0.is_none());
    }
}
