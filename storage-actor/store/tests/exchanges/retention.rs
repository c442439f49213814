//! What is removed is gone with all that only it used, and nothing else is.

use nexus_linking::{Fact, RequestContext, RequestFacts};
use nexus_messages::{Identity, Request};
use nexus_store::{exchanges::ExchangeRow, store_tests, testing::TestStore};

use crate::{
    convergence::{TABLES, same},
    probe::{Place, Probe},
    sample::{at, history, id, request, response},
};

const CONTENT: [&str; 8] = [
    "payloads",
    "nodes",
    "frames",
    "frame_parts",
    "segments",
    "header_sets",
    "search_documents",
    "search_words",
];

/// Turns `numbers` of the conversation whose first exchange is `root`, one by one.
pub async fn store_turns(
    store: &TestStore,
    probe: &Probe,
    root: u32,
    numbers: std::ops::RangeInclusive<u32>,
) {
    for number in numbers {
        let place = Place { conversation: id(root).0, branch: "main".to_owned(), kind: "turn" };
        probe.place(id(number).0, &place).await;
        let answer = format!("answer {number}");
        let parts =
            [request(number, &history(number - root + 1)), response(number, answer.as_bytes())];
        store.write_exchanges(&parts).await.expect("stored");
    }
}

pub async fn opened(store: &TestStore) -> Probe {
    let probe = Probe::open(&store.url).await;
    probe.play_linker().await;
    probe
}

async fn content(probe: &Probe, store: &TestStore) -> Vec<(&'static str, i64)> {
    let mut counts = Vec::new();
    for table in CONTENT {
        if store.engine() == "sqlite" || table != "search_words" {
            counts.push((table, probe.count(table).await));
        }
    }
    counts
}

async fn shared_content_goes_with_its_last_user(store: TestStore) {
    let probe = opened(&store).await;
    store_turns(&store, &probe, 1, 1..=10).await;
    store_turns(&store, &probe, 21, 21..=24).await;
    assert_eq!(store.remove_payloads(at(10)).await.expect("removed"), 9);
    assert!(store.find_payload(id(9)).await.expect("read").is_none());
    for (number, turns) in [(10, 10), (21, 1), (24, 4)] {
        let payload = store.find_payload(id(number)).await.expect("read").expect("kept");
        assert_eq!(&payload.request_body.expect("a body")[..], history(turns));
    }
    assert_eq!(store.remove_payloads(at(99)).await.expect("removed"), 5);
    let left = content(&probe, &store).await;
    assert!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
    assert_eq!(probe.count("exchanges").await, 14, "rows stay");
    // What was known of the removed content is forgotten: the same history is stored anew.
    store_turns(&store, &probe, 41, 41..=44).await;
    let payload = store.find_payload(id(44)).await.expect("read").expect("stored");
    assert_eq!(&payload.request_body.expect("a body")[..], history(4));
}

async fn sums_of_conversations_follow_and_usage_stays(store: TestStore) {
    let probe = opened(&store).await;
    store_turns(&store, &probe, 1, 1..=10).await;
    store_turns(&store, &probe, 21, 21..=24).await;
    let older = store.count_older(at(8)).await.expect("counted");
    assert_eq!((older.payloads, older.rows, older.usage), (7, 7, 7));
    let usage = probe.rows("SELECT * FROM usage_buckets").await;
    assert_eq!(store.remove_rows(at(8)).await.expect("removed"), 7);
    assert_eq!(probe.rows("SELECT * FROM usage_buckets").await, usage);
    assert_eq!(probe.count("exchanges").await, 7);
    let before = probe.rows("SELECT * FROM conversations").await;
    assert!(before.iter().any(|row| row.contains("request_count=3 ")), "{before:?}");
    store.rebuild().await.expect("counted");
    assert_eq!(probe.rows("SELECT * FROM conversations").await, before);
    store.remove_rows(at(99)).await.expect("removed");
    assert_eq!(probe.count("conversations").await, 0);
    assert_eq!(probe.count("conversation_values").await, 0);
}

