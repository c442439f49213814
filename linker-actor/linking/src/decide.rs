//! The decision: which exchange another one continues. Every rule is a function of the facts in the
//! index; only calls remember who took them, so that each starts one sub-agent.

mod attempt;
mod circle;
mod compaction;
mod prefix;
mod session;
mod subagent;

use std::cmp::Ordering;

pub use attempt::{RETRY_WINDOW, scope as repeat_scope};
pub use circle::{closing, rejected_key};
pub use compaction::wait_key as summary_key;
pub use prefix::{ReplyMatch, rank, reply, reply_match};
pub use subagent::{call_scope, wait_key as prompt_key};

use crate::{
    facts::{Moment, RequestFacts},
    hash::Hash,
    index::{Exchange, Index, Scope},
    link::{Edge, LinkKind, Method},
};

/// What was decided for an exchange.
#[derive(Debug, Clone)]
pub struct Decision {
    pub edge: Edge,
    /// The call that started it.
    pub takes: Option<crate::index::Call>,
    /// What it would be decided anew for, when it turns up.
    pub waits: Vec<Hash>,
}

/// Decides the edge of an exchange whose request is known.
pub async fn decide<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    request: &RequestFacts,
) -> Result<Decision, I::Error> {
    let decision = by_rules(index, exchange, request).await?;
    if !circle::closes(index, request.moment, &decision.edge).await? {
        return Ok(decision);
    }
    let mut waits = head_waits(request);
    waits.push(circle::rejected_key());
    let joint = decision.edge.joint;
    let edge = Edge { method: Method::Refused, joint, ..Edge::root() };
    Ok(Decision { edge, takes: None, waits })
}

async fn by_rules<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    request: &RequestFacts,
) -> Result<Decision, I::Error> {
    if !request.member {
        return Ok(Decision::of(Edge::auxiliary()));
    }
    match attempt::find(index, exchange, request).await? {
        Some(again) if again.head => return head(index, request, Some(again)).await,
        Some(again) => return Ok(Decision::of(again)),
        None => {}
    }
    if let Some(edge) = thread(index, request).await? {
        return Ok(Decision::of(edge));
    }
    let prefix = prefix::find(index, exchange, request).await?;
    if request.summary_length == 0 {
        return match prefix {
            Some(found) => Ok(Decision::of(found.edge)),
            None => head(index, request, None).await,
        };
    }
    from_summary(index, request, prefix).await
}

/// With a summary in the history: it goes on from the summary, or repeats an earlier continuation.
///
/// Summaries may be equal word for word. Where an earlier continuation is nothing but the summary, was
/// answered otherwise, and the summary was written once more since, the later summary is the parent.
async fn from_summary<I: Index>(
    index: &mut I,
    request: &RequestFacts,
    prefix: Option<prefix::Found>,
) -> Result<Decision, I::Error> {
    let waits = compaction::waits(request);
    let mut after = Moment::FIRST;
    if let Some(found) = &prefix {
        match found.length().cmp(&request.summary_length) {
            Ordering::Greater => return Ok(Decision::of(found.edge.clone())),
            // What it waits for must not depend on the answer, or an unchanged edge would not tell.
            Ordering::Equal if found.fits => {
                return Ok(Decision { waits, ..Decision::of(found.edge.clone()) });
            }
            Ordering::Equal => after = found.parent,
            Ordering::Less => {}
        }
    }
    // A summary that the parent's history holds was gone on from before.
    let known = prefix.as_ref().map_or(0, prefix::Found::length);
    let summary = compaction::by_summary(index, request, known, after).await?;
    // The history was passed over for what ends at its joint now. When that changes, the joint is
    // how this exchange is found again.
    let joint = prefix.as_ref().and_then(|found| found.edge.joint.clone());
    let summary = summary.map(|edge| Edge { joint, ..edge });
    match summary.or(prefix.map(|found| found.edge)) {
        Some(edge) => Ok(Decision { waits, ..Decision::of(edge) }),
        None => head(index, request, None).await,
    }
}

/// No history leads anywhere: a call may, an earlier request that this one is `again`, a summary
/// that the client speaks of, or the session.
async fn head<I: Index>(
    index: &mut I,
    request: &RequestFacts,
    again: Option<Edge>,
) -> Result<Decision, I::Error> {
    let (edge, takes) = match (subagent::find(index, request).await?, again) {
        (Some((edge, call)), _) => (edge, Some(call)),
        (None, Some(again)) => (again, None),
        (None, None) => (weak(index, request).await?, None),
    };
    Ok(Decision { edge: Edge { head: true, ..edge }, takes, waits: head_waits(request) })
}

fn head_waits(request: &RequestFacts) -> Vec<Hash> {
    let mut waits = compaction::waits(request);
    waits.extend(subagent::waits(request));
    waits
}

async fn weak<I: Index>(index: &mut I, request: &RequestFacts) -> Result<Edge, I::Error> {
    if let Some(edge) = compaction::by_header(index, request).await? {
        return Ok(edge);
    }
    Ok(session::find(index, request).await?.unwrap_or(Edge::root()))
}

/// The answer that a message thread names.
async fn thread<I: Index>(index: &mut I, request: &RequestFacts) -> Result<Option<Edge>, I::Error> {
    let parent = threaded(index, request).await?;
    Ok(parent.map(|parent| Edge::to(LinkKind::Turn, parent.id, Method::Thread)))
}

/// The exchange whose answer the request's thread goes on from: of its domain, else of its session.
pub async fn threaded<I: Index>(
    index: &mut I,
    request: &RequestFacts,
) -> Result<Option<Exchange>, I::Error> {
    let Some(message_id) = &request.thread else { return Ok(None) };
    let domain = Scope::Domain(request.domain.clone());
    let session = request.session.clone().map(Scope::Session);
    for scope in std::iter::once(domain).chain(session) {
        let found = index.answering(&scope, message_id, request.moment).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

impl Decision {
    fn of(edge: Edge) -> Self {
        Self { edge, takes: None, waits: Vec::new() }
    }
}

/// The scopes in which an exchange looks for others, nearest first.
fn scopes(request: &RequestFacts) -> Vec<Scope> {
    let mut scopes = Vec::with_capacity(3);
    if let Some(session) = &request.session {
        let agent = request.agent.clone();
        scopes.push(Scope::Agent { session: session.clone(), agent });
        scopes.push(Scope::Session(session.clone()));
    }
    scopes.push(Scope::Domain(request.domain.clone()));
    scopes
}

/// Microseconds between two instants, never negative.
fn distance(earlier: Moment, later: Moment) -> u64 {
    later.at.abs_diff(earlier.at)
}
