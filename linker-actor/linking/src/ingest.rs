//! New facts: into the index, and everything decided anew that they can touch.
//!
//! The links are a function of the set of facts. Each rule of [`decide`] reads
//! facts; for each of its look-ups there is a trigger here that finds the exchanges which would now
//! look up something else. They are decided in the order of time, because a call that an earlier
//! exchange takes is gone for the later ones, and never the other way round.

mod place;
mod trigger;

use std::collections::{BTreeMap, BTreeSet};

use nexus_contract::ExchangeId;

use crate::{
    decide::{self, Decision},
    facts::{Fact, Moment, RequestFacts},
    hash::Hash,
    index::{Call, Exchange, Index},
    link::{Edge, Link, Method},
    structure,
};

/// What one round of facts led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Every exchange whose link is new or differs, in the order of ids.
    pub links: Vec<ExchangeId>,
    /// Facts that were not known before.
    pub new_facts: usize,
    /// The methods of exchanges that were linked for the first time.
    pub first: Vec<Method>,
}

/// Takes facts in, any number of times and in any order, and brings the links up to date.
pub async fn ingest<I: Index>(index: &mut I, facts: &[Fact]) -> Result<Changes, I::Error> {
    let mut round = Round::default();
    for fact in facts {
        if place::insert(index, fact, &mut round).await? {
            round.new_facts += 1;
        }
    }
    settle(index, round).await
}

/// Decides exchanges anew whose facts are in the index already.
pub async fn redecide<I: Index>(
    index: &mut I,
    moments: impl IntoIterator<Item = Moment> + Send,
) -> Result<Changes, I::Error> {
    let round = Round { dirty: moments.into_iter().collect(), ..Round::default() };
    settle(index, round).await
}

async fn settle<I: Index>(index: &mut I, mut round: Round) -> Result<Changes, I::Error> {
    while let Some(moment) = round.dirty.pop_first() {
        decide_anew(index, moment, &mut round).await?;
    }
    let changed: Vec<_> = round.before.keys().copied().collect();
    index.expect_places(&changed).await?;
    let moved = structure::settle(index, &round.before).await?;
    let mut links: BTreeSet<_> = round.before.keys().copied().collect();
    links.extend(moved);
    Ok(Changes {
        links: links.into_iter().collect(),
        new_facts: round.new_facts,
        first: round.first,
    })
}

/// Puts facts into the index without deciding anything.
pub async fn put_facts<I: Index>(index: &mut I, facts: &[Fact]) -> Result<(), I::Error> {
    let mut round = Round::default();
    for fact in facts {
        place::insert(index, fact, &mut round).await?;
    }
    Ok(())
}

/// The state of one call of [`ingest`].
#[derive(Debug, Default)]
struct Round {
    /// To be decided, earliest first.
    dirty: BTreeSet<Moment>,
    /// The edges as they were, of all that changed; `None` for new ones.
    before: BTreeMap<ExchangeId, Option<Edge>>,
    new_facts: usize,
    first: Vec<Method>,
}

async fn decide_anew<I: Index>(
    index: &mut I,
    moment: Moment,
    round: &mut Round,
) -> Result<(), I::Error> {
    let Some(exchange) = index.find(moment.id).await? else { return Ok(()) };
    let Some(request) = exchange.request.as_ref() else { return Ok(()) };
    let decision = decide::decide(index, &exchange, request).await?;
    take_call(index, &exchange, decision.takes.as_ref(), round).await?;
    keep(index, request, decision, round).await
}

/// Stores the edge if it differs.
async fn keep<I: Index>(
    index: &mut I,
    request: &RequestFacts,
    decision: Decision,
    round: &mut Round,
) -> Result<(), I::Error> {
    let moment = request.moment;
    let known = index.find_link(moment.id).await?;
    if known.as_ref().is_some_and(|link| link.edge == decision.edge) {
        return Ok(());
    }
    let before = known.as_ref().map(|link| link.edge.clone());
    round.before.entry(moment.id).or_insert(before);
    let link = if let Some(link) = known {
        Link { edge: decision.edge, ..link }
    } else {
        round.first.push(decision.edge.method);
        Link::new(moment, decision.edge)
    };
    index.put_link(&link, &decision.waits).await?;
    round.dirty.extend(decide::closing(index, moment.id, &link.edge).await?);
    let rejected = index.waiting(decide::rejected_key(), Moment::FIRST).await?;
    round.dirty.extend(rejected.into_iter().filter(|other| *other != moment));
    Ok(())
}

/// Takes a call for the exchange and gives back the one it held; whoever may want either comes next.
async fn take_call<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    wanted: Option<&Call>,
    round: &mut Round,
) -> Result<(), I::Error> {
    let Some(moment) = exchange.moment() else { return Ok(()) };
    let held = index.held_by(exchange.id).await?;
    let wanted = wanted.filter(|call| !call.harness);
    let same = |a: &Call, b: &Call| a.caller == b.caller && a.tool_use_id == b.tool_use_id;
    if let (Some(held), Some(wanted)) = (&held, wanted)
        && same(held, wanted)
    {
        return Ok(());
    }
    if let Some(held) = held {
        index.put_call(&Call { taken_by: None, ..held.clone() }).await?;
        rivals(index, exchange, held.scope, held.prompt, moment, round).await?;
    }
    if let Some(call) = wanted {
        index.put_call(&Call { taken_by: Some(moment), ..call.clone() }).await?;
        round.dirty.extend(call.taken_by.filter(|taker| *taker != moment));
        rivals(index, exchange, call.scope, call.prompt, moment, round).await?;
    }
    Ok(())
}

/// Later exchanges that look at the same calls.
async fn rivals<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    scope: Hash,
    prompt: Option<Hash>,
    moment: Moment,
    round: &mut Round,
) -> Result<(), I::Error> {
    if let Some(prompt) = prompt {
        let key = decide::prompt_key(scope, prompt);
        round.dirty.extend(index.waiting(key, moment).await?);
    }
    let session = exchange.request.as_ref().and_then(|request| request.session.as_deref());
    if let Some(session) = session {
        round.dirty.extend(index.heads(session, moment).await?);
    }
    Ok(())
}
