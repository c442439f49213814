use std::sync::Arc;

use actix_web::{App, http::StatusCode, test};
use nexus_bus::{EmbeddedConfig, EmbeddedLog, EventStream, LocalLiveBus};
use nexus_contract::{ExchangeId, SystemClock};
use nexus_store::{analyses::LeaseRequest, testing::TestStore};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{DashboardConfig, Deps, StoredRecordings};

const KEY: &str = "dashboard-key";
const RETRIEVALS: u32 = 5;

struct Rig {
    dashboard: Arc<Dashboard>,
    stream: Arc<EmbeddedLog>,
    store: TestStore,
    _folder: tempfile::TempDir,
}

impl Rig {
    async fn new(key: Option<&str>) -> Self {
        let store = nexus_store::testing::sqlite().await;
        let folder = tempfile::tempdir().expect("a folder");
        let stream = EmbeddedLog::open(EmbeddedConfig::new(folder.path()), Arc::new(SystemClock));
        let stream = Arc::new(stream.await.expect("a log"));
        let mut config = DashboardConfig::new(vec![7; 32].into());
        config.api_key = key.map(|key| key.to_owned().into());
        config.analysis_creations = 3;
        config.analysis_retrievals = RETRIEVALS;
        let deps = Deps {
            queries: Arc::clone(&store.store) as _,
            analyses: Arc::clone(&store.store) as _,
            erasures: Arc::clone(&store.store) as _,
            recordings: Arc::new(StoredRecordings::new(store.store.clone())),
            live: Arc::new(LocalLiveBus::new(64)),
            stream: Arc::clone(&stream) as _,
            clock: Arc::new(SystemClock),
            random: Arc::new(|bytes| bytes.fill(7)),
        };
        let dashboard = Dashboard::new(config, deps).expect("a dashboard");
        Self { dashboard, stream, store, _folder: folder }
    }

    async fn call(&self, request: test::TestRequest) -> (StatusCode, Value) {
        self.call_from("127.0.0.1:9", request).await
    }

    async fn call_from(&self, peer: &str, request: test::TestRequest) -> (StatusCode, Value) {
        let app = test::init_service(App::new().configure(self.dashboard.api_routes())).await;
        let peer = peer.parse().expect("an address");
        let request = request.peer_addr(peer).insert_header(("host", "localhost")).to_request();
        let answer = test::call_service(&app, request).await;
        let status = answer.status();
        (status, test::read_body_json(answer).await)
    }
}

fn branch() -> Branch {
    Branch { conversation_id: ExchangeId::from_external("a"), branch_id: "main".into() }
}

fn place(end: &str) -> String {
    format!("/api/analyses/{}/main{end}", branch().conversation_id)
}

#[actix_web::test]
async fn each_visitor_has_a_minute_of_his_own() {
    let limit = MinuteLimit::new(2);
    let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).expect("in range");
    assert!(limit.take("a", at(0)).is_ok() && limit.take("a", at(10)).is_ok());
    assert_eq!(limit.take("a", at(20)), Err(Duration::from_secs(40)));
    assert!(limit.take("b", at(20)).is_ok());
    assert!(limit.take("a", at(60)).is_ok());
}

#[actix_web::test]
async fn asking_wakes_workers_and_is_limited_and_written_down() {
    let rig = Rig::new(Some(KEY)).await;
    let mut live = rig.dashboard.deps.live.subscribe();
    let ask = |prompt, again| super::ask(&rig.dashboard, "somebody", branch(), prompt, again);
    assert!(ask(None, true).await.expect("answered").is_none(), "there is none to run again");
    assert!(matches!(ask(None, false).await, Ok(Some(Requested::Created(_)))));
    assert!(matches!(ask(Some(" tests "), true).await,
        Ok(Some(Requested::Requeued(job))) if job.custom_prompt.as_deref() == Some("tests")));
    assert!(matches!(ask(None, false).await, Err(PageError::TooMany(_))));

    let told = live.recv().await.expect("told");
    assert_eq!(told.read::<serde_json::Value>().expect("JSON")["status"], "pending");
    assert_eq!(rig.stream.status().await.expect("a status").events, 2);
    let audit = rig.store.list_audit(None, 9).await.expect("listed");
    let actions = audit.iter().rev().map(|entry| entry.action).collect::<Vec<_>>();
    assert_eq!(
        actions,
        [
            AuditAction::Refused,
            AuditAction::Requested,
            AuditAction::Regenerated,
            AuditAction::Refused
        ]
    );
    let long = "x".repeat(MAX_PROMPT + 1);
    let long = super::ask(&rig.dashboard, "other", branch(), Some(&long), false).await;
    assert!(matches!(long, Err(PageError::BadRequest(_))));
    let audit = rig.store.list_audit(None, 1).await.expect("listed");
    assert_eq!((audit[0].action, audit[0].actor.as_str()), (AuditAction::Refused, "other"));
}

