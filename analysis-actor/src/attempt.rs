//! One attempt at a job: read the branch, ask once, read the answer.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use nexus_messages::{price::PriceTable, transcript, usage};
use nexus_store::analyses::{AttemptEnd, AttemptFailure, Completion, LeasedJob};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff,
    config::AnalysisConfig,
    deps::{AnalysisDeps, BranchText},
    gemini::{Answer, CallError, Gemini, Usage},
    prompt::{self, PROMPT_VERSION, Prompt},
    report,
};

/// How long a job waits whose branch could not be read.
const UNREADABLE_WAIT: Duration = Duration::from_secs(15);

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(Box<Completion>),
    /// With [`AttemptFailure::retry_at`] when it is worth another attempt.
    Failed(AttemptFailure),
    /// No answer was waited for; the job is to be given back until then.
    Unspent(Timestamp),
}

/// An attempt's end, and the domain of its branch as far as it is known.
#[derive(Debug)]
pub(crate) struct Ended {
    pub domain: String,
    pub outcome: Outcome,
}

/// Makes attempts.
pub(crate) struct Attempts {
    pub config: AnalysisConfig,
    pub deps: AnalysisDeps,
    pub gemini: Gemini,
}

impl Attempts {
    /// Makes one attempt, with at most one call, which `cancel` breaks off.
    pub async fn make(&self, job: &LeasedJob, cancel: &CancellationToken) -> Ended {
        let found = match self.deps.branches.find_branch(&job.branch).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(job = %job.job_id, %error, "a branch cannot be read now");
                let due_at = after(self.deps.clock.now(), UNREADABLE_WAIT);
                return Ended { domain: String::new(), outcome: Outcome::Unspent(due_at) };
            }
        };
        let Some(branch) = found else {
            let failure = self.refused(
                "not_found",
                "The conversation has no such branch, or its messages are gone.",
            );
            return Ended { domain: String::new(), outcome: Outcome::Failed(failure) };
        };
        let domain = branch.domain.clone();
        let outcome = match self.prompt(job, branch).await {
            Ok(prompt) => tokio::select! {
                outcome = self.ask(job, &prompt) => outcome,
                () = cancel.cancelled() => Outcome::Unspent(self.deps.clock.now()),
            },
            Err(failure) => Outcome::Failed(failure),
        };
        Ended { domain, outcome }
    }

    /// Reading megabytes of history is work for a thread of its own.
    async fn prompt(&self, job: &LeasedJob, branch: BranchText) -> Result<Prompt, AttemptFailure> {
        let custom = job.custom_prompt.clone();
        let truncation = self.config.truncation;
        let mark = (self.deps.random)();
        let built = tokio::task::spawn_blocking(move || {
            let window =
                transcript::Window { before: None, exchanges: &branch.exchanges, after: None };
            prompt::build(&transcript::read(&window), custom.as_deref(), &truncation, mark)
        });
        match built.await {
            Ok(Ok(prompt)) => Ok(prompt),
            Ok(Err(error)) => Err(self.refused("prompt", &error.to_string())),
            Err(error) => {
                Err(self.refused("prompt", &format!("the transcript cannot be read: {error}")))
            }
        }
    }

    async fn ask(&self, job: &LeasedJob, prompt: &Prompt) -> Outcome {
        let began = Instant::now();
        let answer = self.gemini.generate(prompt).await;
        let took = began.elapsed();
        metrics::histogram!("nexus_analysis_call_seconds").record(took.as_secs_f64());
        match answer {
            Ok(answer) => Outcome::Done(Box::new(self.completion(prompt, answer, took))),
            Err(error) => Outcome::Failed(self.failure(job, error)),
        }
    }

    fn completion(&self, prompt: &Prompt, answer: Answer, took: Duration) -> Completion {
        compare(prompt.estimated_tokens, &answer.usage);
        let reading = report::read(&answer.text, answer.is_cut);
        Completion {
            content: reading.content,
            data: reading.data,
            through_id: prompt.through,
            versions: software_versions(),
            estimated_tokens: prompt.estimated_tokens,
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            end: self.end(answer.model, answer.usage),
        }
    }

    fn failure(&self, job: &LeasedJob, error: CallError) -> AttemptFailure {
        let again = error.cause.may_retry() && job.attempt < self.config.max_attempts;
        let wait = backoff::wait(
            self.config.retry_base,
            job.attempt,
            error.retry_after,
            (self.deps.random)(),
        );
        let end = self.end(error.model, error.usage);
        AttemptFailure {
            kind: error.cause.as_str().to_owned(),
            message: error.message,
            status: error.status,
            retry_at: again.then(|| after(end.at, wait)),
            end,
        }
    }

    /// A job that no further attempt would mend, and that cost nothing.
    fn refused(&self, kind: &str, message: &str) -> AttemptFailure {
        AttemptFailure {
            kind: kind.to_owned(),
            message: message.to_owned(),
            status: None,
            retry_at: None,
            end: AttemptEnd { at: self.deps.clock.now(), ..AttemptEnd::default() },
        }
    }

    fn end(&self, model: Option<String>, used: Usage) -> AttemptEnd {
        let at = self.deps.clock.now();
        let model = model.unwrap_or_else(|| self.config.gemini.model.clone());
        count(&used);
        AttemptEnd {
            at,
            cost_nanos: call_cost(&self.deps.prices, &model, &used, at),
            model: Some(model),
            prompt_tokens: used.prompt_tokens,
            completion_tokens: used.completion_tokens,
        }
    }
}

/// What is recorded of the software behind a result.
pub fn software_versions() -> String {
    format!("prompt {PROMPT_VERSION}, nexus {}", env!("CARGO_PKG_VERSION"))
}

/// What a call cost, in billionths of a US dollar; `None` when the model's price isn't known.
pub fn call_cost(prices: &PriceTable, model: &str, used: &Usage, at: Timestamp) -> Option<i64> {
    let raw = json!({
        "input_tokens": used.prompt_tokens?,
        "output_tokens": used.completion_tokens.unwrap_or_default(),
    });
    prices.cost(model, &usage::Usage::from_value(&raw), at).map(|cost| cost.0)
}

pub(crate) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

fn count(used: &Usage) {
    let tokens = metrics::counter!("nexus_analysis_tokens_total", "kind" => "prompt");
    tokens.increment(used.prompt_tokens.unwrap_or_default());
    let tokens = metrics::counter!("nexus_analysis_tokens_total", "kind" => "completion");
    tokens.increment(used.completion_tokens.unwrap_or_default());
}

/// Our estimate against Gemini's count: above 1 when we estimated too much.
fn compare(estimated: u64, used: &Usage) {
    let Some(counted) = used.prompt_tokens.filter(|counted| *counted > 0) else { return };
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no 64 bits")]
    let ratio = estimated as f64 / counted as f64;
    metrics::histogram!("nexus_analysis_estimate_ratio").record(ratio);
    tracing::debug!(estimated, counted, "tokens of a prompt");
}
