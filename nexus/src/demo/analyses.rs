//! Analyses of the newest generated conversations, as the analysis role would have left them: most are
//! done, one was answered in prose, one has failed, and one waits until Gemini's quota is there again.

use std::time::Duration;

use jiff::Timestamp;
use nexus_analysis::{
    GeminiConfig, call_cost,
    gemini::{Cause, Usage},
    report, software_versions,
};
use nexus_messages::PriceTable;
use nexus_scripted::generate::{self, Plan};
use nexus_store::{
    Store,
    analyses::{
        AttemptEnd, AttemptFailure, Branch, Completion, LeaseRequest, LeasedJob, NewAnalysis,
    },
    queries::{BranchSummary, ConversationFilter, ConversationSummary, Paging},
};

/// Conversations that are looked at, and analyses at most, however many conversations there are.
const NEWEST: u32 = 72;
const MOST: usize = 36;
/// With fewer requests a conversation is not worth one.
const MIN_REQUESTS: u64 = 5;

/// Which of them, from the newest on, did not go as usual.
const WAITING: usize = 1;
const FAILED: usize = 3;
const IN_PROSE: usize = 5;

const ASKED_BY: [&str; 3] = ["session 5f0c2a91", "key", "session b83e6d07"];
const CUSTOM: &str = "Look at the tests in particular.";
/// Every so many have a prompt of their own.
const CUSTOM_EVERY: usize = 7;

/// From a branch's last message until somebody asks, and until a worker takes the job.
const LAG: Duration = Duration::from_mins(4);
const QUEUED: Duration = Duration::from_secs(2);
/// Nothing is asked for later than so long before the plan's end: it has ended by then.
const MARGIN: Duration = Duration::from_mins(1);
const LEASE: Duration = Duration::from_mins(5);
/// Long enough for the demo to be looked at: after it, the scripted Gemini answers.
const QUOTA_WAIT: Duration = Duration::from_hours(12);

/// Tokens of the instructions and the schema, and of a transcript as it is sent at most.
const INSTRUCTIONS: u64 = 1_460;
const TRANSCRIPT: u64 = 8_192;
const BYTES_PER_TOKEN: usize = 4;
/// How long an answer takes, whatever its length, and for each of its bytes.
const THINKING: Duration = Duration::from_secs(4);
const BYTE: Duration = Duration::from_millis(3);

/// What is analysed.
struct Subject {
    /// From the newest on.
    place: usize,
    title: String,
    branch: Branch,
    summary: BranchSummary,
    asked_at: Timestamp,
}

/// Writes the analyses of what the plan has given.
pub async fn write(store: &dyn Store, plan: &Plan, prices: &PriceTable) -> anyhow::Result<()> {
    let paging = Paging { limit: NEWEST, ..Paging::default() };
    let newest = store.list_conversations(&ConversationFilter::default(), &paging).await?.items;
    let worth = newest.into_iter().filter(|one| one.request_count >= MIN_REQUESTS);
    for (place, conversation) in worth.take(MOST).enumerate() {
        if let Some(subject) = find_subject(store, plan, place, conversation).await? {
            write_one(store, plan, prices, &subject).await?;
        }
    }
    Ok(())
}

/// The branch of the conversation's root.
async fn find_subject(
    store: &dyn Store,
    plan: &Plan,
    place: usize,
    conversation: ConversationSummary,
) -> anyhow::Result<Option<Subject>> {
    let id = conversation.conversation_id;
    let graph = store.find_graph(id, u32::MAX).await?;
    let first = graph.and_then(|graph| graph.branches.into_iter().next());
    Ok(first.map(|summary| Subject {
        place,
        title: conversation.title.unwrap_or_default(),
        branch: Branch { conversation_id: id, branch_id: summary.branch_id.clone() },
        asked_at: (summary.last_message_time + LAG).min(plan.end - MARGIN),
        summary,
    }))
}

