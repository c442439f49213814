//! Puts a fact into the index: the exchange, its history's prefixes, its calls and results.

use nexus_contract::ExchangeId;

use super::{Round, trigger};
use crate::{
    block::Normal,
    chain, decide,
    facts::{AnswerFacts, Fact, HARNESSES, RequestFacts},
    hash::Hash,
    index::{Call, Exchange, Index, Path, Place},
};

/// False when the fact was known.
pub(super) async fn insert<I: Index>(
    index: &mut I,
    fact: &Fact,
    round: &mut Round,
) -> Result<bool, I::Error> {
    let id = fact.id();
    let mut exchange = index.find(id).await?.unwrap_or_else(|| Exchange::new(id));
    match fact {
        Fact::Request(_, _) if exchange.request.is_some() => return Ok(false),
        Fact::Answer(_, _) if exchange.answer.is_some() => return Ok(false),
        Fact::Request(_, request) => {
            exchange.request = Some(request.as_ref().clone());
            requested(index, exchange, round).await?;
        }
        Fact::Answer(_, answer) => {
            exchange.answer = Some(answer.as_ref().clone());
            exchange.follow = follow(&exchange);
            index.put(&exchange).await?;
            if exchange.request.is_some() {
                answered(index, &exchange, round).await?;
            }
        }
    }
    Ok(true)
}

async fn requested<I: Index>(
    index: &mut I,
    mut exchange: Exchange,
    round: &mut Round,
) -> Result<(), I::Error> {
    let Some(request) = &mut exchange.request else { return Ok(()) };
    let blocks = if request.thread.is_some() {
        request.blocks.clone()
    } else {
        std::mem::take(&mut request.blocks)
    };
    let request = request.clone();
    round.dirty.insert(request.moment);
    if !request.member {
        return index.put(&exchange).await;
    }
    locate(index, &mut exchange, &request, &blocks, round).await?;
    results(index, &request, round).await?;
    if exchange.answer.is_some() {
        answered(index, &exchange, round).await?;
    }
    Ok(())
}

/// Finds the end of the history, stores it, and marks whom the exchange's place touches.
async fn locate<I: Index>(
    index: &mut I,
    exchange: &mut Exchange,
    request: &RequestFacts,
    blocks: &[Normal],
    round: &mut Round,
) -> Result<(), I::Error> {
    let base = if request.thread.is_some() {
        decide::threaded(index, request).await?.and_then(base_of)
    } else {
        Some((Place { current: Hash::START, length: 0 }, Vec::new()))
    };
    let was = exchange.clone();
    let mut is_new = true;
    exchange.place = None;
    if let Some((base, mut answered)) = base {
        answered.extend_from_slice(blocks);
        let nodes = chain::extend(base.current, base.length, &answered);
        let last = nodes.last().map(|node| Place { current: node.hash, length: node.length });
        exchange.place = last.or(Some(base)).filter(|place| place.length > 0);
        is_new = grow(index, &request.domain, base.current, &nodes).await?;
    }
    exchange.follow = follow(exchange);
    index.put(exchange).await?;
    if let Some(place) = was.place.filter(|place| exchange.place != Some(*place)) {
        index.drop_nodes(place.current).await?;
        trigger::left(index, &was, request, round).await?;
    }
    trigger::placed(index, exchange, request, is_new, round).await
}

/// A thread goes on behind its parent's answer: the end of the parent's history, and that answer.
fn base_of(parent: Exchange) -> Option<(Place, Vec<Normal>)> {
    Some((parent.place?, parent.answer?.blocks))
}

