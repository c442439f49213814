//! The same request again.

use crate::{
    decide::distance,
    facts::{AnswerFacts, RequestFacts},
    index::{Exchange, Index, Scope},
    link::{Edge, LinkKind, Method},
};

/// How long after the start of a failed request an equal one is a retry of it: 10 minutes.
pub const RETRY_WINDOW: u64 = 10 * 60 * 1_000_000;

/// The attempt before this one; a head where a call with the same words goes before it.
pub async fn find<I: Index>(
    index: &mut I,
    exchange: &Exchange,
    request: &RequestFacts,
) -> Result<Option<Edge>, I::Error> {
    let Some(place) = exchange.place else { return Ok(None) };
    let scope = scope(request);
    let before =
        index.equal(place.current, &scope, request.identified, request.moment, false).await?;
    Ok(before.and_then(|before| repeat(&before, request)))
}

/// Where equal requests are looked for.
pub fn scope(request: &RequestFacts) -> Scope {
    match &request.session {
        Some(session) => Scope::Agent { session: session.clone(), agent: request.agent.clone() },
        None => Scope::Domain(request.domain.clone()),
    }
}

/// Whether `request`, equal to `before` and next after it, asks for the same once more.
fn repeat(before: &Exchange, request: &RequestFacts) -> Option<Edge> {
    let earlier = before.request.as_ref()?;
    // Continuations of equal summaries look alike without being the same step.
    let opens_summary = request.summary_length == before.place.map_or(0, |place| place.length)
        && request.summary_length > 0;
    if request.identified && !opens_summary {
        let answered = before.answer.as_ref().is_some_and(AnswerFacts::satisfies);
        // Who has the answer and sends the same once more went back to ask again: a fork. With
        // nothing before it there is none, but a client that names its session and no agents may
        // have started an agent with these words.
        let again = Edge::to(LinkKind::Attempt, before.id, Method::SessionRepeat);
        (!answered || !request.continues).then_some(Edge { head: answered, ..again })
    } else {
        let soon = distance(earlier.moment, request.moment) < RETRY_WINDOW;
        let failed = before.has_failed() && soon && earlier.session == request.session;
        failed.then(|| Edge::to(LinkKind::Attempt, before.id, Method::Repeat))
    }
}
