//! Rows of the link tables, and what they stand for.

use nexus_contract::ExchangeId;
use nexus_linking::{
    AnswerFacts, Edge, Exchange, Hash, Link, LinkKind, Method, Moment, RequestFacts,
    chain::Node,
    index::{Call, Place},
    link::{Joint, Reply, TaskRef, Tier},
};
use uuid::Uuid;

use super::{Labelled, stored};
use crate::error::{Result, StoreError};

pub(super) const FACTS: &str = "exchange_id, at, domain, session_id, agent_id, client, thread_of, \
    message_id, current_hash, length, follow_hash, request_facts, answer_facts";

/// What is read back of `link_facts`.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct FactsRow {
    exchange_id: Uuid,
    at: Option<i64>,
    domain: Option<String>,
    session_id: Option<String>,
    agent_id: Option<String>,
    client: Option<String>,
    thread_of: Option<String>,
    message_id: Option<String>,
    current_hash: Option<Vec<u8>>,
    length: Option<i64>,
    follow_hash: Option<Vec<u8>>,
    request_facts: Option<Vec<u8>>,
    answer_facts: Option<Vec<u8>>,
}

impl TryFrom<FactsRow> for Exchange {
    type Error = StoreError;

    fn try_from(row: FactsRow) -> Result<Self> {
        let current = row.current_hash.as_deref().map(hash).transpose()?;
        let place = current.zip(row.length);
        let follow = row.follow_hash.as_deref().map(hash).transpose()?;
        let answer: Option<AnswerFacts> =
            row.answer_facts.as_deref().map(stored::unpack).transpose()?;
        let message_id = row.message_id.clone();
        Ok(Self {
            id: ExchangeId(row.exchange_id),
            answer: answer
                .map(|rest| AnswerFacts { message_id: rest.message_id.or(message_id), ..rest }),
            place: place.map(|(current, length)| Place { current, length: small(length) }),
            follow,
            request: row.request()?,
        })
    }
}

impl FactsRow {
    /// What is packed, and beside it what the columns hold.
    fn request(self) -> Result<Option<RequestFacts>> {
        let Some(packed) = self.request_facts else { return Ok(None) };
        let rest: RequestFacts = stored::unpack(&packed)?;
        let id = ExchangeId(self.exchange_id);
        let or_column = |text: String, column: Option<String>| {
            if text.is_empty() { column.unwrap_or_default() } else { text }
        };
        Ok(Some(RequestFacts {
            moment: self.at.map_or(rest.moment, |at| Moment { at, id }),
            domain: or_column(rest.domain, self.domain),
            session: rest.session.or(self.session_id),
            agent: rest.agent.or(self.agent_id),
            client: or_column(rest.client, self.client),
            thread: rest.thread.or(self.thread_of),
            ..rest
        }))
    }
}

pub(super) const NODE: &str = "hash, predecessor, length, assistant, tool_use_id";

#[derive(Debug, sqlx::FromRow)]
pub(super) struct NodeRow {
    hash: Vec<u8>,
    predecessor: Vec<u8>,
    length: i64,
    assistant: bool,
    tool_use_id: Option<String>,
}

impl TryFrom<NodeRow> for Node {
    type Error = StoreError;

    fn try_from(row: NodeRow) -> Result<Self> {
        Ok(Self {
            hash: hash(&row.hash)?,
            predecessor: hash(&row.predecessor)?,
            length: small(row.length),
            assistant: row.assistant,
            tool_use: row.tool_use_id,
        })
    }
}

pub(super) const LINK: &str = "exchange_id, at, kind, parent_id, task_use_id, task_position, method, \
    joint_hash, joint_length, joint_tier, reply_hash, reply_call, late, head, step_id, \
    conversation_id, branch_id";

#[derive(Debug, sqlx::FromRow)]
pub(super) struct LinkRow {
    exchange_id: Uuid,
    at: i64,
    kind: String,
    parent_id: Option<Uuid>,
    task_use_id: Option<String>,
    task_position: Option<i64>,
    method: String,
    joint_hash: Option<Vec<u8>>,
    joint_length: Option<i64>,
    joint_tier: Option<String>,
    reply_hash: Option<Vec<u8>>,
    reply_call: Option<String>,
    late: bool,
    head: bool,
    step_id: Uuid,
    conversation_id: Option<Uuid>,
    branch_id: Option<Uuid>,
}

