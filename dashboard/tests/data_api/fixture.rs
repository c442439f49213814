//! A dashboard over a store that holds generated traffic.

use std::sync::Arc;

use actix_web::{
    App, Error,
    body::to_bytes,
    dev::{Service, ServiceResponse},
    http::{Method, StatusCode},
    test,
};
use jiff::Timestamp;
use nexus_bus::{EmbeddedConfig, EmbeddedLog, Handler, LocalLiveBus, Verdict};
use nexus_contract::{Clock, Event, ManualClock};
use nexus_dashboard::{Dashboard, DashboardConfig, Deps, StoredRecordings};
use nexus_messages::PriceTable;
use nexus_scripted::generate::{Exchange, Plan};
use nexus_storage::{StorageDeps, StorageHandler};
use nexus_store::testing::TestStore;
use serde_json::Value;
use tempfile::TempDir;

pub const KEY: &str = "the-dashboard-key";

pub struct Fixture {
    pub dashboard: Arc<Dashboard>,
    pub sent: Vec<Exchange>,
    pub now: Timestamp,
    _log: TempDir,
    _store: TestStore,
}

/// Generates, stores, and opens a dashboard over it.
pub async fn filled(store: TestStore) -> Fixture {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().expect("an instant");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now));
    let plan = Plan { seed: 5, conversations: 12, requests: 12, end: now, days: 3 };
    let sent: Vec<_> = plan.conversations().flatten().collect();
    let live = Arc::new(LocalLiveBus::new(64));
    write(
        &store,
        &sent,
        StorageDeps {
            store: store.store.clone(),
            live: live.clone(),
            prices: Arc::new(PriceTable::listed()),
            clock: clock.clone(),
        },
    )
    .await;
    let log = tempfile::tempdir().expect("a folder");
    let stream = EmbeddedLog::open(EmbeddedConfig::new(log.path()), clock.clone()).await;
    let deps = Deps {
        queries: store.store.clone(),
        analyses: store.store.clone(),
        recordings: Arc::new(StoredRecordings::new(store.store.clone())),
        live,
        stream: Arc::new(stream.expect("the log opens")),
        clock,
        random: Arc::new(|bytes: &mut [u8]| bytes.fill(7)),
    };
    let mut config = DashboardConfig::new(vec![7; 32].into());
    config.api_key = Some(KEY.into());
    let dashboard = Dashboard::new(config, deps).expect("a dashboard");
    Fixture { dashboard, sent, now, _log: log, _store: store }
}

async fn write(_store: &TestStore, sent: &[Exchange], deps: StorageDeps) {
    let handler = StorageHandler::new(deps);
    for some in sent.chunks(100) {
        let events: Vec<Arc<Event>> = some
            .iter()
            .flat_map(|exchange| exchange.events().expect("bodies compress"))
            .map(Arc::new)
            .collect();
        for verdict in handler.handle(&events).await {
            assert_eq!(verdict, Verdict::Done);
        }
    }
}

impl Fixture {
    /// Asks with the key.
    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        self.ask(Method::GET, path, Some(KEY), Vec::new()).await
    }

    /// Asks, expects an answer, and reads it as JSON.
    pub async fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    }

    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Vec<u8>,
    ) -> (StatusCode, String) {
        let app = test::init_service(App::new().configure(self.dashboard.api_routes())).await;
        let mut request = test::TestRequest::with_uri(path).method(method).set_payload(body);
        if let Some(key) = key {
            request = request.insert_header(("x-dashboard-key", key));
        }
        let answer = answered(&app, request.to_request()).await;
        let status = answer.status();
        let body = to_bytes(answer.into_body()).await.unwrap_or_default();
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}

async fn answered<S, B>(app: &S, request: actix_http::Request) -> ServiceResponse<B>
where
    S: Service<actix_http::Request, Response = ServiceResponse<B>, Error = Error>,
{
    match test::try_call_service(app, request).await {
        Ok(answer) => answer,
        Err(error) => panic!("the service failed: {error}"),
    }
}
