//! Each way in which Gemini answers ends in its state, with its number of calls.

use std::time::Duration;

use nexus_scripted::{
    Answer, Request, Service,
    http::{HeadFault, Step},
};
use nexus_store::analyses::{Analysis, AuditAction, JobStatus};

use crate::rig::{self, Rig};

/// What became of a job: its status, its error, whether there is data; and the calls it took.
async fn case(text: &str) -> (Analysis, u64) {
    let rig = Rig::new().await;
    let job = rig.run_one(text).await;
    let attempts = rig.store.list_attempts(job.job_id).await.expect("listed");
    assert_eq!(attempts.len() as u64, rig.calls(), "every attempt is one call");
    (job, rig.calls())
}

async fn completes(text: &str, with_data: bool, calls: u64) -> Analysis {
    let (job, made) = case(text).await;
    assert_eq!((job.status, job.data.is_some(), made), (JobStatus::Completed, with_data, calls));
    assert_eq!(job.error, None);
    job
}

async fn fails(text: &str, kind: &str, calls: u64) -> Analysis {
    let (job, made) = case(text).await;
    assert_eq!(
        (job.status, job.error_kind.as_deref(), made),
        (JobStatus::Failed, Some(kind), calls)
    );
    assert!(job.error.as_deref().is_some_and(|error| !error.is_empty()));
    job
}

#[tokio::test]
async fn an_answer_of_the_schema_is_stored_with_what_it_cost() {
    let job = completes("look at the notes", true, 1).await;
    assert!(job.content.is_some_and(|content| content.starts_with("## Summary")));
    assert_eq!(job.model.as_deref(), Some("gemini-2.0-flash-exp"));
    assert!(job.prompt_tokens.is_some() && job.completion_tokens.is_some());
    assert!(
        job.estimated_tokens.is_some() && job.duration_ms.is_some() && job.cost_nanos.is_some()
    );
    assert!(job.versions.is_some_and(|versions| versions.contains("prompt 1")));
    assert!(job.through_id.is_some());
}

#[tokio::test]
async fn several_parts_and_thinking_are_one_answer() {
    completes("[[gemini parts]]", true, 1).await;
}

#[tokio::test]
async fn malformed_json_is_kept_as_text() {
    let job = completes("[[gemini malformed]]", false, 1).await;
    assert!(job.content.is_some_and(|content| content.contains("https://example.com")));
}

#[tokio::test]
async fn an_answer_cut_at_the_limit_is_kept_as_text_and_says_so() {
    let job = completes("[[gemini truncated finish=MAX_TOKENS]]", false, 1).await;
    assert!(job.content.is_some_and(|content| content.contains("the answer is cut here")));
}

#[tokio::test]
async fn a_limit_reached_before_the_answer_is_tried_again() {
    fails("[[gemini empty finish=MAX_TOKENS]]", "max_tokens", 3).await;
}

#[tokio::test]
async fn an_empty_answer_is_tried_again() {
    fails("[[gemini empty]]", "empty", 3).await;
}

#[tokio::test]
async fn a_safety_block_is_not_tried_again() {
    fails("[[gemini finish=SAFETY]]", "safety", 1).await;
    fails("[[gemini blocked]]", "safety", 1).await;
}

#[tokio::test]
async fn a_refused_request_is_not_tried_again() {
    fails("[[gemini status=400]]", "refused", 1).await;
}

#[tokio::test]
async fn failures_of_the_server_are_tried_again() {
    completes("[[gemini status=500 times=1]]", true, 2).await;
    completes("[[gemini status=503 times=2]]", true, 3).await;
    let job = fails("[[gemini status=503]]", "server_error", 3).await;
    assert_eq!(job.attempts, 3);
    fails("[[gemini status=429]]", "rate_limited", 3).await;
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let job = completes("[[gemini status=429 retry_after=1 times=1]]", true, 2).await;
    let waited = job.finished_at.expect("ended").duration_since(job.started_at.expect("begun"));
    assert!(waited.as_millis() >= 1_000, "{waited}");
}

#[tokio::test]
async fn a_slow_answer_times_out_and_is_tried_again() {
    let rig = Rig::new().await;
    let branch = rig.ask("slow", "[[gemini wait=5000]]").await;
    let mut config = rig.config("w");
    config.gemini.request_timeout = Duration::from_millis(50);
    config.max_attempts = 2;
    let running = rig.start(config);
    let job = rig.ended(&branch).await;
    running.stop().await;
    assert_eq!((job.error_kind.as_deref(), rig.calls()), (Some("timeout"), 2));
}

