//! The embedded log keeps the contract of the event stream.

mod conformance;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use nexus_bus::{EmbeddedConfig, EmbeddedLog, Encoded, EventStream, StreamError};
use nexus_contract::SystemClock;
use tempfile::TempDir;

struct Embedded {
    dir: TempDir,
    log: Option<Arc<EmbeddedLog>>,
}

impl Embedded {
    async fn new() -> Self {
        let mut harness = Self { dir: tempfile::tempdir().expect("a folder"), log: None };
        harness.open().await;
        harness
    }

    fn config(&self) -> EmbeddedConfig {
        EmbeddedConfig { max_bytes: 40 << 20, ..EmbeddedConfig::new(self.dir.path()) }
    }

    async fn open(&mut self) {
        let log = EmbeddedLog::open(self.config(), Arc::new(SystemClock)).await;
        self.log = Some(Arc::new(log.expect("the log opens")));
    }
}

#[async_trait]
impl conformance::Harness for Embedded {
    fn stream(&self) -> Arc<dyn EventStream> {
        self.log.clone().expect("open")
    }

    async fn restart(&mut self) {
        let log = Arc::into_inner(self.log.take().expect("open")).expect("nobody else holds it");
        log.close().await;
        self.open().await;
    }

    async fn publish_raw(&self, message_id: &str, kind: &str, payload: Bytes) {
        let event = Encoded { message_id: message_id.into(), kind: kind.into(), payload };
        self.log.as_ref().expect("open").publish_encoded(vec![event]).await.expect("publishes");
    }
}

conformance!(Embedded::new());

#[tokio::test]
async fn one_process_owns_the_folder() {
    let harness = Embedded::new().await;
    let again = EmbeddedLog::open(harness.config(), Arc::new(SystemClock)).await;
    assert!(matches!(again.err(), Some(StreamError::Refused(reason)) if reason.contains("in use")));
}
