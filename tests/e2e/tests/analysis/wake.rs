//! What makes a worker look at the queue between two of its polls.

use std::time::Duration;

use nexus_e2e::{Nats, NexusBuilder, wait};
use tempfile::TempDir;

use crate::rig::{PATIENCE, ask, builder, gemini, is_completed, job, told};

/// A poll would come after a day.
const NEVER: &str = "86400000";
const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_over_jetstream_wakes_a_worker_that_does_not_poll() {
    let (gemini, nats) = (gemini(), Nats::start().await.expect("nats-server starts"));
    let dir = TempDir::with_prefix("nexus-wake-").expect("a directory");
    let database = format!("sqlite://{}", dir.path().join("nexus.sqlite").display());
    let with = |role: &str| -> NexusBuilder {
        builder(role, &gemini)
            .env("NATS_URL", &nats.url)
            .env("DATABASE_URL", &database)
            .env("API_KEY_SALT", "salt")
            .env("AI_WORKER_POLL_INTERVAL_MS", NEVER)
    };
    let front = with("up").env("AI_WORKER_ENABLED", "false").start().await.expect("it starts");
    let worker = with("analysis").start().await.expect("nexus analysis starts");
    // A worker looks when it starts, and when a job of its own has ended. After the first job it
    // has done both, and nothing but an event is left.
    let first = told(&front, "first", "hello").await;
    ask(&front, &first).await;
    job(&front, &first, is_completed).await;
    wait::until("an idle worker", PATIENCE, async || {
        let running = worker.metric("nexus_analysis_running_jobs").await.ok()?;
        (running == 0.0).then_some(())
    })
    .await;

    for name in ["second", "third"] {
        let branch = told(&front, name, "hello again").await;
        ask(&front, &branch).await;
        let done = tokio::time::timeout(SOON, job(&front, &branch, is_completed)).await;
        assert!(done.is_ok(), "the {name} job waits for a poll:\n{}", worker.log());
    }
}