/// A command that queues a job again beside a running instance has no other way to its worker.
#[actix_web::test]
async fn asking_for_a_job_that_waits_wakes_the_workers_anew() {
    let rig = Rig::new(Some(KEY)).await;
    let ask = || super::ask(&rig.dashboard, "somebody", branch(), None, false);
    let events = async || rig.stream.status().await.expect("a status").events;
    assert!(matches!(ask().await, Ok(Some(Requested::Created(_)))));
    assert!(matches!(ask().await, Ok(Some(Requested::Existing(_)))));
    assert_eq!(events().await, 2);
    let now = rig.dashboard.deps.clock.now();
    let lease = LeaseRequest {
        worker: "w".into(),
        now,
        until: now + Duration::from_mins(1),
        max_jobs: 1,
        max_attempts: 1,
    };
    assert_eq!(rig.store.lease_analyses(&lease).await.expect("leased").len(), 1);
    assert!(matches!(ask().await, Ok(Some(Requested::Existing(_)))));
    assert_eq!(events().await, 2, "it is in somebody's hands");
}

#[actix_web::test]
async fn one_too_many_is_told_when_to_come_again() {
    let rig = Rig::new(Some(KEY)).await;
    let now = rig.dashboard.deps.clock.now();
    while rig.dashboard.retrievals.take("key", now).is_ok() {}
    let app = test::init_service(App::new().configure(rig.dashboard.api_routes())).await;
    let peer = "127.0.0.1:9".parse().expect("an address");
    let request = test::TestRequest::get().uri(&place("")).peer_addr(peer);
    let request = request.insert_header(("host", "localhost"));
    let request = request.insert_header(("x-dashboard-key", KEY)).to_request();
    let answer = test::call_service(&app, request).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait = answer.headers().get("retry-after").expect("a time to wait");
    let wait: u64 = wait.to_str().expect("text").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
}

/// The tab showed results without a trace in the audit log, and without a limit.
#[actix_web::test]
async fn a_page_that_follows_a_job_retrieves_its_end_alone() {
    let rig = Rig::new(Some(KEY)).await;
    super::ask(&rig.dashboard, "x", branch(), None, false).await.expect("made");
    for _ in 0..RETRIEVALS * 2 {
        let job = follow(&rig.dashboard, "x", &branch()).await.expect("free").expect("there");
        assert_eq!(job.status, JobStatus::Pending);
    }
    let now = rig.dashboard.deps.clock.now();
    assert_eq!(rig.store.fail_exceeded_analyses(0, now).await.expect("failed").len(), 1);
    for _ in 0..RETRIEVALS {
        follow(&rig.dashboard, "x", &branch()).await.expect("within the limit");
    }
    assert!(matches!(follow(&rig.dashboard, "x", &branch()).await, Err(PageError::TooMany(_))));
    let audit = rig.store.list_audit(None, 99).await.expect("listed");
    let count = |action| audit.iter().filter(|entry| entry.action == action).count();
    let (retrieved, refused) = (count(AuditAction::Retrieved), count(AuditAction::Refused));
    assert_eq!((retrieved, refused), (RETRIEVALS as usize, 1));
}

#[actix_web::test]
async fn the_routes_answer_as_documented() {
    let rig = Rig::new(Some(KEY)).await;
    let with_key = |request: test::TestRequest| request.insert_header(("x-dashboard-key", KEY));
    let get = || test::TestRequest::get().uri(&place(""));
    assert_eq!(rig.call(get()).await.0, StatusCode::UNAUTHORIZED);
    let (status, none) = rig.call(with_key(get())).await;
    assert_eq!((status, &none["error"]["code"]), (StatusCode::NOT_FOUND, &"not_found".into()));

    let wanted = serde_json::json!({"conversationId": "nothing", "branchId": "main"});
    let create = test::TestRequest::post().uri("/api/analyses").set_json(wanted);
    assert_eq!(rig.call(with_key(create)).await.0, StatusCode::NOT_FOUND);
    let audit = rig.store.list_audit(None, 1).await.expect("listed");
    assert_eq!((audit[0].action, audit[0].actor.as_str()), (AuditAction::Refused, "key"));

    super::ask(&rig.dashboard, "x", branch(), None, false).await.expect("made");
    let (status, job) = rig.call(with_key(get())).await;
    assert_eq!((status, &job["status"]), (StatusCode::OK, &"pending".into()));
    assert!(job["timings"]["requestedAt"].is_string() && job["content"].is_null());

    let again = test::TestRequest::post().uri(&place("/regenerate"));
    let again = again.set_json(serde_json::json!({"customPrompt": "Look at tests"}));
    let (status, job) = rig.call(with_key(again)).await;
    assert_eq!((status, &job["customPrompt"]), (StatusCode::OK, &"Look at tests".into()));
    assert_eq!(job["run"], 2);
    let bare = test::TestRequest::post().uri(&place("/regenerate"));
    assert_eq!(rig.call(with_key(bare)).await.0, StatusCode::OK, "the body is optional");
}

