//! Says what became of a job: live subjects, events, the audit log, metrics.

use nexus_contract::{AnalysisFinished, Envelope, Event, LiveEvent, LiveTopic, Payload};
use nexus_store::analyses::{AuditAction, AuditEntry, JobStatus, LeasedJob};
use serde_json::json;

use crate::deps::AnalysisDeps;

/// For one worker.
#[derive(Clone)]
pub(crate) struct Announcer {
    pub deps: AnalysisDeps,
    pub worker: String,
}

impl Announcer {
    /// To the dashboards that are open.
    pub fn live(&self, domain: &str, job: &LeasedJob, status: JobStatus) {
        self.deps.live.publish(LiveEvent {
            topic: LiveTopic::Analysis,
            id: Some(job.branch.conversation_id),
            at: self.deps.clock.now(),
            domain: domain.to_owned(),
            data: json!({
                "conversationId": job.branch.conversation_id,
                "branchId": job.branch.branch_id,
                "status": status,
                "run": job.run,
            }),
        });
    }

    /// A job that came to its end: live, on the stream, and in the audit log.
    pub async fn finished(&self, domain: &str, job: &LeasedJob, status: JobStatus, detail: String) {
        metrics::counter!("nexus_analysis_jobs_total", "status" => status.as_str()).increment(1);
        self.live(domain, job, status);
        let action = match status {
            JobStatus::Completed => AuditAction::Succeeded,
            _ => AuditAction::Failed,
        };
        self.audit(job, action, detail).await;
        let event = self.event(domain, job, status);
        if let Err(error) = self.deps.stream.publish(&[event]).await {
            // Nobody depends on it: the row says the same.
            tracing::warn!(job = %job.job_id, %error, "the end of an analysis is not on the stream");
        }
    }

    async fn audit(&self, job: &LeasedJob, action: AuditAction, detail: String) {
        let entry = AuditEntry {
            at: self.deps.clock.now(),
            actor: self.worker.clone(),
            action,
            branch: job.branch.clone(),
            detail: Some(detail),
        };
        if let Err(error) = self.deps.store.write_audit(&entry).await {
            tracing::error!(job = %job.job_id, %error, "the audit log cannot be written");
        }
    }

    fn event(&self, domain: &str, job: &LeasedJob, status: JobStatus) -> Event {
        let payload = Payload::AnalysisFinished(AnalysisFinished {
            job_id: job.job_id.to_string(),
            conversation_id: job.branch.conversation_id,
            branch_id: job.branch.branch_id.clone(),
            run: job.run,
            status: status.as_str().to_owned(),
        });
        Event {
            envelope: Envelope {
                id: job.branch.conversation_id,
                at: self.deps.clock.now(),
                gateway: self.worker.clone(),
                domain: domain.to_owned(),
                account_id: None,
                payload,
            },
            body: None,
        }
    }
}
