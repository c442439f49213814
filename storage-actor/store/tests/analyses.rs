//! The queue of analyses, on both engines.

use jiff::{Timestamp, ToSpan};
use nexus_contract::ExchangeId;
use nexus_store::{
    analyses::{
        Analysis, AnalysisCursor, AnalysisFilter, AttemptEnd, AttemptFailure, AuditAction,
        AuditEntry, Branch, Completion, JobStatus, LeaseRequest, LeasedJob, NewAnalysis, Requested,
    },
    store_tests,
    testing::TestStore,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("in range")
}

fn branch(name: &str) -> Branch {
    Branch { conversation_id: ExchangeId::from_external(name), branch_id: "main".into() }
}

fn new(name: &str, seconds: i64) -> NewAnalysis {
    NewAnalysis {
        branch: branch(name),
        custom_prompt: None,
        requested_by: "somebody".into(),
        at: at(seconds),
    }
}

/// A lease of a minute.
fn lease(worker: &str, seconds: i64, max_jobs: u32) -> LeaseRequest {
    LeaseRequest {
        worker: worker.into(),
        now: at(seconds),
        until: at(seconds + 60),
        max_jobs,
        max_attempts: 3,
    }
}

async fn lease_one(store: &TestStore, worker: &str, seconds: i64) -> Option<LeasedJob> {
    store.lease_analyses(&lease(worker, seconds, 1)).await.expect("leased").pop()
}

fn end(seconds: i64) -> AttemptEnd {
    AttemptEnd {
        at: at(seconds),
        model: Some("gemini".into()),
        prompt_tokens: Some(100),
        completion_tokens: Some(20),
        cost_nanos: Some(7),
    }
}

fn done(seconds: i64, content: &str) -> Completion {
    Completion {
        content: content.into(),
        data: Some(serde_json::json!({"analysis": {"summary": content}})),
        through_id: Some(ExchangeId::from_external("last")),
        versions: "prompt 1".into(),
        estimated_tokens: 90,
        duration_ms: 1_500,
        end: end(seconds),
    }
}

fn failure(seconds: i64, retry_at: Option<Timestamp>) -> AttemptFailure {
    AttemptFailure {
        kind: "rate_limited".into(),
        message: "Quota exceeded".into(),
        status: Some(429),
        retry_at,
        end: end(seconds),
    }
}

async fn status(store: &TestStore, name: &str) -> JobStatus {
    store.find_analysis(&branch(name)).await.expect("read").expect("there").status
}

async fn a_job_is_made_once_leased_and_completed(store: TestStore) {
    let created = store.request_analysis(&new("a", 0)).await.expect("made");
    assert!(matches!(&created, Requested::Created(job) if job.status == JobStatus::Pending));
    let again = store.request_analysis(&new("a", 1)).await.expect("found");
    assert!(matches!(again, Requested::Existing(_)));

    let job = lease_one(&store, "w1", 2).await.expect("a job");
    assert_eq!((job.attempt, job.run, &job.branch), (1, 1, &branch("a")));
    assert_eq!(lease_one(&store, "w2", 3).await, None, "it is in somebody's hands");
    assert!(store.complete_analysis(&job, &done(4, "fine")).await.expect("written"));

    let found = store.find_analysis(&branch("a")).await.expect("read").expect("there");
    assert_eq!(found.status, JobStatus::Completed);
    assert_eq!(found.content.as_deref(), Some("fine"));
    assert_eq!(found.data, done(4, "fine").data);
    assert_eq!((found.prompt_tokens, found.estimated_tokens), (Some(100), Some(90)));
    assert_eq!(lease_one(&store, "w2", 1_000).await, None, "it is done");
    assert_eq!(store.find_analysis_job(found.job_id).await.expect("read"), Some(found));
}

