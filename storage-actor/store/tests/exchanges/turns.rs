//! Transactions that meet, as only PostgreSQL lets them: writers with each other, and with a migration.

use std::time::Duration;

use nexus_store::{
    StoreConfig,
    exchanges::ExchangePart,
    open,
    testing::{TestStore, postgres, statements_of},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::{
    convergence::WITHOUT_ACCOUNTS_ON_POSTGRES,
    probe::Probe,
    sample::{at, history, id, request, response},
};

/// How long a writer waits at most.
const BRIEFLY: Duration = Duration::from_millis(200);
const WAITING: &str = "SELECT count(*) AS n FROM pg_stat_activity \
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Takes back the migration of several tables that writers lock together.
const WITHOUT_NARROW_READS: [&str; 3] = [
    "DROP INDEX exchanges_failed_with_tools",
    "DROP INDEX usage_by_domain",
    "DELETE FROM _sqlx_migrations WHERE version = 37",
];

/// An exchange that began when the exchange `time` does. The content is always the same: nobody waits
/// for another's.
fn whole(number: u32, time: u32) -> Vec<ExchangePart> {
    let halves = [request(number, &history(2)), response(number, b"an answer")];
    halves.map(|half| ExchangePart { at: at(time), ..half }).into()
}

/// A transaction that has run `statement` and goes on.
async fn holding(store: &TestStore, statement: &str) -> PgConnection {
    let mut connection = PgConnection::connect(&store.url).await.expect("it opens");
    run(&mut connection, "BEGIN").await;
    run(&mut connection, statement).await;
    connection
}

async fn run(connection: &mut PgConnection, statement: &str) {
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.expect("it runs");
}

async fn until_waiting(probe: &Probe, count: u32) {
    let wait = async {
        while probe.rows(WAITING).await != [format!("n={count}")] {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("they wait");
}

/// How often the exchange's sums were written: once more for each lost race.
async fn tries(store: &TestStore, parts: Vec<ExchangePart>) -> usize {
    let (stored, statements) = statements_of(store.write_exchanges(&parts)).await;
    assert_eq!(stored.expect("stored").len(), 1);
    statements.iter().filter(|text| text.starts_with("INSERT INTO usage_buckets ")).count()
}

/// The quarter is new to one model and known to the other; the hour is known to both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_stretch_and_a_known_one_do_not_block_each_other() {
    let Some(store) = postgres().await else { return };
    let probe = Probe::open(&store.url).await;
    store.write_exchanges(&[whole(1, 1), whole(5, 5)].concat()).await.expect("stored");
    let hours = "SELECT 1 FROM account_buckets WHERE width_minutes = 60 FOR UPDATE";
    let mut holder = holding(&store, hours).await;
    let new = tries(&store, whole(2, 2));
    let known = async {
        until_waiting(&probe, 1).await;
        tries(&store, whole(7, 1)).await
    };
    let release = async {
        until_waiting(&probe, 2).await;
        run(&mut holder, "COMMIT").await;
    };
    let (new, known, ()) = tokio::join!(new, known, release);
    assert_eq!((new, known), (1, 1));
    let sums = "SELECT width_minutes, CAST(sum(requests) AS BIGINT) AS n \
        FROM account_buckets GROUP BY width_minutes";
    let all = [1_440, 15, 60].map(|width| format!("n=4 width_minutes={width}"));
    assert_eq!(probe.rows(sums).await, all);
    assert!(store.find_exchange(id(7)).await.expect("read").is_some());
}

/// The migration also waits longer than a writer may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_counted_while_the_sums_are_made_is_in_them() {
    let Some(store) = postgres().await else { return };
    let probe = Probe::open(&store.url).await;
    store.write_exchanges(&whole(1, 1)).await.expect("stored");
    for statement in WITHOUT_ACCOUNTS_ON_POSTGRES {
        probe.run(statement).await;
    }
    let mut writer = holding(&store, "UPDATE usage_buckets SET requests = requests + 10").await;
    let config = StoreConfig { write_timeout: BRIEFLY, ..StoreConfig::new(&store.url) };
    let write = async {
        until_waiting(&probe, 1).await;
        tokio::time::sleep(3 * BRIEFLY).await;
        run(&mut writer, "COMMIT").await;
    };
    let (migrated, ()) = tokio::join!(open(&config), write);
    migrated.expect("it is migrated").close().await;
    let hours = "SELECT requests AS n FROM account_buckets WHERE width_minutes = 60";
    assert_eq!(probe.rows(hours).await, ["n=11"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_locks_in_the_order_of_a_writer() {
    let Some(store) = postgres().await else { return };
    let probe = Probe::open(&store.url).await;
    for statement in WITHOUT_NARROW_READS {
        probe.run(statement).await;
    }
    let mut writer = holding(&store, "UPDATE exchanges SET at = at").await;
    let config = StoreConfig::new(&store.url);
    let write = async {
        until_waiting(&probe, 1).await;
        run(&mut writer, "SELECT agent_id FROM link_states").await;
        run(&mut writer, "UPDATE usage SET errors = errors").await;
        run(&mut writer, "COMMIT").await;
    };
    let (migrated, ()) = tokio::join!(open(&config), write);
    migrated.expect("it is migrated").close().await;
}
