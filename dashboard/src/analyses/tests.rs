use std::sync::Arc;

use actix_web::{App, http::StatusCode, test};
use nexus_bus::{EmbeddedConfig, EmbeddedLog, EventStream, LocalLiveBus};
use nexus_contract::{ExchangeId, SystemClock};
use nexus_store::testing::TestStore;
use serde_json::Value;

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
        let app = test::init_service(App::new().configure(self.dashboard.api_routes())).await;
        let peer = "127.0.0.1:9".parse().expect("an address");
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

    assert_eq!(live.recv().await.expect("told").data["status"], "pending");
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
    for _ in 0..9 {
        assert_eq!(rig.call(again()).await.0, StatusCode::FORBIDDEN);
    }
    let audit = rig.store.list_audit(None, 99).await.expect("listed");
    assert_eq!(audit.len(), 3, "the log grows no faster than by those who may ask");
}

#[actix_web::test]
async fn a_page_that_may_not_be_changed_writes_down_who_asked() {
    let rig = Rig::new(None).await;
    let page = format!("/conversations/{}/analysis?branch=main", branch().conversation_id);
    let app = App::new().configure(rig.dashboard.routes());
    let app = test::init_service(app).await;
    let peer = "127.0.0.1:9".parse().expect("an address");
    let request = test::TestRequest::post().uri(&page).peer_addr(peer);
    let request = request.insert_header(("host", "localhost")).to_request();
    assert_eq!(test::call_service(&app, request).await.status(), StatusCode::FORBIDDEN);
    let audit = rig.store.list_audit(Some(&branch()), 9).await.expect("listed");
    assert_eq!(audit.len(), 1, "{audit:?}");
    assert_eq!(audit[0].action, AuditAction::Refused);
}
