//! Two `nexus analysis` on NATS and PostgreSQL, one of them killed in the middle of jobs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::{join_all, try_join_all};
use nexus_e2e::{Nats, Nexus, NexusBuilder, wait};
use nexus_scripted::{Request, Server};
use nexus_store::{Store, StoreConfig, analyses::Attempt, open, testing::Database};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::rig::{PATIENCE, ask, builder, gemini, is_completed, job, post, told, transcript};

/// Jobs at once in each process.
const SLOTS: usize = 3;
const JOBS: usize = 30;
/// The shortest lease that can be set is a minute; this job takes longer.
const SLOW: Duration = Duration::from_secs(65);

/// What all processes of the test share.
struct Place {
    gemini: Server,
    nats: Nats,
    database: Database,
    store: Arc<dyn Store>,
}

impl Place {
    async fn new(database: Database) -> Self {
        let store = open(&StoreConfig::new(database.url())).await.expect("the database opens");
        let nats = Nats::start().await.expect("nats-server starts");
        Self { gemini: gemini(), nats, database, store }
    }

    fn builder(&self, role: &str, name: &str) -> NexusBuilder {
        builder(role, &self.gemini)
            .env("NATS_URL", &self.nats.url)
            .env("DATABASE_URL", self.database.url())
            .env("API_KEY_SALT", "salt")
            .env("NEXUS_INSTANCE", name)
            .env("AI_WORKER_MAX_CONCURRENT_JOBS", SLOTS.to_string())
            .env("AI_WORKER_JOB_TIMEOUT_MINUTES", "1")
            .env("AI_ANALYSIS_GEMINI_REQUEST_TIMEOUT_MS", "100000")
    }

    /// The process that stores and shows, but analyses nothing.
    async fn front(&self) -> Nexus {
        let front = self.builder("up", "front").env("AI_WORKER_ENABLED", "false");
        front.start().await.expect("nexus up starts")
    }

    async fn worker(&self, name: &str) -> Nexus {
        self.builder("analysis", name).start().await.expect("nexus analysis starts")
    }

    /// Every attempt of the jobs that has been begun.
    async fn attempts(&self, jobs: &[Uuid]) -> Vec<Attempt> {
        let listed = jobs.iter().map(|job| self.store.list_attempts(*job));
        try_join_all(listed).await.expect("the store answers").concat()
    }

    /// The requests to Gemini whose transcript holds this.
    fn calls(&self, text: &str) -> Vec<Request> {
        let entries = self.gemini.seen().entries().into_iter().map(|entry| entry.request);
        entries.filter(|request| transcript(request).contains(text)).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_loses_no_job_and_nothing_is_charged_beyond_its_leases() {
    let Some(database) = tokio::task::spawn_blocking(Database::create).await.expect("no panic")
    else {
        return;
    };
    let place = Place::new(database).await;
    let front = place.front().await;
    let slow_text = format!("the slow one [[gemini wait={}]]", SLOW.as_millis());
    let slow = told(&front, "slow", &slow_text).await;
    let again = told(&front, "again", "run twice [[gemini wait=3000]]").await;
    let mut jobs = Vec::new();
    for number in 0..JOBS {
        let text = format!("job number {number}. [[gemini wait=500]]");
        jobs.push(told(&front, &format!("job-{number}"), &text).await);
    }

    // The survivor has the slow job and one that is regenerated while it runs.
    let survivor = place.worker("survivor").await;
    let began = Instant::now();
    ask(&front, &slow).await;
    ask(&front, &again).await;
    place.gemini.seen().until(|entries| entries.len() == 2).await;
    let path = format!("analyses/{}/{}/regenerate", again.conversation, again.id);
    post(&front, &path, json!({"customPrompt": "Look at the tests"}).to_string()).await;

    // The victim takes its share of the others, and is killed at it.
    let mut victim = place.worker("victim").await;
    let asked = join_all(jobs.iter().map(|branch| ask(&front, branch))).await;
    let id = |job: &Value| job["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let ids = asked.iter().map(id).collect::<Vec<Uuid>>();
    wait::until("the victim's jobs", PATIENCE, async || {
        let attempts = place.attempts(&ids).await;
        let begun = attempts.iter().filter(|attempt| attempt.worker == "victim").count();
        (begun > SLOTS).then_some(())
    })
    .await;
    victim.kill().await.expect("it dies");

    let slow_job = job(&front, &slow, is_completed).await;
    assert!(began.elapsed() >= SLOW, "it was slower than its lease");
    assert_eq!((&slow_job["attempts"], place.calls("the slow one").len()), (&json!(1), 1));
    let again_job = job(&front, &again, is_completed).await;
    assert_eq!((&again_job["run"], &again_job["attempts"]), (&json!(2), &json!(1)));
    assert_eq!(place.calls("run twice").len(), 2, "the run that was cancelled, and the new one");

    let mut taken_over = 0;
    for (number, branch) in jobs.iter().enumerate() {
        let done = job(&front, branch, is_completed).await;
        let attempts = done["attempts"].as_u64().expect("a number");
        let calls = place.calls(&format!("job number {number}.")).len() as u64;
        assert!(
            (1..=attempts).contains(&calls),
            "job {number}: {calls} calls, {attempts} attempts"
        );
        assert!(attempts <= 2, "job {number}: {attempts} attempts");
        taken_over += usize::from(attempts == 2);
    }
    let attempts = place.attempts(&ids).await;
    let ended = |outcome: &str| {
        let ended = attempts.iter().filter(|attempt| attempt.outcome.as_deref() == Some(outcome));
        ended.count()
    };
    assert_eq!((ended("completed"), ended("lost")), (JOBS, taken_over), "{attempts:#?}");
    assert_eq!(attempts.len(), JOBS + taken_over);
    assert!((1..=SLOTS).contains(&taken_over), "{taken_over} were in the victim's hands");
    eprintln!("{JOBS} jobs, one worker killed: all completed, {taken_over} taken over");
    drop(survivor);
}