async fn usage_goes_by_its_own_age(store: TestStore) {
    let probe = opened(&store).await;
    store_turns(&store, &probe, 1, 1..=10).await;
    let mut early = response(50, b"x");
    early.at = "2026-09-30T23:59:59Z".parse().expect("a time");
    store.write_exchanges(&[early]).await.expect("stored");
    assert_eq!(store.remove_usage(at(6)).await.expect("removed"), 6);
    assert_eq!(probe.count("usage").await, 5);
    for table in ["usage_buckets", "account_buckets"] {
        let quarters = format!(
            "SELECT CAST(sum(requests) AS BIGINT) AS n FROM {table} WHERE width_minutes = 15"
        );
        let left = probe.rows(&quarters).await;
        assert_eq!(left, ["n=6"], "the fifth shares its quarter with the sixth");
    }
    assert_eq!(probe.count("exchanges").await, 11);
}

async fn an_erased_conversation_leaves_nothing(store: TestStore) {
    let probe = opened(&store).await;
    store_turns(&store, &probe, 21, 21..=24).await;
    let mut expected = Vec::new();
    for table in TABLES {
        expected.push(probe.rows(table).await);
    }
    let kept = content(&probe, &store).await;
    store_turns(&store, &probe, 1, 1..=10).await;
    assert_eq!(store.erase_conversation(id(1)).await.expect("erased"), 10);
    let mut found = Vec::new();
    for table in TABLES {
        found.push(probe.rows(table).await);
    }
    same(&found, &expected);
    assert_eq!(content(&probe, &store).await, kept);
    assert_eq!(store.erase_conversation(id(1)).await.expect("erased"), 0);
}

const LINKS: [&str; 5] = ["links", "link_facts", "link_prefixes", "link_waits", "link_outbox"];

/// Turns `numbers`, stored and linked as the roles do it.
async fn link_turns(store: &TestStore, numbers: std::ops::RangeInclusive<u32>) {
    let ids: Vec<_> = numbers.clone().map(id).collect();
    for number in numbers {
        let body = history(number);
        let context = RequestContext {
            id: id(number),
            at: at(number),
            domain: "team.example",
            names_session: false,
        };
        let parsed = Request::parse(&body).expect("a request");
        let facts = RequestFacts::read(&context, &Identity::default(), &parsed);
        store.link(&[Fact::Request(id(number), Box::new(facts))]).await.expect("linked");
        store.write_exchanges(&[request(number, &body)]).await.expect("stored");
    }
    store.apply_links(&ids).await.expect("copied");
}

async fn links_stay_until_their_conversation_has_ended(store: TestStore) {
    let probe = Probe::open(&store.url).await;
    link_turns(&store, 1..=4).await;
    store.remove_rows(at(3)).await.expect("removed");
    assert_eq!(probe.count("links").await, 4, "the rest hangs on its beginning");
    store.remove_rows(at(99)).await.expect("removed");
    for table in LINKS {
        assert_eq!(probe.count(table).await, 0, "{table}");
    }
}

async fn erasing_takes_the_prefixes_that_nobody_shares(store: TestStore) {
    let probe = Probe::open(&store.url).await;
    link_turns(&store, 1..=4).await;
    assert_eq!(probe.count("link_prefixes").await, 4);
    assert_eq!(store.erase_conversation(id(1)).await.expect("erased"), 4);
    for table in LINKS {
        assert_eq!(probe.count(table).await, 0, "{table}");
    }
}

const NAMES_ON_SQLITE: &str = "SELECT name FROM sqlite_schema WHERE type = 'table'";
const NAMES_ON_POSTGRES: &str =
    "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema()";

/// Of the store itself; of the account, whose windows know no conversation; and names that tell nothing.
const NOBODYS: [&str; 5] =
    ["_sqlx_migrations", "store_facts", "id_blocks", "account_windows", "erased_exchanges"];

/// Rows of each table that is somebody's. The search index keeps its own books in `search_words_*`.
async fn rows_by_table(store: &TestStore, probe: &Probe) -> Vec<(String, i64)> {
    let names = if store.engine() == "sqlite" { NAMES_ON_SQLITE } else { NAMES_ON_POSTGRES };
    let mut counts = Vec::new();
    for row in probe.rows(names).await {
        let name = row.trim_start_matches("name=").to_owned();
        let own = name.starts_with("search_words_") || name.starts_with("sqlite_");
        if !own && !NOBODYS.contains(&name.as_str()) {
            let count = probe.count(&name).await;
            counts.push((name, count));
        }
    }
    counts
}

