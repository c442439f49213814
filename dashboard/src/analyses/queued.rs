//! Says that jobs wait: to the workers over the event stream, and to all who listen right now.

use jiff::Timestamp;
use nexus_bus::{EventStream, LiveBus, StreamError};
use nexus_contract::{AnalysisRequested, Envelope, Event, LiveEvent, LiveTopic, Payload};
use nexus_store::analyses::Analysis;
use serde_json::json;

/// Announces jobs that were queued at that time; `by` is the part or the command that queued them.
/// The rows are the jobs: nothing is lost when this is.
///
/// # Errors
/// When the stream does not take the events. Workers then find the jobs at their next look.
pub async fn announce_queued(
    by: &str,
    jobs: &[Analysis],
    at: Timestamp,
    stream: &dyn EventStream,
    live: &dyn LiveBus,
) -> Result<(), StreamError> {
    for job in jobs {
        live.publish(shown(job, at));
    }
    let events = jobs.iter().map(|job| requested(by, job, at)).collect::<Vec<_>>();
    stream.publish(&events).await
}

fn shown(job: &Analysis, at: Timestamp) -> LiveEvent {
    let branch = &job.branch;
    LiveEvent {
        topic: LiveTopic::Analysis,
        id: Some(branch.conversation_id),
        at,
        domain: String::new(),
        data: json!({
            "conversationId": branch.conversation_id, "branchId": branch.branch_id,
            "status": job.status, "run": job.run,
        }),
    }
}

fn requested(by: &str, job: &Analysis, at: Timestamp) -> Event {
    let branch = &job.branch;
    let payload = Payload::AnalysisRequested(AnalysisRequested {
        job_id: job.job_id.to_string(),
        conversation_id: branch.conversation_id,
        branch_id: branch.branch_id.clone(),
        run: job.run,
    });
    let envelope = Envelope {
        id: branch.conversation_id,
        at,
        gateway: by.to_owned(),
        domain: String::new(),
        account_id: None,
        payload,
    };
    Event { envelope, body: None }
}