#[tokio::test]
async fn a_bad_key_is_not_tried_again_and_people_are_told() {
    let rig = Rig::new().await;
    let branch = rig.ask("key", "hello").await;
    let mut config = rig.config("w");
    config.gemini.api_key = "invalid".to_owned().into();
    let running = rig.start(config);
    let job = rig.ended(&branch).await;
    running.stop().await;
    assert_eq!((job.error_kind.as_deref(), rig.calls()), (Some("bad_key"), 1));
    let notices = rig.notices.0.lock().expect("not poisoned").clone();
    assert!(
        matches!(&notices[..], [notice] if notice.starts_with("team.example: Gemini answered 400"))
    );
    let audit = rig.store.list_audit(Some(&branch), 10).await.expect("listed");
    assert_eq!(audit.len(), 1);
    assert_eq!((audit[0].action, audit[0].actor.as_str()), (AuditAction::Failed, "test"));
    assert!(
        audit[0].detail.as_deref().is_some_and(|detail| detail.starts_with("w: Gemini answered"))
    );
}

/// Breaks the connection, early or late.
struct Breaking(bool);

impl Service for Breaking {
    fn answer(&self, _request: &Request) -> Answer {
        let mut answer = Answer::new(200);
        if self.0 {
            answer.head_fault = HeadFault::Reset;
            return answer;
        }
        answer.stream(vec![Step::Send("{\"candidates\":".into()), Step::Cut])
    }
}

#[tokio::test]
async fn a_broken_connection_is_tried_again() {
    for early in [true, false] {
        let rig = Rig::with(Breaking(early)).await;
        let job = rig.run_one("hello").await;
        assert_eq!(
            (job.status, job.error_kind.as_deref()),
            (JobStatus::Failed, Some("connection"))
        );
        assert_eq!((job.attempts, rig.calls()), (3, 3));
    }
}

/// Stands in Gemini's place and speaks of something else.
struct Portal;

impl Service for Portal {
    fn answer(&self, _request: &Request) -> Answer {
        Answer::json(200, &serde_json::json!("Please log in to this network"))
    }
}

#[tokio::test]
async fn an_answer_that_is_none_of_geminis_is_tried_again() {
    let rig = Rig::with(Portal).await;
    let job = rig.run_one("hello").await;
    assert_eq!((job.status, job.error_kind.as_deref()), (JobStatus::Failed, Some("malformed")));
    assert_eq!((job.attempts, rig.calls()), (3, 3));
}

#[tokio::test]
async fn a_result_is_in_the_audit_log_under_who_asked() {
    let rig = Rig::new().await;
    let job = rig.run_one("hello").await;
    let audit = rig.store.list_audit(Some(&job.branch), 10).await.expect("listed");
    assert_eq!(audit.len(), 1, "{audit:?}");
    assert_eq!((audit[0].action, audit[0].actor.as_str()), (AuditAction::Succeeded, "test"));
    let detail = Some("w: gemini-2.0-flash-exp with data: true");
    assert_eq!(audit[0].detail.as_deref(), detail);
}

#[tokio::test]
async fn a_branch_that_is_not_there_fails_without_a_call() {
    let rig = Rig::new().await;
    let branch = rig::branch("nowhere");
    rig.store.request_analysis(&rig::new(&branch)).await.expect("made");
    let running = rig.start(rig.config("w"));
    let job = rig.ended(&branch).await;
    running.stop().await;
    assert_eq!((job.error_kind.as_deref(), rig.calls()), (Some("not_found"), 0));
}

#[tokio::test]
async fn the_request_is_what_gemini_documents() {
    let rig = Rig::new().await;
    rig.run_one("hello").await;
    let request = rig.gemini.seen().entries().remove(0).request;
    assert_eq!(request.path(), "/v1beta/models/gemini-2.0-flash-exp:generateContent");
    assert_eq!(request.header("x-goog-api-key"), Some("key"));
    let body = request.json();
    assert_eq!(body["generationConfig"]["responseMimeType"], "application/json");
    assert_eq!(body["generationConfig"]["temperature"], 0.1);
    assert_eq!(body["generationConfig"]["responseSchema"]["required"][0], "analysis");
    assert!(body["systemInstruction"]["parts"][0]["text"].is_string());
    assert_eq!(body["contents"][0]["role"], "user");
    assert!(body.get("tools").is_none());
}
