//! Whatever the order and however often: the same rows, and sums that a recount confirms.

use nexus_contract::ExchangeId;
use nexus_store::{
    StoreConfig,
    exchanges::ExchangePart,
    open, store_tests,
    testing::{self, TestStore},
};

use crate::{
    probe::{Place, Probe},
    sample::{history, id, request, response},
};

const EXCHANGES: u32 = 24;

/// Everything that must not depend on the order. Row numbers and times of writing are left out.
pub const TABLES: [&str; 9] = [
    "SELECT * FROM exchanges",
    "SELECT * FROM usage",
    "SELECT * FROM conversations",
    "SELECT * FROM conversation_values",
    "SELECT * FROM usage_buckets",
    "SELECT * FROM account_buckets",
    "SELECT * FROM account_windows",
    "SELECT exchange_id, part FROM search_documents",
    "SELECT exchange_id, at, request_bytes, response_bytes FROM payloads",
];

/// Numbers that look random and are not.
struct Shuffle(u64);

impl Shuffle {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % below
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.next(last + 1));
        }
    }
}

/// Where an exchange belongs once all is linked, and where it stood before its parent came.
fn place(number: u32, last: bool) -> Place {
    let root = if last { 1 + number % 3 } else { number };
    let (branch, kind) = match number % 6 {
        0 => ("subtask_1", "subagent"),
        1 => ("main", "root"),
        2 => ("compact_090000", "compact"),
        3 => ("main", "auxiliary"),
        4 => ("branch_090000", "turn"),
        _ => ("main", "turn"),
    };
    Place { conversation: id(root).0, branch: branch.to_owned(), kind }
}

#[derive(Clone)]
enum Step {
    Part(Box<ExchangePart>),
    Link(u32),
}

fn steps() -> Vec<Step> {
    (1..=EXCHANGES)
        .flat_map(|number| {
            let request = request(number, &history(number));
            let response = response(number, format!("answer {number}").as_bytes());
            [Step::Part(Box::new(request)), Step::Part(Box::new(response)), Step::Link(number)]
        })
        .collect()
}

/// Stores all steps in the order of `seed`, some of them twice.
async fn run(store: &TestStore, seed: u64) -> Vec<Vec<String>> {
    let probe = Probe::open(&store.url).await;
    probe.play_linker().await;
    let mut random = Shuffle(seed);
    let mut steps = steps();
    for _ in 0..20 {
        steps.push(steps[random.next(steps.len())].clone());
    }
    random.shuffle(&mut steps);
    for number in 1..=EXCHANGES {
        probe.place(id(number).0, &place(number, false)).await;
    }
    for batch in steps.chunks(5) {
        apply(store, &probe, batch).await;
    }
    // In the end every link was announced in its last state.
    for number in 1..=EXCHANGES {
        probe.place(id(number).0, &place(number, true)).await;
    }
    let all: Vec<ExchangeId> = (1..=EXCHANGES).chain([99]).map(id).collect();
    store.apply_links(&all).await.expect("linked");
    dump(&probe).await
}

async fn apply(store: &TestStore, probe: &Probe, batch: &[Step]) {
    let (mut parts, mut links) = (Vec::new(), Vec::new());
    for step in batch {
        match step {
            Step::Part(part) => parts.push(*part.clone()),
            Step::Link(number) => {
                probe.place(id(*number).0, &place(*number, number % 2 == 0)).await;
                links.push(id(*number));
            }
        }
    }
    store.write_exchanges(&parts).await.expect("stored");
    store.apply_links(&links).await.expect("linked");
}

async fn dump(probe: &Probe) -> Vec<Vec<String>> {
    let mut tables = Vec::new();
    for table in TABLES {
        tables.push(probe.rows(table).await);
    }
    tables
}

pub fn same(found: &[Vec<String>], expected: &[Vec<String>]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
}

async fn order_and_repetition_change_nothing(store: TestStore) {
    let expected = run(&store, 1).await;
    assert_eq!(expected[0].len(), EXCHANGES as usize, "and no row of the one that never came");
    for seed in 2..6 {
        let other = match store.engine() {
            "sqlite" => testing::sqlite().await,
            _ => testing::postgres().await.expect("it is there"),
        };
        let found = run(&other, seed).await;
        same(&found, &expected);
    }
}

