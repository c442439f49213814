//! The statements that the store ran, as its driver logs them.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tracing::{Event, Subscriber, field::Field};
use tracing_subscriber::{
    filter::Targets,
    layer::{Context, Layer, SubscriberExt},
    util::SubscriberInitExt,
};

/// One statement.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    pub sql: String,
    pub took: Duration,
}

/// What ran since the last look.
#[derive(Clone, Default)]
pub struct Statements(Arc<Mutex<Vec<Statement>>>);

impl Statements {
    /// Listens from now on.
    pub fn install() -> anyhow::Result<Self> {
        let statements = Self::default();
        let only = Targets::new().with_target("sqlx::query", tracing::Level::DEBUG);
        tracing_subscriber::registry().with(statements.clone().with_filter(only)).try_init()?;
        Ok(statements)
    }

    pub fn take(&self) -> Vec<Statement> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut read = Read::default();
        event.record(&mut read);
        let Read { summary, full, seconds } = read;
        // The driver gives the whole text only where the summary is not all of it.
        let sql = if full.trim().is_empty() { summary } else { full };
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push(Statement { sql, took: Duration::from_secs_f64(seconds) });
    }
}

#[derive(Default)]
struct Read {
    summary: String,
    full: String,
    seconds: f64,
}

impl tracing::field::Visit for Read {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.full),
            _other => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