async fn write_one(
    store: &dyn Store,
    plan: &Plan,
    prices: &PriceTable,
    subject: &Subject,
) -> anyhow::Result<()> {
    // Without one, a worker on the same store was faster.
    let Some(job) = lease(store, subject).await? else { return Ok(()) };
    let seed = plan.seed.wrapping_add(subject.place as u64);
    match subject.place {
        WAITING => store.fail_analysis(&job, &subject.out_of_quota(plan.end)).await?,
        FAILED => store.fail_analysis(&job, &subject.held_back()).await?,
        IN_PROSE => {
            let text = generate::prose(seed, &subject.title);
            store.complete_analysis(&job, &subject.completion(&text, prices)).await?
        }
        _ => {
            let text = generate::report(seed, &subject.title).to_string();
            store.complete_analysis(&job, &subject.completion(&text, prices)).await?
        }
    };
    Ok(())
}

/// Asks for the analysis and takes the job.
async fn lease(store: &dyn Store, subject: &Subject) -> anyhow::Result<Option<LeasedJob>> {
    let has_custom = subject.place % CUSTOM_EVERY == CUSTOM_EVERY - 1;
    let new = NewAnalysis {
        branch: subject.branch.clone(),
        custom_prompt: has_custom.then(|| CUSTOM.to_owned()),
        requested_by: ASKED_BY[subject.place % ASKED_BY.len()].to_owned(),
        at: subject.asked_at,
    };
    store.request_analysis(&new).await?;
    let now = subject.begun_at();
    let request = LeaseRequest {
        worker: "generated".into(),
        now,
        until: now + LEASE,
        max_jobs: 1,
        max_attempts: 1,
    };
    let leased = store.lease_analyses(&request).await?.pop();
    Ok(leased.filter(|job| job.branch == subject.branch))
}

impl Subject {
    fn begun_at(&self) -> Timestamp {
        self.asked_at + QUEUED
    }

    /// By the local estimate; Gemini counts a little less.
    fn estimated_tokens(&self) -> u64 {
        INSTRUCTIONS + self.summary.context_tokens.unwrap_or_default().min(TRANSCRIPT)
    }

    fn completion(&self, text: &str, prices: &PriceTable) -> Completion {
        let reading = report::read(text, false);
        let took = THINKING + BYTE * u32::try_from(text.len()).unwrap_or(0);
        let used = Usage {
            prompt_tokens: Some(self.estimated_tokens() * 19 / 20),
            completion_tokens: Some((text.len() / BYTES_PER_TOKEN) as u64),
        };
        let (at, model) = (self.begun_at() + took, GeminiConfig::DEFAULT_MODEL);
        Completion {
            content: reading.content,
            data: reading.data,
            through_id: Some(self.summary.latest_request_id),
            versions: software_versions(),
            estimated_tokens: self.estimated_tokens(),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            end: AttemptEnd {
                at,
                model: Some(model.to_owned()),
                prompt_tokens: used.prompt_tokens,
                completion_tokens: used.completion_tokens,
                cost_nanos: call_cost(prices, model, &used, at),
            },
        }
    }

    fn held_back(&self) -> AttemptFailure {
        self.failure(Cause::Safety, "Gemini held its answer back (RECITATION).")
    }

    fn out_of_quota(&self, now: Timestamp) -> AttemptFailure {
        let message = "Gemini answered 429: You exceeded your current quota.";
        AttemptFailure {
            status: Some(429),
            retry_at: Some(now + QUOTA_WAIT),
            ..self.failure(Cause::RateLimited, message)
        }
    }

    fn failure(&self, cause: Cause, message: &str) -> AttemptFailure {
        AttemptFailure {
            kind: cause.as_str().to_owned(),
            message: message.to_owned(),
            status: None,
            retry_at: None,
            end: AttemptEnd { at: self.begun_at() + THINKING, ..AttemptEnd::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_keep_to_the_schema_and_prose_does_not() {
        let prompt = "Please port the parser: it takes four seconds.";
        for seed in 0..64 {
            let text = generate::report(seed, prompt).to_string();
            let reading = report::read(&text, false);
            assert!(reading.data.is_some(), "{text}");
            assert!(reading.content.contains("- Prompt clarity: "), "{}", reading.content);
        }
        let prose = generate::prose(1, prompt);
        assert_eq!(report::read(&prose, false).data, None, "{prose}");
    }
}
