//! Opening, migrating and refusing, on both engines.

use std::time::Duration;

use nexus_contract::ExchangeId;
use nexus_store::{
    StoreConfig, StoreError, open, store_tests,
    testing::{self, Pool, TestStore},
};

const SOON: Duration = Duration::from_secs(10);

async fn a_store_opens_again_and_answers(store: TestStore) {
    store.ping().await.expect("it answers");
    let again = open(&StoreConfig::new(&store.url)).await.expect("it opens twice");
    again.ping().await.expect("it answers");
    assert_eq!(again.engine(), store.engine());
    again.close().await;
}

async fn many_processes_migrate_at_once(store: TestStore) {
    let config = StoreConfig { max_readers: 1, ..StoreConfig::new(&store.url) };
    let opened = futures::future::join_all((0..4).map(|_| open(&config))).await;
    for one in opened {
        one.expect("each of them opens").close().await;
    }
}

async fn a_reader_opens_what_is_migrated(store: TestStore) {
    let config = StoreConfig { read_only: true, migrate: false, ..StoreConfig::new(&store.url) };
    open(&config).await.expect("the schema is up to date").ping().await.expect("it answers");
}

/// As a later version of Nexus would have left it.
const LATER: &str = "INSERT INTO _sqlx_migrations \
    (version, description, success, checksum, execution_time) VALUES (9999, 'later', TRUE, '', 0)";

/// As an earlier version would have.
const EARLIER: &str = "DELETE FROM _sqlx_migrations \
    WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)";

async fn change(url: &str, statement: &'static str) {
    match Pool::open(url).await {
        Pool::Sqlite(pool) => {
            sqlx::query(statement).execute(&pool).await.expect("it writes");
            pool.close().await;
        }
        Pool::Postgres(pool) => {
            sqlx::query(statement).execute(&pool).await.expect("it writes");
            pool.close().await;
        }
    }
}

async fn a_newer_schema_is_refused(store: TestStore) {
    change(&store.url, LATER).await;
    for migrate in [true, false] {
        let config = StoreConfig { migrate, ..StoreConfig::new(&store.url) };
        let error = open(&config).await.err().expect("refused");
        assert!(matches!(error, StoreError::NewerSchema(9999)), "{error}");
        assert!(!error.is_transient());
    }
}

async fn an_older_schema_without_migrating_says_what_to_do(store: TestStore) {
    change(&store.url, EARLIER).await;
    let config = StoreConfig { migrate: false, ..StoreConfig::new(&store.url) };
    let error = open(&config).await.err().expect("refused");
    assert!(error.to_string().contains("run `nexus migrate`"), "{error}");
    assert!(!error.is_transient());
}

/// On SQLite a read waits for nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_takes_too_long_is_broken_off() {
    let Some(fresh) = testing::postgres().await else { return };
    let read_timeout = Duration::from_millis(200);
    let store = open(&StoreConfig { read_timeout, ..StoreConfig::new(&fresh.url) }).await;
    let store = store.expect("it opens twice");
    let pool = sqlx::PgPool::connect(&fresh.url).await.expect("it opens");
    let mut held = pool.begin().await.expect("it begins");
    let lock = "LOCK TABLE exchanges IN ACCESS EXCLUSIVE MODE";
    sqlx::query(lock).execute(&mut *held).await.expect("it locks");
    let id = ExchangeId::from_external("none");
    let read = tokio::time::timeout(SOON, store.find_request(id)).await;
    let error = read.expect("it does not wait for the lock").expect_err("broken off");
    assert!(error.is_transient() && error.to_string().contains("timeout"), "{error}");
    held.rollback().await.expect("it ends");
    assert!(store.find_request(id).await.expect("it reads again").is_none());
    store.close().await;
}

#[tokio::test]
async fn an_empty_file_without_migrating_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("empty.db").display());
    let config = StoreConfig { migrate: false, ..StoreConfig::new(url) };
    let error = open(&config).await.err().expect("refused");
    assert!(error.to_string().contains("nexus migrate"), "{error}");
}

store_tests!(
    a_store_opens_again_and_answers,
    many_processes_migrate_at_once,
    a_reader_opens_what_is_migrated,
    a_newer_schema_is_refused,
    an_older_schema_without_migrating_says_what_to_do,
);