async fn a_recount_gives_the_same(store: TestStore) {
    run(&store, 7).await;
    let probe = Probe::open(&store.url).await;
    let before = dump(&probe).await;
    assert!(before[2].len() == 3 && before[4].len() > 10, "{before:?}");
    probe.run("UPDATE usage_buckets SET requests = 1000").await;
    probe.run("UPDATE account_buckets SET requests = 1000").await;
    probe.run("DELETE FROM conversations").await;
    assert_eq!(store.rebuild().await.expect("counted"), u64::from(EXCHANGES));
    same(&dump(&probe).await, &before);
}

async fn sums_are_what_the_rows_say(store: TestStore) {
    run(&store, 3).await;
    let probe = Probe::open(&store.url).await;
    for width in [15, 60, 1_440] {
        let sums = "CAST(sum(input_tokens) AS BIGINT) AS i, CAST(sum(output_tokens) AS BIGINT) AS o, \
            CAST(sum(cost_nanos) AS BIGINT) AS c, CAST(sum(errors) AS BIGINT) AS e";
        let rows = probe.rows(&format!("SELECT count(*) AS n, {sums} FROM usage")).await;
        for table in ["usage_buckets", "account_buckets"] {
            let buckets = format!(
                "SELECT CAST(sum(requests) AS BIGINT) AS n, {sums} FROM {table} WHERE width_minutes = {width}"
            );
            assert_eq!(rows, probe.rows(&buckets).await, "{table}");
        }
    }
    let rows = "SELECT conversation_id AS id, count(*) AS n, CAST(sum(input_tokens) AS BIGINT) AS i, \
        CAST(sum(cost_nanos) AS BIGINT) AS c FROM exchanges WHERE kind <> 'auxiliary' GROUP BY conversation_id";
    let sums = "SELECT conversation_id AS id, request_count AS n, input_tokens AS i, cost_nanos AS c FROM conversations";
    assert_eq!(probe.rows(rows).await, probe.rows(sums).await);
}

/// Takes back what brought the sums by account.
const WITHOUT_ACCOUNTS_ON_SQLITE: [&str; 5] = [
    "DROP TRIGGER usage_buckets_inserted",
    "DROP TRIGGER usage_buckets_updated",
    "DROP TRIGGER usage_buckets_deleted",
    "DROP TABLE account_buckets",
    "DELETE FROM _sqlx_migrations WHERE version = 36",
];
pub const WITHOUT_ACCOUNTS_ON_POSTGRES: [&str; 4] = [
    "DROP FUNCTION account_buckets_add CASCADE",
    "DROP FUNCTION account_buckets_subtract CASCADE",
    "DROP TABLE account_buckets",
    "DELETE FROM _sqlx_migrations WHERE version = 36",
];

async fn an_older_store_gets_its_sums_by_account(store: TestStore) {
    run(&store, 7).await;
    let probe = Probe::open(&store.url).await;
    let accounts = "SELECT * FROM account_buckets";
    let before = probe.rows(accounts).await;
    assert!(before.len() > 3, "{before:?}");
    let without: &[&str] = match store.engine() {
        "sqlite" => &WITHOUT_ACCOUNTS_ON_SQLITE,
        _ => &WITHOUT_ACCOUNTS_ON_POSTGRES,
    };
    for statement in without {
        probe.run(statement).await;
    }
    open(&StoreConfig::new(&store.url)).await.expect("it is migrated").close().await;
    assert_eq!(probe.rows(accounts).await, before);
}

/// Several storage roles on one store, with the halves of the same exchanges in their hands.
async fn writers_side_by_side_count_once(store: TestStore) {
    let probe = Probe::open(&store.url).await;
    probe.play_linker().await;
    for number in 1..=EXCHANGES {
        probe.place(id(number).0, &place(number, true)).await;
    }
    let mut writers = Vec::new();
    for seed in 10..14 {
        let store = open(&StoreConfig { max_readers: 2, ..StoreConfig::new(&store.url) })
            .await
            .expect("opens");
        writers.push(tokio::spawn(async move {
            let mut steps = steps();
            Shuffle(seed).shuffle(&mut steps);
            for step in steps {
                match step {
                    Step::Part(part) => {
                        drop(store.write_exchanges(&[*part]).await.expect("stored"));
                    }
                    Step::Link(number) => {
                        drop(store.apply_links(&[id(number)]).await.expect("linked"));
                    }
                }
            }
            store.close().await;
        }));
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    let before = dump(&probe).await;
    store.rebuild().await.expect("counted");
    same(&dump(&probe).await, &before);
    assert_eq!(before[0].len(), EXCHANGES as usize);
}

store_tests!(
    order_and_repetition_change_nothing,
    a_recount_gives_the_same,
    sums_are_what_the_rows_say,
    an_older_store_gets_its_sums_by_account,
    writers_side_by_side_count_once,
);
