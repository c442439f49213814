//! Which statements something takes, as the log tells of them.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    instrument::WithSubscriber as _,
    span::{Attributes, Id, Record},
};

/// Runs `work`, and gives what came of it and the text of each statement that it took.
pub async fn statements_of<T>(work: impl Future<Output = T>) -> (T, Vec<String>) {
    let listener = Listener::default();
    let result = work.with_subscriber(listener.clone()).await;
    let texts = std::mem::take(&mut *listener.0.lock().unwrap_or_else(PoisonError::into_inner));
    (result, texts)
}

#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<String>>>);

impl Subscriber for Listener {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target() == "nexus_store::sql"
    }

    fn event(&self, event: &Event<'_>) {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        event.record(&mut Texts(&mut texts));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Takes the field with the text of the statement.
struct Texts<'a>(&'a mut Vec<String>);

impl Visit for Texts<'_> {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "statement" {
            self.0.push(value.to_owned());
        }
    }
}