/// Stores the prefixes that are not known, behind `base`. The trie holds every prefix of what it
/// holds, so a binary search finds the longest known one. True when the whole history was not in it.
async fn grow<I: Index>(
    index: &mut I,
    domain: &str,
    base: Hash,
    nodes: &[chain::Node],
) -> Result<bool, I::Error> {
    // A turn adds few: look at the end first.
    let near = nodes.len().saturating_sub(16);
    let tail: Vec<_> = nodes[near..].iter().map(|node| node.hash).collect();
    let known = index.known_nodes(&tail).await?;
    let mut first_new = near + tail.iter().take_while(|hash| known.contains(hash)).count();
    if first_new == near && near > 0 {
        let (mut low, mut high) = (0, near);
        while low < high {
            let middle = usize::midpoint(low, high);
            if index.known_nodes(&[nodes[middle].hash]).await?.is_empty() {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        first_new = low;
    }
    let (stored, new) = nodes.split_at(first_new);
    let known = stored.last().map_or(base, |node| node.hash);
    index.put_path(&Path { domain: domain.to_owned(), known, new: new.to_vec() }).await?;
    Ok(!new.is_empty())
}

/// The hash of the history with the answer behind it.
fn follow(exchange: &Exchange) -> Option<Hash> {
    let (place, answer) = (exchange.place?, exchange.answer.as_ref()?);
    Some(answer.blocks.iter().fold(place.current, |hash, block| hash.then(block.digest)))
}

/// What the request's tool results say about agents.
async fn results<I: Index>(
    index: &mut I,
    request: &RequestFacts,
    round: &mut Round,
) -> Result<(), I::Error> {
    let scope = decide::call_scope(request.session.as_deref(), &request.domain);
    for result in &request.results {
        for call in index.put_result(scope, &result.tool_use_id, &result.agent).await? {
            name_call(index, call, request, round).await?;
        }
    }
    Ok(())
}

async fn name_call<I: Index>(
    index: &mut I,
    call: Call,
    request: &RequestFacts,
    round: &mut Round,
) -> Result<(), I::Error> {
    let names = index.named_by(call.scope, &call.tool_use_id).await?;
    if call.names == names {
        return Ok(());
    }
    index.put_call(&Call { names, ..call.clone() }).await?;
    trigger::called(index, &call, request, round).await
}

async fn answered<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    round: &mut Round,
) -> Result<(), I::Error> {
    let (Some(request), Some(answer)) = (&exchange.request, &exchange.answer) else {
        return Ok(());
    };
    if !request.member {
        return Ok(());
    }
    calls(index, request, answer, round).await?;
    trigger::answered(index, exchange, request, answer, round).await?;
    let Some(message_id) = &answer.message_id else { return Ok(()) };
    for id in index.threads(message_id).await? {
        if id != exchange.id {
            Box::pin(relocate(index, id, round)).await?;
        }
    }
    Ok(())
}

/// The beginning of a thread became known, or another one.
async fn relocate<I: Index>(
    index: &mut I,
    id: ExchangeId,
    round: &mut Round,
) -> Result<(), I::Error> {
    let Some(mut exchange) = index.find(id).await? else { return Ok(()) };
    let Some(request) = exchange.request.clone() else { return Ok(()) };
    let was = exchange.place;
    let blocks = request.blocks.clone();
    locate(index, &mut exchange, &request, &blocks, round).await?;
    round.dirty.insert(request.moment);
    if exchange.place != was {
        answered(index, &exchange, round).await?;
    }
    Ok(())
}

async fn calls<I: Index>(
    index: &mut I,
    request: &RequestFacts,
    answer: &AnswerFacts,
    round: &mut Round,
) -> Result<(), I::Error> {
    let scope = decide::call_scope(request.session.as_deref(), &request.domain);
    for spawn in &answer.spawns {
        let held = index.find_call(scope, &spawn.tool_use_id, request.moment).await?;
        if held.is_some() {
            continue;
        }
        let call = Call {
            tool_use_id: spawn.tool_use_id.clone(),
            caller: request.moment,
            position: spawn.position,
            harness: HARNESSES.contains(&spawn.name.as_str()),
            scope,
            agent: request.agent.clone(),
            prompt: spawn.prompt,
            names: index.named_by(scope, &spawn.tool_use_id).await?,
            taken_by: None,
        };
        index.put_call(&call).await?;
        trigger::called(index, &call, request, round).await?;
    }
    Ok(())
}
