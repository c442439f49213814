//! Who is to be decided anew.

use super::Round;
use crate::{
    decide,
    facts::{AnswerFacts, RequestFacts},
    index::{Call, Exchange, Index, Place, Scope},
};

/// An exchange took its place in the trie. `is_new`: its whole history was not in it before, so
/// nothing in the index goes on from there.
pub(super) async fn placed<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    request: &RequestFacts,
    is_new: bool,
    round: &mut Round,
) -> Result<(), I::Error> {
    if let Some(session) = &request.session {
        round.dirty.extend(index.heads(session, request.moment).await?);
    }
    let Some(place) = exchange.place else { return Ok(()) };
    next_equal(index, exchange, request, round).await?;
    if is_new {
        return Ok(());
    }
    joined(index, exchange, request, round).await?;
    further(index, exchange, request, place, round).await
}

/// An exchange, given as it was, left its place for another: whoever looked at it there finds others.
pub(super) async fn left<I: Index>(
    index: &mut I,
    was: &Exchange,
    request: &RequestFacts,
    round: &mut Round,
) -> Result<(), I::Error> {
    next_equal(index, was, request, round).await?;
    joined(index, was, request, round).await
}

/// Whoever goes on from there and found no parent as near. Where another exchange ends already, they
/// found that one, and are joined there.
async fn further<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    request: &RequestFacts,
    place: Place,
    round: &mut Round,
) -> Result<(), I::Error> {
    let domain = Scope::Domain(request.domain.clone());
    if !index.is_shared(place.current, &domain, exchange.id).await? {
        round.dirty.extend(index.below(place.current, &request.domain).await?);
    }
    let Some(session) = &request.session else { return Ok(()) };
    let own = Scope::Agent { session: session.clone(), agent: request.agent.clone() };
    if !index.is_shared(place.current, &own, exchange.id).await? {
        round.dirty.extend(index.longer(session, place.length).await?);
    }
    Ok(())
}

/// An answer became known.
pub(super) async fn answered<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    request: &RequestFacts,
    answer: &AnswerFacts,
    round: &mut Round,
) -> Result<(), I::Error> {
    let children = index.children(&[exchange.id]).await?;
    round.dirty.extend(children.iter().map(|link| link.moment));
    next_equal(index, exchange, request, round).await?;
    joined(index, exchange, request, round).await?;
    if let Some(session) = &request.session {
        round.dirty.extend(index.heads(session, request.moment).await?);
    }
    for probe in [answer.summary, answer.plain_summary].into_iter().flatten() {
        let key = decide::summary_key(probe);
        round.dirty.extend(index.waiting(key, request.moment).await?);
    }
    Ok(())
}

/// A call became known, or what its result names.
pub(super) async fn called<I: Index>(
    index: &mut I,
    call: &Call,
    request: &RequestFacts,
    round: &mut Round,
) -> Result<(), I::Error> {
    if let Some(prompt) = call.prompt {
        let key = decide::prompt_key(call.scope, prompt);
        round.dirty.extend(index.waiting(key, call.caller).await?);
    }
    round.dirty.extend(call.taken_by);
    if let Some(session) = request.session.as_deref() {
        round.dirty.extend(index.heads(session, call.caller).await?);
    }
    Ok(())
}

/// Whoever's history leaves another's at the end of this one.
async fn joined<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    request: &RequestFacts,
    round: &mut Round,
) -> Result<(), I::Error> {
    let Some(place) = exchange.place else { return Ok(()) };
    let session = request.session.as_deref();
    let joined = index.joined(place.current, &request.domain, session, request.moment).await?;
    round.dirty.extend(joined);
    Ok(())
}

/// The next exchange with the same history may be a repeat of this one.
async fn next_equal<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    request: &RequestFacts,
    round: &mut Round,
) -> Result<(), I::Error> {
    let Some(place) = exchange.place else { return Ok(()) };
    let mut scopes = vec![decide::repeat_scope(request)];
    if !request.identified && request.session.is_some() {
        scopes.push(Scope::Domain(request.domain.clone()));
    }
    for scope in scopes {
        let (at, known) = (request.moment, request.identified);
        let next = index.equal(place.current, &scope, known, at, true).await?;
        round.dirty.extend(next.and_then(|next| next.moment()));
    }
    Ok(())
}