async fn a_dead_workers_job_is_taken_over_and_its_late_result_changes_nothing(store: TestStore) {
    store.request_analysis(&new("a", 0)).await.expect("made");
    let slow = lease_one(&store, "slow", 0).await.expect("a job");
    assert!(store.extend_analysis(&slow, at(100)).await.expect("extended"));
    assert_eq!(lease_one(&store, "quick", 99).await, None, "a heartbeat keeps the lease");
    let quick = lease_one(&store, "quick", 100).await.expect("taken over");
    assert_eq!(quick.attempt, 2);

    assert!(!store.extend_analysis(&slow, at(200)).await.expect("answered"));
    assert!(!store.complete_analysis(&slow, &done(101, "late")).await.expect("answered"));
    assert!(!store.fail_analysis(&slow, &failure(101, None)).await.expect("answered"));
    assert!(store.complete_analysis(&quick, &done(102, "good")).await.expect("written"));
    assert!(!store.complete_analysis(&slow, &done(103, "later")).await.expect("answered"));

    let found = store.find_analysis(&branch("a")).await.expect("read").expect("there");
    assert_eq!(found.content.as_deref(), Some("good"));
    let attempts = store.list_attempts(found.job_id).await.expect("listed");
    let outcomes = attempts.iter().map(|attempt| attempt.outcome.as_deref()).collect::<Vec<_>>();
    assert_eq!(outcomes, [Some("lost"), Some("completed")]);
    assert_eq!(store.count_tokens_since(at(0)).await.expect("counted"), 240, "both were charged");
    assert_eq!(store.count_tokens_since(at(50)).await.expect("counted"), 120);
}

async fn a_failure_waits_and_the_last_one_fails_the_job(store: TestStore) {
    store.request_analysis(&new("a", 0)).await.expect("made");
    let first = lease_one(&store, "w", 0).await.expect("a job");
    assert!(store.fail_analysis(&first, &failure(1, Some(at(30)))).await.expect("written"));
    assert_eq!(status(&store, "a").await, JobStatus::Pending);
    assert_eq!(lease_one(&store, "w", 29).await, None);
    let second = lease_one(&store, "w", 30).await.expect("due again");
    assert_eq!(second.attempt, 2);
    assert!(store.fail_analysis(&second, &failure(31, None)).await.expect("written"));

    let failed = store.find_analysis(&branch("a")).await.expect("read").expect("there");
    assert_eq!(failed.status, JobStatus::Failed);
    assert_eq!(failed.error.as_deref(), Some("Quota exceeded"));
    let requeued = store.request_analysis(&new("a", 40)).await.expect("queued again");
    let Requested::Requeued(requeued) = requeued else { panic!("it had failed: {requeued:?}") };
    assert_eq!((requeued.run, requeued.attempts, requeued.error), (2, 0, None));
    assert_eq!(lease_one(&store, "w", 41).await.expect("a job").attempt, 1);
    let history = store.list_attempts(failed.job_id).await.expect("listed");
    assert_eq!(history.iter().filter(|attempt| attempt.status == Some(429)).count(), 2);
}

async fn regenerating_cancels_the_run_at_work(store: TestStore) {
    assert!(store.regenerate_analysis(&new("a", 0)).await.expect("answered").is_none());
    store.request_analysis(&new("a", 0)).await.expect("made");
    let old = lease_one(&store, "w", 0).await.expect("a job");
    let custom = NewAnalysis { custom_prompt: Some("Look at tests".into()), ..new("a", 5) };
    let again = store.regenerate_analysis(&custom).await.expect("queued").expect("there");
    assert_eq!((again.status, again.run), (JobStatus::Pending, 2));
    assert!(!store.extend_analysis(&old, at(99)).await.expect("answered"));
    assert!(!store.complete_analysis(&old, &done(6, "old")).await.expect("answered"));

    let fresh = lease_one(&store, "w", 7).await.expect("a job");
    assert_eq!(fresh.custom_prompt.as_deref(), Some("Look at tests"));
    assert!(store.complete_analysis(&fresh, &done(8, "fresh")).await.expect("written"));
    let found = store.find_analysis(&branch("a")).await.expect("read").expect("there");
    assert_eq!(found.content.as_deref(), Some("fresh"));
}