/// The name of the branch, beside [`LINK`] of `links`.
pub(super) const LABEL: &str =
    "(SELECT b.label FROM link_labels b WHERE b.branch_id = links.branch_id) AS label";

#[derive(Debug, sqlx::FromRow)]
pub(super) struct LabelledRow {
    #[sqlx(flatten)]
    link: LinkRow,
    label: Option<String>,
}

impl TryFrom<LabelledRow> for Labelled {
    type Error = StoreError;

    fn try_from(row: LabelledRow) -> Result<Self> {
        Ok(Self { link: row.link.try_into()?, label: row.label })
    }
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self> {
        let joint = row.joint()?;
        let position = row.task_position.map_or(u32::MAX, small);
        let task = row.task_use_id.map(|tool_use_id| TaskRef { tool_use_id, position });
        let edge = Edge {
            kind: LinkKind::parse(&row.kind).ok_or_else(|| unknown("kind", &row.kind))?,
            parent: row.parent_id.map(ExchangeId),
            parent_task: task,
            method: Method::parse(&row.method).ok_or_else(|| unknown("method", &row.method))?,
            joint,
            head: row.head,
        };
        Ok(Self {
            moment: Moment { at: row.at, id: ExchangeId(row.exchange_id) },
            edge,
            step: ExchangeId(row.step_id),
            conversation: row.conversation_id.map(ExchangeId),
            branch: row.branch_id.map(ExchangeId),
        })
    }
}

impl LinkRow {
    fn joint(&self) -> Result<Option<Joint>> {
        let (Some(joint), Some(length), Some(tier)) =
            (&self.joint_hash, self.joint_length, &self.joint_tier)
        else {
            return Ok(None);
        };
        Ok(Some(Joint {
            hash: hash(joint)?,
            length: small(length),
            tier: Tier::parse(tier).ok_or_else(|| unknown("tier", tier))?,
            reply: Reply {
                hash: self.reply_hash.as_deref().map(hash).transpose()?,
                call: self.reply_call.clone(),
            },
            late: self.late,
        }))
    }
}

pub(super) const CALL: &str = "scope, tool_use_id, caller_id, caller_at, position, harness, agent_id, \
    prompt_hash, names_agent, taken_by, taken_at";

#[derive(Debug, sqlx::FromRow)]
pub(super) struct CallRow {
    scope: Vec<u8>,
    tool_use_id: String,
    caller_id: Uuid,
    caller_at: i64,
    position: i64,
    harness: bool,
    agent_id: Option<String>,
    prompt_hash: Option<Vec<u8>>,
    names_agent: Option<String>,
    taken_by: Option<Uuid>,
    taken_at: Option<i64>,
}

impl TryFrom<CallRow> for Call {
    type Error = StoreError;

    fn try_from(row: CallRow) -> Result<Self> {
        let taken = row.taken_by.zip(row.taken_at);
        Ok(Self {
            tool_use_id: row.tool_use_id,
            caller: Moment { at: row.caller_at, id: ExchangeId(row.caller_id) },
            position: small(row.position),
            harness: row.harness,
            scope: hash(&row.scope)?,
            agent: row.agent_id,
            prompt: row.prompt_hash.as_deref().map(hash).transpose()?,
            names: row.names_agent,
            taken_by: taken.map(|(id, at)| Moment { at, id: ExchangeId(id) }),
        })
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct MomentRow {
    exchange_id: Uuid,
    at: i64,
}

impl From<MomentRow> for Moment {
    fn from(row: MomentRow) -> Self {
        Self { at: row.at, id: ExchangeId(row.exchange_id) }
    }
}

/// Many rows as what they stand for.
pub(super) fn all<R, T: TryFrom<R, Error = StoreError>>(rows: Vec<R>) -> Result<Vec<T>> {
    rows.into_iter().map(T::try_from).collect()
}

pub(super) fn hash(bytes: &[u8]) -> Result<Hash> {
    Hash::from_slice(bytes).ok_or_else(|| StoreError::Corrupt("a hash is not 32 bytes".to_owned()))
}

pub(super) fn bytes(hash: Hash) -> Vec<u8> {
    hash.0.to_vec()
}

/// PostgreSQL's texts hold no NUL.
pub(super) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn unknown(what: &str, name: &str) -> StoreError {
    StoreError::Corrupt(format!("links has the unknown {what} {name:?}"))
}
