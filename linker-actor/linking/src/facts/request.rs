//! Facts of a request.

use std::borrow::Cow;

use jiff::Timestamp;
use nexus_contract::ExchangeId;
use nexus_messages::{Block, Identity, Request, RequestClass, RequestType, Thread};
use serde::{Deserialize, Serialize};

use super::{
    AgentResult, Moment, Summary, result::agent_results, summaries::summaries, system_hash,
};
use crate::{
    block::{Normal, plain},
    chain,
    hash::Hash,
};

/// Texts that may be a sub-agent's prompt: more stand in no opening.
const MAX_OPENINGS: usize = 16;
/// What a request for a summary ends with, in all known clients.
const SUMMARISE: [&str; 3] = [
    "Your task is to create a detailed summary",
    "create a detailed summary of the conversation",
    "Write a continuation summary that will allow you",
];

/// Where a request came from.
#[derive(Debug, Clone)]
pub struct RequestContext<'a> {
    pub id: ExchangeId,
    pub at: Timestamp,
    pub domain: &'a str,
    /// Whether the session came as a header, as newer clients send it.
    pub names_session: bool,
}

/// What a request contributes to the decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, not a state")]
pub struct RequestFacts {
    pub moment: Moment,
    pub domain: String,
    /// Part of a conversation: no title, classifier or probe of a quota.
    pub member: bool,
    pub session: Option<String>,
    pub agent: Option<String>,
    pub parent_agent: Option<String>,
    /// The session came as a header: an equal request of the same session and agent is the same request
    /// again, unless a call with its prompt is open. Most such clients name sub-agents, too.
    pub identified: bool,
    /// `claude-cli/2.1.330`; the label of the agreement metric.
    pub client: String,
    /// The model has spoken in its history, so something came before.
    pub continues: bool,
    /// The request asks for a summary of its history.
    pub summarises: bool,
    /// The client says that the history was replaced by a summary.
    pub compacted: bool,
    pub system: Hash,
    /// The message thread that it goes on with: the id of an answer.
    pub thread: Option<String>,
    /// The history; for a thread's continuation only what is new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Normal>,
    /// Hashes of the texts before the model first speaks.
    pub openings: Vec<Hash>,
    /// Probes of the last summary in the history, none when there is no such text.
    pub probes: Vec<Hash>,
    /// Blocks up to that summary, itself included; 0 without one.
    pub summary_length: u32,
    /// The summaries before it, last first: a partial one may stand before one that is older.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_summaries: Vec<Summary>,
    pub results: Vec<AgentResult>,
}

impl RequestFacts {
    /// Reads the facts off a request.
    pub fn read(context: &RequestContext<'_>, identity: &Identity, request: &Request<'_>) -> Self {
        let kind = RequestType::of(identity.class, request);
        let blocks = chain::blocks(request);
        let mut summaries = summaries(request, &blocks).into_iter();
        let last = summaries.next();
        let compaction =
            identity.class == Some(RequestClass::Compaction) || identity.compaction.is_some();
        Self {
            moment: Moment::new(context.at, context.id),
            domain: context.domain.to_owned(),
            member: kind == RequestType::Inference && !request.messages.is_empty(),
            session: identity.session_id.clone(),
            agent: identity.agent_id.clone(),
            parent_agent: identity.parent_agent_id.clone(),
            identified: context.names_session,
            client: client(identity),
            continues: blocks.iter().any(|block| block.assistant) || thread(request).is_some(),
            summarises: compaction || asks_for_summary(request),
            compacted: identity.context_compacted.is_some() && !compaction,
            system: system_hash(request),
            thread: thread(request),
            openings: openings(request),
            summary_length: last.as_ref().map_or(0, |summary| summary.length),
            probes: last.map(|summary| summary.probes).unwrap_or_default(),
            earlier_summaries: summaries.collect(),
            results: agent_results(request),
            blocks,
        }
    }

    /// For a request whose body is no JSON object: it is recorded, and linked to nothing.
    pub fn unreadable(context: &RequestContext<'_>) -> Self {
        let nothing = Request::default();
        let facts = Self::read(context, &Identity::default(), &nothing);
        Self { member: true, ..facts }
    }

    /// A summary stands for what came before, by the history or by the client's word.
    pub fn is_continuation(&self) -> bool {
        self.compacted || self.summary_length > 0
    }

    /// Both go on from the same summary, as far as it is compared.
    pub fn has_summary_of(&self, other: &Self) -> bool {
        !self.probes.is_empty() && self.probes == other.probes
    }

    /// Probes of the last summary, and of those that stand behind the first `length` blocks.
    pub fn probes_behind(&self, length: u32) -> Vec<Hash> {
        let earlier = self.earlier_summaries.iter().filter(|summary| summary.length > length);
        let earlier = earlier.flat_map(|summary| &summary.probes);
        let mut probes: Vec<_> = self.probes.iter().chain(earlier).copied().collect();
        probes.sort_unstable();
        probes.dedup();
        probes
    }
}

/// The hash under which a prompt is looked up.
pub fn prompt_hash(prompt: &str) -> Hash {
    Hash::of(plain(prompt).as_bytes())
}

fn client(identity: &Identity) -> String {
    match &identity.client {
        Some(client) if client.version.is_empty() => client.name.clone(),
        Some(client) => format!("{}/{}", client.name, client.version),
        None => String::new(),
    }
}

fn thread(request: &Request<'_>) -> Option<String> {
    match &request.thread {
        Some(Thread::Continue { previous_message_id }) => Some(previous_message_id.to_string()),
        _ => None,
    }
}

/// Whether what the user says last asks for it; reminders may stand behind that.
fn asks_for_summary(request: &Request<'_>) -> bool {
    let last = request.messages.iter().rev().skip_while(|message| message.role != "user");
    let last = last.take_while(|message| message.role != "assistant");
    let texts = last.filter(|message| message.role == "user").flat_map(|m| m.blocks.iter().rev());
    let text = texts.filter_map(Block::text).find(|text| !plain(text).is_empty());
    text.is_some_and(|text| SUMMARISE.iter().any(|mark| text.contains(mark)))
}

fn openings(request: &Request<'_>) -> Vec<Hash> {
    let opening = request.messages.iter().take_while(|message| message.role != "assistant");
    let texts = opening.filter(|message| message.role == "user").flat_map(|m| &m.blocks);
    let texts = texts.filter_map(Block::text).flat_map(prompts).filter(|text| !text.is_empty());
    texts.take(MAX_OPENINGS).map(|text: Cow<'_, str>| Hash::of(text.as_bytes())).collect()
}

/// What a call may have said for the model to be told this.
fn prompts(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    std::iter::once(text).chain(mailed(text)).map(plain)
}

/// What stands in the mail by which a teammate is told its prompt. The last attribute's quote ends the
/// tag: a summary may hold an arrow.
fn mailed(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<teammate-message ")?;
    let (_, inside) = rest.split_once("\">")?;
    Some(inside.split_once("</teammate-message>")?.0)
}
