//! Leases, slots, takeover, regeneration and stopping, with the worker at work.

use std::time::Duration;

use futures::future::join_all;
use nexus_scripted::{Answer, Gemini, Request, Service, http::HeadFault};
use nexus_store::analyses::{Analysis, AnalysisFilter, AuditAction, JobStatus, NewAnalysis};

use crate::rig::{PANIC, Rig, new};

/// Gemini, but for prompts that hold `stall`: those wait until the caller goes away.
#[derive(Default)]
struct Stalling(Gemini);

impl Service for Stalling {
    fn answer(&self, request: &Request) -> Answer {
        if String::from_utf8_lossy(&request.body).contains("please stall") {
            let mut answer = Answer::new(200);
            answer.head_fault = HeadFault::Stall;
            return answer;
        }
        self.0.answer(request)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_jobs_go_through_three_slots_and_a_stalled_one_stops_nobody() {
    let rig = Rig::with(Stalling::default()).await;
    let stalled = rig.ask("stalled", "please stall").await;
    let asked = (0..999).map(|job| {
        let rig = &rig;
        async move { rig.ask(&format!("job {job}"), "hello").await }
    });
    join_all(asked).await;
    let running = rig.start(rig.config("w"));
    let mut most = 0;
    let mut events = nexus_bus::LiveBus::subscribe(&*rig.live);
    loop {
        let counts = rig.store.count_analyses(&AnalysisFilter::default()).await.expect("counted");
        most = most.max(counts.processing);
        if counts.completed == 999 {
            break;
        }
        assert_eq!(counts.failed, 0);
        let _lagging_is_fine = events.recv().await;
    }
    assert_eq!(most, 3);
    assert_eq!(rig.find(&stalled).await.status, JobStatus::Processing);
    assert_eq!(rig.calls(), 1_000);
    running.stop().await;
    let given_back = rig.find(&stalled).await;
    assert_eq!((given_back.status, given_back.attempts), (JobStatus::Pending, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_workers_job_is_taken_over_after_its_lease() {
    let rig = Rig::with(Stalling::default()).await;
    let branch = rig.ask("a", "please stall").await;
    // The first worker dies: its lease is taken, and nothing is ever heard of it again.
    let lease = nexus_store::analyses::LeaseRequest {
        worker: "dead".into(),
        now: new(&branch).at,
        until: new(&branch).at.checked_add(Duration::from_millis(200)).expect("in range"),
        max_jobs: 1,
        max_attempts: 3,
    };
    let dead = rig.store.lease_analyses(&lease).await.expect("leased");
    assert_eq!(dead.len(), 1);
    let running = rig.start(rig.config("alive"));
    let taken = rig.until(&branch, |job| job.attempts == 2).await;
    assert_eq!(taken.status, JobStatus::Processing);
    running.stop().await;
    let attempts = rig.store.list_attempts(taken.job_id).await.expect("listed");
    assert_eq!(attempts[0].outcome.as_deref(), Some("lost"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_slower_than_its_lease_is_done_once() {
    let rig = Rig::new().await;
    let branch = rig.ask("a", "[[gemini wait=900]]").await;
    let config = |worker: &str| {
        let mut config = rig.config(worker);
        config.job_timeout = Duration::from_millis(300);
        config
    };
    let workers = [rig.start(config("one")), rig.start(config("two"))];
    let job = rig.ended(&branch).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!((job.status, job.attempts, rig.calls()), (JobStatus::Completed, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regenerating_a_running_job_cancels_its_run() {
    let rig = Rig::with(Stalling::default()).await;
    let branch = rig.ask("a", "please stall").await;
    let mut config = rig.config("w");
    config.job_timeout = Duration::from_millis(300);
    let running = rig.start(config);
    rig.gemini.seen().until(|entries| entries.len() == 1).await;
    // The stand-in stalls for the text of the branch; without it, the new run goes through.
    let custom = NewAnalysis { custom_prompt: Some("Look at the tests".into()), ..new(&branch) };
    rig.say(&branch, "hello");
    rig.store.regenerate_analysis(&custom).await.expect("queued").expect("there");
    let job = rig.ended(&branch).await;
    assert_eq!((job.status, job.run, job.attempts), (JobStatus::Completed, 2, 1));
    let entries = rig.gemini.seen().until(|entries| entries[0].outcome.is_some()).await;
    assert_eq!(entries.len(), 2, "the old call was hung up, the new one answered");
    assert!(String::from_utf8_lossy(&entries[1].request.body).contains("Look at the tests"));
    running.stop().await;
    let attempts = rig.store.list_attempts(job.job_id).await.expect("listed");
    let outcomes = attempts.iter().map(|attempt| attempt.outcome.as_deref()).collect::<Vec<_>>();
    assert_eq!(outcomes, [Some("cancelled"), Some("completed")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_the_jobs() {
    let rig = Rig::new().await;
    let mut branches = Vec::new();
    for job in 0..60 {
        branches.push(rig.ask(&job.to_string(), "hello").await);
    }
    let workers = [rig.start(rig.config("one")), rig.start(rig.config("two"))];
    for branch in &branches {
        assert_eq!(rig.ended(branch).await.status, JobStatus::Completed);
    }
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(rig.calls(), 60);
}

#[tokio::test]
async fn a_failed_job_is_queued_again_with_a_fresh_count() {
    let rig = Rig::new().await;
    let branch = rig.ask("a", "[[gemini status=503 times=3]]").await;
    let running = rig.start(rig.config("w"));
    assert_eq!(rig.ended(&branch).await.status, JobStatus::Failed);
    rig.store.request_analysis(&new(&branch)).await.expect("queued again");
    let job = rig.until(&branch, |job| job.status == JobStatus::Completed).await;
    running.stop().await;
    assert_eq!((job.run, job.attempts, rig.calls()), (2, 1, 4));
    assert_eq!(rig.store.list_attempts(job.job_id).await.expect("listed").len(), 4);
}

#[tokio::test]
async fn a_used_up_budget_lets_no_further_job_begin() {
    let rig = Rig::new().await;
    let mut config = rig.config("w");
    config.daily_token_budget = Some(1);
    config.max_concurrent_jobs = 1;
    let first = rig.ask("a", "hello").await;
    let running = rig.start(config);
    assert_eq!(rig.ended(&first).await.status, JobStatus::Completed);
    let second = rig.ask("b", "hello").await;
    rig.wake(&second, 1).await;
    // That nothing happens can't be awaited: ten polls pass.
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.stop().await;
    assert_eq!(rig.find(&second).await.status, JobStatus::Pending);
    let again = rig.start(rig.config("w"));
    assert_eq!(rig.ended(&second).await.status, JobStatus::Completed);
    again.stop().await;
}

#[tokio::test]
async fn an_event_wakes_a_worker_that_polls_once_a_day() {
    let rig = Rig::new().await;
    let mut config = rig.config("w");
    config.poll_interval = Duration::from_hours(24);
    let first = rig.ask("a", "hello").await;
    let running = rig.start(config);
    assert_eq!(rig.ended(&first).await.status, JobStatus::Completed);
    let second = rig.ask("b", "hello").await;
    rig.wake(&second, 1).await;
    assert_eq!(rig.ended(&second).await.status, JobStatus::Completed);
    running.stop().await;
}

/// It waited for the other worker's poll.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_a_worker_gives_back_goes_to_another_one_at_once() {
    let rig = Rig::with(Stalling::default()).await;
    let config = |worker: &str| {
        let mut config = rig.config(worker);
        config.poll_interval = Duration::from_hours(24);
        config
    };
    let branch = rig.ask("a", "please stall").await;
    let leaving = rig.start(config("leaving"));
    rig.gemini.seen().until(|entries| entries.len() == 1).await;
    // After a job of its own the other one has nothing to look for.
    let own = rig.ask("b", "hello").await;
    let staying = rig.start(config("staying"));
    assert_eq!(rig.ended(&own).await.status, JobStatus::Completed);

    rig.say(&branch, "hello");
    leaving.stop().await;
    let job = rig.ended(&branch).await;
    staying.stop().await;
    assert_eq!((job.status, job.attempts), (JobStatus::Completed, 1));
    let attempts = rig.store.list_attempts(job.job_id).await.expect("listed");
    let told = attempts.iter().map(|one| (one.worker.as_str(), one.outcome.as_deref()));
    let told = told.collect::<Vec<_>>();
    assert_eq!(told, [("leaving", Some("released")), ("staying", Some("completed"))]);
}

#[tokio::test]
async fn a_job_that_waits_for_its_next_attempt_takes_no_slot() {
    let rig = Rig::new().await;
    let limited = rig.ask("a", "[[gemini status=429 retry_after=3600]]").await;
    let mut config = rig.config("w");
    config.max_concurrent_jobs = 1;
    let running = rig.start(config);
    let has_failed_once = |job: &Analysis| job.status == JobStatus::Pending && job.error.is_some();
    rig.until(&limited, has_failed_once).await;
    let other = rig.ask("b", "hello").await;
    assert_eq!(rig.ended(&other).await.status, JobStatus::Completed);
    running.stop().await;
    let waits = rig.find(&limited).await;
    assert_eq!((waits.status, waits.attempts), (JobStatus::Pending, 1));
    assert!(waits.due_at.duration_since(waits.updated_at).as_secs() >= 3_600, "{waits:?}");
}

#[tokio::test]
async fn settings_of_the_prompt_have_their_effect() {
    let rig = Rig::new().await;
    let long = "many words ".repeat(5_000);
    let branch = rig.ask("a", &long).await;
    let mut config = rig.config("w");
    config.gemini.model = "models/gemini-x".into();
    config.truncation.target_tokens = 100;
    config.truncation.last_tokens = 200;
    let running = rig.start(config);
    let job = rig.ended(&branch).await;
    running.stop().await;
    assert_eq!(job.model.as_deref(), Some("gemini-x"));
    let body = rig.gemini.seen().entries().remove(0).request.body;
    assert!(body.len() < 20_000, "{} bytes", body.len());
}

/// The heart of an attempt that had panicked went on beating: its lease never ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_attempts_panic_fails_and_people_are_told() {
    let rig = Rig::new().await;
    let branch = rig.ask("a", PANIC).await;
    let mut config = rig.config("w");
    config.job_timeout = Duration::from_millis(60);
    config.max_attempts = 2;
    let running = rig.start(config);
    let job = rig.ended(&branch).await;
    running.stop().await;
    assert_eq!((job.status, job.attempts), (JobStatus::Failed, 2));
    assert_eq!(job.error_kind.as_deref(), Some("attempts_exceeded"));
    let attempts = rig.store.list_attempts(job.job_id).await.expect("listed");
    assert!(attempts.iter().all(|attempt| attempt.outcome.as_deref() == Some("lost")));
    let told = rig.notices.0.lock().expect("not poisoned").clone();
    let vanished = "team.example: The worker vanished";
    assert!(matches!(&told[..], [notice] if notice.starts_with(vanished)), "{told:?}");
    let audit = rig.store.list_audit(Some(&branch), 9).await.expect("listed");
    assert!(matches!(&audit[..], [entry] if entry.action == AuditAction::Failed));
}
