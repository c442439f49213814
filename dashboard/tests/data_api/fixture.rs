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
use nexus_dashboard::{
    Dashboard, DashboardConfig, Deps, StoredRecordings,
    mcp::{ClientKeys, GitHubConfig, Mcp, McpConfig},
};
use nexus_linking::Fact;
use nexus_messages::PriceTable;
use nexus_scripted::generate::{Exchange, Plan};
use nexus_storage::{StorageDeps, StorageHandler};
use nexus_store::testing::TestStore;
use serde_json::Value;
use tempfile::TempDir;

pub const KEY: &str = "the-dashboard-key";

/// When traffic ends, where a test doesn't say.
pub const NOW: &str = "2026-11-23T12:00:00Z";

pub struct Fixture {
    pub dashboard: Arc<Dashboard>,
    pub sent: Vec<Exchange>,
    pub now: Timestamp,
    /// What processes tell one another.
    pub live: Arc<LocalLiveBus>,
    _folder: TempDir,
    pub store: TestStore,
}

/// Generates, stores, and opens a dashboard over it.
pub async fn filled(store: TestStore) -> Fixture {
    filled_until(store, NOW).await
}

/// The same with three days of traffic up to `now`.
pub async fn filled_until(store: TestStore, now: &str) -> Fixture {
    configured(store, now, |_| {}).await
}

/// The same with other settings.
pub async fn configured(
    store: TestStore,
    now: &str,
    change: impl FnOnce(&mut DashboardConfig),
) -> Fixture {
    let now: Timestamp = now.parse().expect("an instant");
    let plan = Plan { seed: 5, conversations: 12, requests: 12, end: now, days: 3 };
    over(store, plan.conversations().flatten().collect(), now, change).await
}

/// Stores what was sent, and opens a dashboard over it.
pub async fn over(
    store: TestStore,
    sent: Vec<Exchange>,
    now: Timestamp,
    change: impl FnOnce(&mut DashboardConfig),
) -> Fixture {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now));
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
    let folder = tempfile::tempdir().expect("a folder");
    let log = EmbeddedConfig::new(folder.path().join("log"));
    let stream = EmbeddedLog::open(log, clock.clone()).await;
    let mcp = prompts(&folder, clock.clone());
    let deps = Deps {
        queries: store.store.clone(),
        analyses: store.store.clone(),
        erasures: store.store.clone(),
        recordings: Arc::new(StoredRecordings::new(store.store.clone())),
        live: live.clone(),
        stream: Arc::new(stream.expect("the log opens")),
        clock,
        random: Arc::new(|bytes: &mut [u8]| bytes.fill(7)),
    };
    let mut config = DashboardConfig::new(vec![7; 32].into());
    config.api_key = Some(KEY.into());
    // Tests change the store behind its back.
    config.cache_ttl = std::time::Duration::ZERO;
    change(&mut config);
    let dashboard = Dashboard::new(config, deps).expect("a dashboard");
    dashboard.show_prompts(mcp);
    Fixture { dashboard, sent, now, live, _folder: folder, store }
}

/// No client has a key.
struct NoKeys;

impl ClientKeys for NoKeys {
    fn any(&self) -> bool {
        false
    }

    fn is_key(&self, _domain: &str, _key: &str) -> bool {
        false
    }
}

/// One prompt, and a repository that nobody asks.
fn prompts(folder: &TempDir, clock: Arc<dyn Clock>) -> Arc<Mcp> {
    let prompts = folder.path().join("prompts");
    std::fs::create_dir(&prompts).expect("a folder");
    std::fs::write(prompts.join("review.yaml"), "description: d\ntemplate: Look at {{file}}\n")
        .expect("a prompt");
    let config = McpConfig { github: Some(GitHubConfig::new("o", "r")), ..McpConfig::new(prompts) };
    Mcp::new(config, Arc::new(NoKeys), clock)
}

/// Links the exchanges and stores them.
async fn write(store: &TestStore, sent: &[Exchange], deps: StorageDeps) {
    let handler = StorageHandler::new(deps);
    for some in sent.chunks(100) {
        let events: Vec<Arc<Event>> = some
            .iter()
            .flat_map(|exchange| exchange.events().expect("bodies compress"))
            .map(Arc::new)
            .collect();
        let facts = events.iter().map(|event| Fact::of_event(event).expect("a sound body"));
        store.link(&facts.flatten().collect::<Vec<_>>()).await.expect("linked");
        for verdict in handler.handle(&events).await {
            assert_eq!(verdict, Verdict::Done);
        }
    }
    // What came later may have moved what came before.
    let ids: Vec<_> = sent.iter().map(|exchange| exchange.id).collect();
    store.apply_links(&ids).await.expect("links are taken over");
}

impl Fixture {
    /// Asks with the key.
    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        self.ask(Method::GET, path, Some(KEY), Vec::new()).await
    }

    /// Sends JSON with the key.
    pub async fn post(&self, path: &str, body: &str) -> (StatusCode, String) {
        self.ask(Method::POST, path, Some(KEY), body.as_bytes().to_vec()).await
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
        let mut request = test::TestRequest::with_uri(path).method(method);
        if !body.is_empty() {
            request = request.insert_header(("content-type", "application/json")).set_payload(body);
        }
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
