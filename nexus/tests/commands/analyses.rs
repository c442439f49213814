//! `nexus analyses` on jobs that workers have had in their hands.

use std::{collections::HashSet, sync::Arc};

use jiff::ToSpan;
use nexus_contract::{Clock, ExchangeId, SystemClock};
use nexus_scripted::{Server, Slack};
use nexus_store::{
    Store, StoreConfig,
    analyses::{
        AnalysisFilter, AttemptEnd, AttemptFailure, AuditAction, Branch, JobStatus, LeaseRequest,
        LeasedJob, NewAnalysis,
    },
};
use serde_json::json;

use crate::rig::{Nexus, failure};

/// A directory with a conversation in it, and the store behind the commands.
struct Rig {
    nexus: Nexus,
    store: Arc<dyn Store>,
    conversation: String,
}

impl Rig {
    async fn new() -> Self {
        let nexus = Nexus::new();
        nexus.import();
        let shown = nexus.json("show conversation s06-001");
        let conversation = shown["conversationId"].as_str().expect("an id").to_owned();
        let store = opened(&nexus).await;
        Self { nexus, store, conversation }
    }

    fn branch(&self, branch_id: &str) -> Branch {
        let conversation_id = ExchangeId::from_external(&self.conversation);
        Branch { conversation_id, branch_id: branch_id.to_owned() }
    }

    /// A job in the hands of a worker whose lease ends so many minutes from now.
    async fn leased(&self, branch_id: &str, minutes: i64) -> LeasedJob {
        let now = SystemClock.now();
        let new = NewAnalysis {
            branch: self.branch(branch_id),
            custom_prompt: Some("Look at the tests".into()),
            requested_by: "somebody".into(),
            at: now,
        };
        self.store.request_analysis(&new).await.expect("made");
        let until = now + minutes.minutes();
        let lease =
            LeaseRequest { worker: "worker-1".into(), now, until, max_jobs: 1, max_attempts: 9 };
        self.store.lease_analyses(&lease).await.expect("leased").pop().expect("the job")
    }

    async fn status(&self, branch_id: &str) -> JobStatus {
        let found = self.store.find_analysis(&self.branch(branch_id)).await.expect("read");
        found.expect("a job").status
    }

    /// What `actor` did, oldest first.
    async fn audit(&self, actor: &str) -> Vec<AuditAction> {
        let entries = self.store.list_audit(None, 99).await.expect("listed");
        let of_actor = entries.iter().rev().filter(|entry| entry.actor == actor);
        of_actor.map(|entry| entry.action).collect()
    }
}

