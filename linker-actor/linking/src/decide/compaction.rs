//! Continuations from a summary.

use crate::{
    decide::{distance, scopes},
    facts::{Moment, RequestFacts},
    hash::Hash,
    index::{Exchange, Index, Scope},
    link::{Edge, LinkKind, Method},
};

/// A continuation is looked for this long: 7 days.
const WINDOW: u64 = 7 * 24 * 60 * 60 * 1_000_000;

/// The newest answer that holds a summary of the continuation behind its first `known` blocks: of
/// the same session and agent, else of the session, else of the domain; only of those after `after`.
pub async fn by_summary<I: Index>(
    index: &mut I,
    request: &RequestFacts,
    known: u32,
    after: Moment,
) -> Result<Option<Edge>, I::Error> {
    let probes = request.probes_behind(known);
    if probes.is_empty() {
        return Ok(None);
    }
    for scope in scopes(request) {
        let found = index.summaries(&scope, &probes, request.moment).await?;
        if let Some(parent) = found.iter().find(|one| is_recent(one, request, after)) {
            return Ok(Some(Edge::to(LinkKind::Compact, parent.id, Method::Summary)));
        }
    }
    Ok(None)
}

/// The newest summarising exchange of the same session and agent, for a continuation whose summary
/// is nowhere to be found. Not where others have gone on from it since: then this is another summary.
pub async fn by_header<I: Index>(
    index: &mut I,
    request: &RequestFacts,
) -> Result<Option<Edge>, I::Error> {
    let Some(session) = &request.session else { return Ok(None) };
    if !request.is_continuation() {
        return Ok(None);
    }
    let scope = Scope::Agent { session: session.clone(), agent: request.agent.clone() };
    let newest = index.newest(&scope, request.moment, true).await?;
    let Some(parent) = newest.filter(|one| is_recent(one, request, Moment::FIRST)) else {
        return Ok(None);
    };
    let last = index.newest(&scope, request.moment, false).await?;
    let is_spent = last.is_some_and(|last| goes_on_from(&last, &parent));
    Ok((!is_spent).then(|| Edge::to(LinkKind::Compact, parent.id, Method::SummaryHeader)))
}

fn goes_on_from(last: &Exchange, parent: &Exchange) -> bool {
    let (Some(request), Some(summary)) = (&last.request, parent.summary()) else { return false };
    request.probes_behind(0).contains(&summary)
}

/// Keys under which a continuation waits for its summary: all, whatever of its history is known.
pub fn waits(request: &RequestFacts) -> Vec<Hash> {
    request.probes_behind(0).into_iter().map(wait_key).collect()
}

pub fn wait_key(probe: Hash) -> Hash {
    Hash::of_parts(&[b"summary", &probe.0])
}

fn is_recent(parent: &Exchange, child: &RequestFacts, after: Moment) -> bool {
    let moment = parent.moment().filter(|moment| *moment > after);
    moment.is_some_and(|moment| distance(moment, child.moment) <= WINDOW)
}
