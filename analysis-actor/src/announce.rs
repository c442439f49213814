//! Says what became of a job: live subjects, events, the audit log, metrics, notices.

use nexus_contract::{AnalysisFinished, Envelope, Event, LiveEvent, Payload};
use nexus_store::analyses::{Analysis, AuditAction, AuditEntry, Branch, JobStatus, LeasedJob};
use uuid::Uuid;

use crate::deps::{AnalysisDeps, FailedAnalysis};

/// For one worker or command.
#[derive(Clone)]
pub(crate) struct Announcer {
    pub deps: AnalysisDeps,
    pub by: String,
}

/// The job that is spoken of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub job_id: Uuid,
    pub branch: &'a Branch,
    pub run: u64,
    pub requested_by: &'a str,
}

impl<'a> From<&'a LeasedJob> for Subject<'a> {
    fn from(job: &'a LeasedJob) -> Self {
        let LeasedJob { job_id, branch, run, requested_by, .. } = job;
        Self { job_id: *job_id, branch, run: *run, requested_by }
    }
}

impl<'a> From<&'a Analysis> for Subject<'a> {
    fn from(job: &'a Analysis) -> Self {
        let Analysis { job_id, branch, run, requested_by, .. } = job;
        Self { job_id: *job_id, branch, run: *run, requested_by }
    }
}

impl Announcer {
    /// To the dashboards that are open, and to the other workers.
    pub fn live(&self, domain: &str, job: Subject<'_>, status: JobStatus) {
        let Branch { conversation_id, branch_id } = job.branch;
        let (status, at) = (status.as_str(), self.deps.clock.now());
        let event = LiveEvent::analysis(domain, *conversation_id, branch_id, job.run, status, at);
        self.deps.live.publish(event);
    }

    pub async fn completed(&self, domain: &str, job: Subject<'_>, detail: &str) {
        self.audit(job, AuditAction::Succeeded, detail).await;
        self.finished(domain, job, JobStatus::Completed).await;
    }

    /// A job that failed for good; people outside are told, too.
    pub async fn failed(&self, domain: &str, job: Subject<'_>, reason: &str) {
        let Subject { branch, requested_by, .. } = job;
        self.deps.notice.analysis_failed(&FailedAnalysis { domain, branch, requested_by, reason });
        self.audit(job, AuditAction::Failed, reason).await;
        self.finished(domain, job, JobStatus::Failed).await;
    }

    async fn finished(&self, domain: &str, job: Subject<'_>, status: JobStatus) {
        metrics::counter!("nexus_analysis_jobs_total", "status" => status.as_str()).increment(1);
        self.live(domain, job, status);
        let event = self.event(domain, job, status);
        if let Err(error) = self.deps.stream.publish(&[event]).await {
            // Nobody depends on it: the row says the same.
            tracing::warn!(job = %job.job_id, %error, "the end of an analysis is not on the stream");
        }
    }

    async fn audit(&self, job: Subject<'_>, action: AuditAction, detail: &str) {
        let entry = AuditEntry {
            at: self.deps.clock.now(),
            actor: job.requested_by.to_owned(),
            action,
            branch: job.branch.clone(),
            detail: Some(format!("{}: {detail}", self.by)),
        };
        if let Err(error) = self.deps.store.write_audit(&entry).await {
            tracing::error!(job = %job.job_id, %error, "the audit log cannot be written");
        }
    }

    fn event(&self, domain: &str, job: Subject<'_>, status: JobStatus) -> Event {
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
                gateway: self.by.clone(),
                domain: domain.to_owned(),
                account_id: None,
                payload,
            },
            body: None,
        }
    }
}