#[actix_web::test]
async fn a_read_only_dashboard_starts_no_analysis() {
    let rig = Rig::new(None).await;
    let again = || test::TestRequest::post().uri(&place("/regenerate"));
    assert_eq!(rig.call(again()).await.0, StatusCode::FORBIDDEN);
    let wanted = serde_json::json!({"conversationId": "b", "branchId": "x"});
    let create = test::TestRequest::post().uri("/api/analyses").set_json(wanted);
    assert_eq!(rig.call(create).await.0, StatusCode::FORBIDDEN);
    let other = test::TestRequest::post().uri("/api/mcp/sync");
    assert_eq!(rig.call(other).await.0, StatusCode::FORBIDDEN);

    let audit = rig.store.list_audit(None, 9).await.expect("listed");
    let other = Branch { conversation_id: ExchangeId::from_external("b"), branch_id: "x".into() };
    assert_eq!(
        audit.iter().rev().map(|entry| &entry.branch).collect::<Vec<_>>(),
        [&branch(), &other]
    );
    for entry in &audit {
        assert_eq!((entry.action, entry.actor.as_str()), (AuditAction::Refused, "127.0.0.1"));
    }
    for host in 1..9 {
        let stranger = format!("192.0.2.{host}:9");
        assert_eq!(rig.call_from(&stranger, again()).await.0, StatusCode::FORBIDDEN);
    }
    let audit = rig.store.list_audit(None, 99).await.expect("listed");
    assert_eq!(audit.len(), 3, "the log grows no faster, from however many addresses");
}

/// Whoever sends a head and then nothing held the refusal back.
#[actix_web::test]
async fn a_refusal_waits_for_no_body() {
    let rig = Rig::new(None).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let stop = CancellationToken::new();
    actix_web::rt::spawn(Arc::clone(&rig.dashboard).serve(listener, stop.clone()));
    let mut client = TcpStream::connect(address).await.expect("connected");
    let head = "POST /api/analyses HTTP/1.1\r\nhost: localhost\r\n\
                content-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    client.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = [0; 12];
    let read = client.read_exact(&mut answer);
    tokio::time::timeout(Duration::from_secs(10), read).await.expect("in time").expect("read");
    assert_eq!(&answer, b"HTTP/1.1 403");
    assert!(rig.store.list_audit(None, 9).await.expect("listed").is_empty());
    stop.cancel();
}

/// Posts to the page, with a cookie when there is one.
async fn post(rig: &Rig, page: &str, cookie: Option<&str>) -> StatusCode {
    let app = test::init_service(App::new().configure(rig.dashboard.routes())).await;
    let peer = "127.0.0.1:9".parse().expect("an address");
    let mut request = test::TestRequest::post().uri(page).peer_addr(peer);
    if let Some(cookie) = cookie {
        request = request.insert_header(("cookie", cookie));
    }
    let request = request.insert_header(("host", "localhost")).to_request();
    test::call_service(&app, request).await.status()
}

#[actix_web::test]
async fn a_page_that_may_not_be_changed_writes_down_who_asked() {
    let rig = Rig::new(None).await;
    // The page takes the first branch when none is named.
    for query in ["?branch=main", "", "?branch="] {
        let page = format!("/conversations/{}/analysis{query}", branch().conversation_id);
        assert_eq!(post(&rig, &page, None).await, StatusCode::FORBIDDEN);
    }
    let audit = rig.store.list_audit(Some(&branch()), 9).await.expect("listed");
    assert_eq!(audit.len(), 3, "{audit:?}");
    for entry in &audit {
        let told = (entry.action, entry.detail.as_deref());
        assert_eq!(told, (AuditAction::Refused, Some("changes are not allowed")));
    }
}

#[actix_web::test]
async fn an_old_form_is_refused_as_such_and_spends_nothing() {
    let rig = Rig::new(Some(KEY)).await;
    let (keeper, now) = (&rig.dashboard.keeper, rig.dashboard.deps.clock.now());
    let session = keeper.start(now);
    let cookie = format!("{}={}", crate::security::COOKIE, keeper.seal(&session));
    let page = format!("/conversations/{}/analysis?csrf=00", branch().conversation_id);
    for _ in 0..9 {
        assert_eq!(post(&rig, &page, Some(&cookie)).await, StatusCode::FORBIDDEN);
    }
    let who = format!("session {}", &session.id[..8]);
    let audit = rig.store.list_audit(None, 99).await.expect("listed");
    assert_eq!(audit.len(), 3, "bounded, too");
    for entry in &audit {
        let told = (entry.actor.as_str(), entry.detail.as_deref());
        assert_eq!(told, (who.as_str(), Some("the form was too old")));
    }
    for _ in 0..3 {
        super::ask(&rig.dashboard, &who, branch(), None, false).await.expect("all of his minute");
    }
}