async fn a_job_given_back_is_unspent(store: TestStore) {
    store.request_analysis(&new("a", 0)).await.expect("made");
    let job = lease_one(&store, "w", 0).await.expect("a job");
    assert!(store.release_analysis(&job, at(1), at(2)).await.expect("given back"));
    assert_eq!(lease_one(&store, "w", 1).await, None);
    assert_eq!(lease_one(&store, "w", 2).await.expect("a job").attempt, 1);
}

async fn stuck_and_exceeded_jobs_are_mended(store: TestStore) {
    store.request_analysis(&new("a", 0)).await.expect("made");
    for lost in 0..3 {
        lease_one(&store, "w", lost * 100).await.expect("a job");
    }
    let reset = store.reset_stuck_analyses(at(210)).await.expect("none");
    assert!(reset.is_empty(), "the lease holds");
    assert_eq!(lease_one(&store, "w", 300).await, None, "three attempts were begun");
    let failed = store.fail_exceeded_analyses(3, at(300)).await.expect("failed");
    assert_eq!(failed.iter().map(|job| &job.branch).collect::<Vec<_>>(), [&branch("a")]);
    assert_eq!(failed[0].error_kind.as_deref(), Some("attempts_exceeded"));
    assert!(store.fail_exceeded_analyses(3, at(300)).await.expect("none").is_empty());
    assert_eq!(status(&store, "a").await, JobStatus::Failed);
    let attempts = store.list_attempts(failed[0].job_id).await.expect("listed");
    assert!(attempts.iter().all(|attempt| attempt.outcome.as_deref() == Some("lost")));

    store.request_analysis(&new("b", 0)).await.expect("made");
    let stuck = lease_one(&store, "w", 0).await.expect("a job");
    let reset = store.reset_stuck_analyses(at(60)).await.expect("reset");
    let told = reset.iter().map(|job| (&job.branch, job.status)).collect::<Vec<_>>();
    assert_eq!(told, [(&branch("b"), JobStatus::Pending)]);
    assert!(!store.extend_analysis(&stuck, at(99)).await.expect("answered"));
    assert_eq!(status(&store, "b").await, JobStatus::Pending);
}

/// PostgreSQL refuses U+0000 in a text: an answer that held one was never written, and asked for anew.
async fn every_character_of_an_answer_can_be_kept(store: TestStore) {
    let custom = NewAnalysis { custom_prompt: Some("a\0b".into()), ..new("a", 0) };
    store.request_analysis(&custom).await.expect("made");
    let job = lease_one(&store, "w", 0).await.expect("a job");
    let odd = AttemptFailure { message: "no\0".into(), ..failure(1, Some(at(2))) };
    assert!(store.fail_analysis(&job, &odd).await.expect("written"));
    let job = lease_one(&store, "w", 2).await.expect("due again");
    assert!(store.complete_analysis(&job, &done(3, "a\0b \u{1f600}")).await.expect("written"));
    let found = store.find_analysis(&branch("a")).await.expect("read").expect("there");
    assert_eq!(found.content.as_deref(), Some("a\u{fffd}b \u{1f600}"));
    assert_eq!(found.data, done(3, "a\0b \u{1f600}").data, "JSON escapes it");
}

async fn workers_side_by_side_never_get_the_same_job(store: TestStore) {
    for job in 0..40 {
        store.request_analysis(&new(&job.to_string(), job)).await.expect("made");
    }
    let workers = (0..4).map(|worker| {
        let store = store.store.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let request = lease(&format!("w{worker}"), 50, 3);
                let jobs = store.lease_analyses(&request).await.expect("leased");
                if jobs.is_empty() {
                    return mine;
                }
                mine.extend(jobs.into_iter().map(|job| job.job_id));
            }
        })
    });
    let mut leased = Vec::new();
    for worker in futures::future::join_all(workers).await {
        leased.extend(worker.expect("no panic"));
    }
    leased.sort_unstable();
    leased.dedup();
    assert_eq!(leased.len(), 40);
    assert_eq!(store.list_attempts(leased[0]).await.expect("listed").len(), 1);
}

