//! What the log tells of statements, on both engines.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use jiff::tz::TimeZone;
use nexus_contract::ExchangeId;
use nexus_store::{
    queries::{ConversationFilter, Paging, RequestFilter, Search},
    store_tests,
    testing::{Pool, TestStore},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// A line's fields, as text.
#[derive(Debug, Default)]
struct Line(BTreeMap<&'static str, String>);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

/// Keeps the lines about statements.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Line>>>);

impl Log {
    fn take(&self) -> Vec<Line> {
        std::mem::take(&mut *self.0.lock().expect("nobody panicked"))
    }
}

impl Subscriber for Log {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        about.target() == "nexus_store::sql"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().expect("nobody panicked").push(line);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

async fn a_statement_is_told_with_what_it_took_and_gave(store: TestStore) {
    let log = Log::default();
    let _listens = tracing::subscriber::set_default(log.clone());
    store.put_price_version("of a test").await.expect("it writes");
    store.find_price_version().await.expect("it reads");
    let lines = log.take();
    let [Line(written), Line(read)] = &lines[..] else { panic!("{lines:#?}") };
    assert!(written["statement"].starts_with("INSERT INTO store_facts "), "{written:?}");
    assert_eq!((&*written["parameters"], &*written["rows"]), ("'of a test'", "1"));
    assert!(written["elapsed_secs"].parse().is_ok_and(|seconds: f64| seconds > 0.0), "{written:?}");
    assert!(read["statement"].starts_with("SELECT value FROM store_facts "), "{read:?}");
    assert_eq!((&*read["parameters"], &*read["rows"]), ("", "1"));
}

async fn a_statement_that_grew_is_told_as_it_was_sent(store: TestStore) {
    let log = Log::default();
    let _listens = tracing::subscriber::set_default(log.clone());
    let [a, b, c] = ["a", "b", "c"].map(ExchangeId::from_external);
    assert!(store.list_payloads(&[a, b, c]).await.expect("it reads").is_empty());
    let lines = log.take();
    let [Line(read)] = &lines[..] else { panic!("{lines:#?}") };
    // SQLite's lists are filled up to a power of two.
    let fill = if store.url.starts_with("sqlite") { format!(", {c}") } else { String::new() };
    assert_eq!(read["parameters"], format!("{a}, {b}, {c}{fill}"));
    assert!(read["statement"].contains("FROM payloads p "), "{read:?}");
    assert_eq!(read["rows"], "0");
}

async fn a_failed_statement_is_told_with_its_error(store: TestStore) {
    let drop_it = "DROP TABLE store_facts";
    match Pool::open(&store.url).await {
        Pool::Sqlite(pool) => drop(sqlx::query(drop_it).execute(&pool).await.expect("it drops")),
        Pool::Postgres(pool) => drop(sqlx::query(drop_it).execute(&pool).await.expect("it drops")),
    }
    let log = Log::default();
    let _listens = tracing::subscriber::set_default(log.clone());
    store.find_price_version().await.expect_err("its table is gone");
    let lines = log.take();
    let [Line(failed)] = &lines[..] else { panic!("{lines:#?}") };
    assert!(failed["error"].contains("store_facts") && !failed.contains_key("rows"), "{failed:?}");
}

/// Taken apart into words, a key is not known as one.
async fn words_of_a_search_are_told_by_their_size(store: TestStore) {
    let search = Search::parse("opened-hunter2 \"wide hunter2\" model:opus", &TimeZone::UTC);
    let search = search.expect("a search");
    let conversations =
        ConversationFilter { search: search.clone(), ..ConversationFilter::default() };
    let requests = RequestFilter { search, ..RequestFilter::default() };
    let log = Log::default();
    let _listens = tracing::subscriber::set_default(log.clone());
    store.list_conversations(&conversations, &Paging::default()).await.expect("a page");
    store.list_requests(&requests, &Paging::default()).await.expect("a page");
    let lines = log.take();
    // Conversations are looked up by the names of the models that are known.
    for (shown, times) in [(" bytes>", 2), ("'%opus%'", 1)] {
        let told = lines.iter().filter(|line| line.0["parameters"].contains(shown));
        assert!(told.count() >= times, "{shown}: {lines:#?}");
    }
    assert!(lines.iter().all(|line| !format!("{line:?}").contains("hunter2")), "{lines:#?}");
}

store_tests!(
    words_of_a_search_are_told_by_their_size,
    a_statement_is_told_with_what_it_took_and_gave,
    a_statement_that_grew_is_told_as_it_was_sent,
    a_failed_statement_is_told_with_its_error,
);
