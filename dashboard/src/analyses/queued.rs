//! Says that jobs wait: to the workers over the event stream, and to all who listen right now.

use jiff::Timestamp;
use nexus_bus::{EventStream, LiveBus, StreamError};
use nexus_contract::{AnalysisRequested, Envelope, Event, LiveEvent, Payload};
use nexus_store::analyses::{Analysis, Branch};

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
        let Branch { conversation_id, branch_id } = &job.branch;
        let status = job.status.as_str();
        live.publish(LiveEvent::analysis("", *conversation_id, branch_id, job.run, status, at));
    }
    let events = jobs.iter().map(|job| requested(by, job, at)).collect::<Vec<_>>();
    stream.publish(&events).await
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
