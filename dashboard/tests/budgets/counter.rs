//! Counts SQL statements: the driver tells each one as an event.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

const STATEMENTS: &str = "sqlx::query";

#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicUsize>);

/// Counts from now on, in the whole process.
pub fn install() -> Counter {
    let counter = Counter::default();
    tracing::subscriber::set_global_default(counter.clone()).expect("the only one");
    counter
}

impl Counter {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Subscriber for Counter {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target() == STATEMENTS
    }

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == STATEMENTS {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