/// Also in those that come with a later migration.
async fn an_erased_conversation_is_in_no_table(store: TestStore) {
    let probe = Probe::open(&store.url).await;
    link_turns(&store, 1..=4).await;
    for number in 1..=4 {
        store.write_exchanges(&[response(number, b"said")]).await.expect("stored");
    }
    let filled = rows_by_table(&store, &probe).await;
    let filled = filled.iter().filter(|(_, count)| *count > 0).count();
    assert!(filled > 10, "{filled} tables have something");
    assert_eq!(store.erase_conversation(id(1)).await.expect("erased"), 4);
    let left = rows_by_table(&store, &probe).await;
    assert!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
}

/// A gateway that was killed ships its journal's last segment again.
async fn what_was_erased_stays_erased_until_it_is_taken_back(store: TestStore) {
    let probe = Probe::open(&store.url).await;
    link_turns(&store, 1..=4).await;
    assert_eq!(store.erase_conversation(id(1)).await.expect("erased"), 4);
    link_turns(&store, 1..=4).await;
    for number in 1..=4 {
        let rows = store.write_exchanges(&[response(number, b"said")]).await.expect("taken");
        assert!(rows.is_empty(), "{rows:?}");
    }
    let left = rows_by_table(&store, &probe).await;
    assert!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
    let beside = [request(1, &history(1)), request(9, &history(1)), response(9, b"said")];
    let rows = store.write_exchanges(&beside).await.expect("stored");
    assert_eq!(rows.iter().map(ExchangeRow::id).collect::<Vec<_>>(), [id(9)]);

    store.take_back(&[id(1), id(2), id(77)]).await.expect("taken back");
    link_turns(&store, 1..=4).await;
    for (number, is_stored) in [(1, true), (2, true), (3, false), (4, false)] {
        let found = store.find_exchange(id(number)).await.expect("read");
        assert_eq!(found.is_some(), is_stored, "{number}");
        let link = store.find_link(id(number)).await.expect("read");
        assert_eq!(link.is_some(), is_stored, "{number}");
    }
    assert_eq!(probe.count("erased_exchanges").await, 2);
}

/// The answers come while the conversation goes.
async fn who_stores_it_meanwhile_does_not_bring_it_back(store: TestStore) {
    let probe = opened(&store).await;
    for root in (1..=10).map(|round| 10 * round) {
        let numbers = root..root + 4;
        for number in numbers.clone() {
            let place = Place { conversation: id(root).0, branch: "main".to_owned(), kind: "turn" };
            probe.place(id(number).0, &place).await;
            let asked = request(number, &history(number - root + 1));
            store.write_exchanges(&[asked]).await.expect("stored");
        }
        let answers: Vec<_> = numbers.clone().map(|number| response(number, b"said")).collect();
        let ((), stored) =
            tokio::join!(erase_at_last(&store, root), store.write_exchanges(&answers));
        stored.expect("taken");
        for number in numbers {
            let found = store.find_exchange(id(number)).await.expect("read");
            assert!(found.is_none(), "{found:?}");
        }
    }
    assert_eq!(probe.count("conversations").await, 0);
    let left = content(&probe, &store).await;
    assert!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
}

/// An engine that lets one of two transactions go first may break off the other.
async fn erase_at_last(store: &TestStore, root: u32) {
    for _ in 0..20 {
        match store.erase_conversation(id(root)).await {
            Ok(_) => return,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
    panic!("conversation {root} cannot be erased");
}

store_tests!(
    an_erased_conversation_is_in_no_table,
    what_was_erased_stays_erased_until_it_is_taken_back,
    who_stores_it_meanwhile_does_not_bring_it_back,
    links_stay_until_their_conversation_has_ended,
    erasing_takes_the_prefixes_that_nobody_shares,
    shared_content_goes_with_its_last_user,
    sums_of_conversations_follow_and_usage_stays,
    usage_goes_by_its_own_age,
    an_erased_conversation_leaves_nothing,
);
