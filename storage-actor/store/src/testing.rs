//! Fresh stores for tests, on both engines.
//!
//! A case is written once, as `async fn case(store: TestStore)`, and [`store_tests!`] makes one test
//! of it per engine. Where PostgreSQL is not installed, its tests say so and pass.

mod cluster;
mod installed;
mod pool;
mod statements;

use std::{ops::Deref, sync::Arc};

use tempfile::TempDir;

pub use self::{
    cluster::Database, installed::postgres_programs, pool::Pool, statements::statements_of,
};
use crate::{Store, StoreConfig, open};

/// An open store of its own, removed when dropped.
pub struct TestStore {
    pub store: Arc<dyn Store>,
    /// To open it again with, or to look into it.
    pub url: String,
    _place: Place,
}

/// What goes with the store.
enum Place {
    Folder(#[expect(dead_code, reason = "removed on drop")] TempDir),
    Database(#[expect(dead_code, reason = "dropped on drop")] Database),
}

impl Deref for TestStore {
    type Target = Arc<dyn Store>;

    fn deref(&self) -> &Self::Target {
        &self.store
    }
}

/// A fresh SQLite store.
///
/// # Panics
/// When it does not open.
pub async fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}", folder.path().join("nexus.db").display());
    TestStore { store: opened(&url).await, url, _place: Place::Folder(folder) }
}

/// A fresh PostgreSQL store, or `None` where PostgreSQL is not installed.
///
/// # Panics
/// When it does not open.
pub async fn postgres() -> Option<TestStore> {
    let database = tokio::task::spawn_blocking(Database::create).await.expect("no panic")?;
    let url = database.url().to_owned();
    Some(TestStore { store: opened(&url).await, url, _place: Place::Database(database) })
}

async fn opened(url: &str) -> Arc<dyn Store> {
    let config = StoreConfig { max_readers: 3, ..StoreConfig::new(url) };
    open(&config).await.expect("a fresh store opens")
}

/// Makes a test per engine of each `async fn case(store: TestStore)`.
#[macro_export]
macro_rules! store_tests {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case($crate::testing::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if let Some(store) = $crate::testing::postgres().await {
                    super::$case(store).await;
                }
            })+
        }
    };
}