async fn lists_page_by_key_newest_first(store: TestStore) {
    for job in 0..5 {
        store.request_analysis(&new(&job.to_string(), job)).await.expect("made");
    }
    let failed = lease_one(&store, "w", 10).await.expect("a job");
    store.fail_analysis(&failed, &failure(11, None)).await.expect("failed");
    let all = AnalysisFilter::default();
    let first = store.list_analyses(&all, None, 3).await.expect("listed");
    let cursor = AnalysisCursor::from(first.last().expect("three"));
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    let rest = store.list_analyses(&all, Some(cursor), 3).await.expect("listed");
    let times = first.iter().chain(&rest).map(|job| job.requested_at).collect::<Vec<_>>();
    assert_eq!(times, (0..5).rev().map(at).collect::<Vec<_>>());
    let failed = AnalysisFilter { status: Some(JobStatus::Failed), ..AnalysisFilter::default() };
    assert_eq!(store.list_analyses(&failed, None, 9).await.expect("listed").len(), 1);
    for filter in [all, failed] {
        let counts = store.count_analyses(&filter).await.expect("counted");
        assert_eq!((counts.pending, counts.failed), (4, 1), "whatever the status asked for");
    }
    let between =
        AnalysisFilter { from: Some(at(1)), to: Some(at(3)), ..AnalysisFilter::default() };
    let listed = store.list_analyses(&between, None, 9).await.expect("listed");
    let times = listed.iter().map(|job| job.requested_at).collect::<Vec<_>>();
    assert_eq!(times, [at(2), at(1)]);
}

/// They may be long, and no list shows them.
async fn a_list_leaves_results_out(store: TestStore) {
    store.request_analysis(&new("a", 0)).await.expect("made");
    let job = lease_one(&store, "w", 1).await.expect("a job");
    assert!(store.complete_analysis(&job, &done(2, "fine")).await.expect("written"));
    let whole = store.find_analysis(&branch("a")).await.expect("read").expect("there");
    assert!(whole.content.is_some() && whole.data.is_some());
    let listed = store.list_analyses(&AnalysisFilter::default(), None, 9).await.expect("listed");
    assert_eq!(listed, [Analysis { content: None, data: None, ..whole }]);
}

async fn the_audit_log_tells_who_did_what(store: TestStore) {
    for (action, actor) in [(AuditAction::Requested, "a"), (AuditAction::Succeeded, "worker")] {
        let entry = AuditEntry {
            at: at(0).checked_add(1.second()).expect("in range"),
            actor: actor.into(),
            action,
            branch: branch("a"),
            detail: None,
        };
        store.write_audit(&entry).await.expect("written");
    }
    let entries = store.list_audit(Some(&branch("a")), 10).await.expect("listed");
    assert_eq!(
        entries.iter().map(|entry| entry.action).collect::<Vec<_>>(),
        [AuditAction::Succeeded, AuditAction::Requested]
    );
    assert_eq!(store.list_audit(None, 1).await.expect("listed").len(), 1);
    assert!(store.list_audit(Some(&branch("b")), 9).await.expect("listed").is_empty());
}

store_tests!(
    a_job_is_made_once_leased_and_completed,
    a_dead_workers_job_is_taken_over_and_its_late_result_changes_nothing,
    a_failure_waits_and_the_last_one_fails_the_job,
    regenerating_cancels_the_run_at_work,
    a_job_given_back_is_unspent,
    stuck_and_exceeded_jobs_are_mended,
    every_character_of_an_answer_can_be_kept,
    workers_side_by_side_never_get_the_same_job,
    lists_page_by_key_newest_first,
    a_list_leaves_results_out,
    the_audit_log_tells_who_did_what,
);