/// The store behind the commands.
async fn opened(nexus: &Nexus) -> Arc<dyn Store> {
    let file = nexus.path().join(".nexus/nexus.sqlite");
    let config = StoreConfig::new(format!("sqlite://{}", file.display()));
    nexus_store::open(&config).await.expect("the store opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_job_is_shown_with_its_history_and_queued_again() {
    let rig = Rig::new().await;
    let job = rig.leased("main", 5).await;
    let failed = AttemptFailure {
        kind: "refused".into(),
        message: "Gemini answered 400".into(),
        status: Some(400),
        retry_at: None,
        end: AttemptEnd { at: SystemClock.now(), ..AttemptEnd::default() },
    };
    assert!(rig.store.fail_analysis(&job, &failed).await.expect("written"));

    let listed = rig.nexus.json("analyses list --status failed --json");
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed[0]["conversationId"], rig.conversation.as_str());
    let place = format!("{} main", rig.conversation);
    let shown = rig.nexus.json(&format!("analyses show {place} --json"));
    assert_eq!((&shown["status"], &shown["error"]), (&json!("failed"), &json!(failed.message)));
    let attempt = &shown["attempts"][0];
    assert_eq!((&attempt["worker"], &attempt["outcome"]), (&json!("worker-1"), &json!("failed")));
    // By an exchange in it, as the data API takes it.
    let said = rig.nexus.says("analyses show s06-005 main");
    assert!(said.starts_with("failed") && said.contains("Gemini answered 400"), "{said}");

    let again = rig.nexus.json(&format!("analyses retry {place} --json"));
    assert_eq!(again["status"], "pending");
    let found = rig.store.find_analysis(&job.branch).await.expect("read").expect("the job");
    assert_eq!((found.status, found.run, found.attempts), (JobStatus::Pending, 2, 0));
    assert_eq!(found.custom_prompt.as_deref(), Some("Look at the tests"), "the job's own prompt");
    let (code, error) = failure(&rig.nexus.run(&format!("analyses retry {place}")));
    assert!(code == 1 && error.contains("it is pending"), "{code}: {error}");
    let (code, error) = failure(&rig.nexus.run("analyses retry s06-005 nowhere"));
    assert!(code == 1 && error.contains("no analysis of that branch"), "{code}: {error}");
    let done = [
        AuditAction::Retrieved,
        AuditAction::Retrieved,
        AuditAction::Requested,
        AuditAction::Refused,
        AuditAction::Refused,
    ];
    assert_eq!(rig.audit("nexus analyses").await, done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_jobs_whose_worker_is_gone_are_queued_again() {
    let rig = Rig::new().await;
    rig.leased("at work", 5).await;
    rig.leased("gone", -1).await;
    for count in [1, 0] {
        assert_eq!(rig.nexus.json("analyses reset-stuck --json"), json!({"reset": count}));
        assert_eq!(rig.status("gone").await, JobStatus::Pending);
        assert_eq!(rig.status("at work").await, JobStatus::Processing);
    }
}

/// The stand-in serves on another thread while the command is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_without_an_attempt_left_fails_and_slack_is_told_once() {
    let rig = Rig::new().await;
    rig.leased("main", -1).await;
    let slack = Server::local(Slack::default()).expect("a port");
    let run = |most: &str| {
        let mut command = rig.nexus.command("analyses fail-exceeded --json");
        command.env("SLACK_WEBHOOK_URL", format!("{}/hook", slack.url()));
        let output = command.env("AI_ANALYSIS_MAX_RETRIES", most).output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    assert_eq!(run("2"), json!({"failed": 0}), "it has another attempt");
    assert_eq!(run("1"), json!({"failed": 1}));
    assert_eq!(run("1"), json!({"failed": 0}));

    assert_eq!(rig.status("main").await, JobStatus::Failed);
    assert_eq!(rig.audit("somebody").await, [AuditAction::Failed]);
    let told = slack.seen().entries();
    assert_eq!(told.len(), 1, "{told:?}");
    let notice = told[0].request.json();
    let text = notice["text"].as_str().expect("a text");
    for part in ["team.example", "The worker vanished", &rig.conversation, "by somebody"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

/// Nine of the seed's conversations are long enough for one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generated_store_holds_analyses_of_every_kind() {
    let nexus = Nexus::new();
    nexus.says("demo --seed 3 --conversations 12 --into .nexus");
    let store = opened(&nexus).await;
    let jobs = store.list_analyses(&AnalysisFilter::default(), None, 99).await.expect("listed");
    let branches: HashSet<_> = jobs.iter().map(|job| &job.branch).collect();
    assert_eq!((jobs.len(), branches.len()), (9, 9), "each is of another conversation");
    let of =
        |status: JobStatus| jobs.iter().filter(move |job| job.status == status).collect::<Vec<_>>();

    let mut prose = 0;
    for job in of(JobStatus::Completed) {
        let found = store.find_analysis(&job.branch).await.expect("read").expect("the job");
        let content = found.content.expect("a result");
        match found.data {
            Some(data) => assert!(data["analysis"]["summary"].is_string(), "{data}"),
            None => prose += 1,
        }
        assert!(content.contains("The user asked the agent to "), "{content}");
        assert!(found.cost_nanos > Some(0) && found.prompt_tokens.is_some(), "{:?}", found.model);
        let graph = store.find_graph(job.branch.conversation_id, u32::MAX).await.expect("read");
        let branch = graph.and_then(|graph| graph.branches.into_iter().next()).expect("a branch");
        assert_eq!(found.through_id, Some(branch.latest_request_id), "it knows the whole branch");
    }
    assert_eq!((of(JobStatus::Completed).len(), prose), (7, 1));

    let failed = of(JobStatus::Failed);
    assert_eq!(failed.len(), 1);
    assert!(failed[0].error.as_deref().is_some_and(|error| error.contains("held its answer back")));
    let waiting = of(JobStatus::Pending);
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].due_at > SystemClock.now() + 1.hour(), "no worker takes it while one looks");
}
