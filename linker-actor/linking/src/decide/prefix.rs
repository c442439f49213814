//! The longest history that the request's own begins with.

use crate::{
    chain::Node,
    decide::scopes,
    facts::{Moment, RequestFacts},
    hash::Hash,
    index::{Candidates, Exchange, Index, Place, Scope},
    link::{Edge, Joint, LinkKind, Reply, Tier},
};

/// Prefixes looked up at once: a turn adds a handful.
const FIRST_STRIDE: u32 = 32;
const MAX_STRIDE: u32 = 1024;

/// How an answer compares with what follows it, best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReplyMatch {
    Differs,
    Unknown,
    Follows,
}

/// The edge by history, and what speaks for it.
pub struct Found {
    pub edge: Edge,
    pub parent: Moment,
    /// The parent's answer is not known to differ from what follows.
    pub fits: bool,
}

impl Found {
    /// Blocks up to where the exchange leaves its parent's history.
    pub fn length(&self) -> u32 {
        self.edge.joint.as_ref().map_or(0, |joint| joint.length)
    }
}

/// The edge to the exchange with the longest proper prefix: in the same session and agent, else in
/// the same session, else in the domain.
pub async fn find<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    request: &RequestFacts,
) -> Result<Option<Found>, I::Error> {
    let Some(place) = exchange.place else { return Ok(None) };
    let tiers = match request.session {
        Some(_) => &[Tier::Agent, Tier::Session, Tier::Domain][..],
        None => &[Tier::Domain],
    };
    for (tier, scope) in tiers.iter().zip(scopes(request)) {
        if let Some((hash, reply, length)) = longest(index, place, &scope).await? {
            let wanted = Candidates { current: hash, scope, child: request.moment, reply };
            if let Some(parent) = best(index, &wanted, request).await? {
                let fits = reply_match(&parent, &wanted.reply) != ReplyMatch::Differs;
                let moment = parent.moment().unwrap_or(Moment::FIRST);
                let edge = edge(request, &parent, *tier, length, wanted);
                return Ok(Some(Found { edge, parent: moment, fits }));
            }
        }
    }
    Ok(None)
}

/// The longest proper prefix at which an exchange of the scope ends, and what follows it.
async fn longest<I: Index>(
    index: &mut I,
    place: Place,
    scope: &Scope,
) -> Result<Option<(Hash, Reply, u32)>, I::Error> {
    let mut last = place.current;
    let mut below: Vec<Node> = Vec::new();
    let mut stride = FIRST_STRIDE;
    loop {
        let nodes = index.climb(last, stride).await?;
        let Some(top) = nodes.last() else { return Ok(None) };
        let (predecessor, top_length) = (top.predecessor, top.length);
        let hashes: Vec<_> =
            nodes.iter().map(|node| node.hash).filter(|hash| *hash != place.current).collect();
        let ends = index.ending(&hashes, scope).await?;
        let found = nodes.iter().position(|node| ends.contains(&node.hash));
        if let Some(found) = found {
            let (hash, length) = (nodes[found].hash, nodes[found].length);
            below.extend(nodes.into_iter().take(found));
            return Ok(Some((hash, reply(below.iter().rev()), length)));
        }
        if top_length <= 1 {
            return Ok(None);
        }
        below.extend(nodes);
        last = predecessor;
        stride = (stride * 2).min(MAX_STRIDE);
    }
}

/// What the model says behind a joint, by the prefixes behind it, shortest first.
pub fn reply<'a>(behind: impl Iterator<Item = &'a Node>) -> Reply {
    let mut reply = Reply::default();
    for node in behind.take_while(|node| node.assistant) {
        reply.hash = Some(node.hash);
        reply.call = reply.call.or_else(|| node.tool_use.clone());
    }
    reply
}

async fn best<I: Index>(
    index: &mut I,
    wanted: &Candidates,
    request: &RequestFacts,
) -> Result<Option<Exchange>, I::Error> {
    let candidates = index.candidates(wanted).await?;
    Ok(candidates
        .into_iter()
        .max_by(|a, b| rank(a, request, &wanted.reply).cmp(&rank(b, request, &wanted.reply))))
}

/// The order among candidates with the same prefix, best greatest: began before the child (clocks may
/// differ, so later is only worse), answer, system prompt, time, id.
pub fn rank(
    candidate: &Exchange,
    child: &RequestFacts,
    reply: &Reply,
) -> (bool, ReplyMatch, bool, i64, uuid::Uuid) {
    let Some(request) = &candidate.request else {
        return (false, ReplyMatch::Differs, false, i64::MIN, candidate.id.0);
    };
    let before = request.moment < child.moment;
    // Before the child the newest is nearest, after it the oldest.
    let nearness = if before { request.moment.at } else { request.moment.at.saturating_neg() };
    let same_system = request.system == child.system;
    (before, reply_match(candidate, reply), same_system, nearness, candidate.id.0)
}

/// Whether what follows in the child is the candidate's answer.
pub fn reply_match(candidate: &Exchange, reply: &Reply) -> ReplyMatch {
    let Some(answer) = &candidate.answer else { return ReplyMatch::Unknown };
    let same_blocks = candidate.follow.is_some() && candidate.follow == reply.hash;
    let same_call = answer.first_call.is_some() && answer.first_call == reply.call;
    if same_blocks && !answer.blocks.is_empty() || same_call {
        return ReplyMatch::Follows;
    }
    let said_nothing = answer.blocks.is_empty() || !answer.complete;
    match (said_nothing, reply.hash) {
        (true, None) => ReplyMatch::Follows,
        (true, Some(_)) => ReplyMatch::Unknown,
        (false, _) => ReplyMatch::Differs,
    }
}

fn edge(
    request: &RequestFacts,
    parent: &Exchange,
    tier: Tier,
    length: u32,
    wanted: Candidates,
) -> Edge {
    let from = parent.request.as_ref();
    // An agent may inherit the history of the one that started it.
    let inherits = tier == Tier::Session && request.agent.is_some();
    let kind = if inherits { LinkKind::Subagent } else { LinkKind::Turn };
    let late = from.is_some_and(|from| from.moment > request.moment);
    let joint = Joint { hash: wanted.current, length, tier, reply: wanted.reply, late };
    Edge { joint: Some(joint), ..Edge::to(kind, parent.id, tier.method()) }
}
