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

/// The newest answer that holds the continuation's summary: of the same session and agent, else of
/// the session, else of the domain; only of those after `after`.
pub async fn by_summary<I: Index>(
    index: &mut I,
    request: &RequestFacts,
    after: Moment,
) -> Result<Option<Edge>, I::Error> {
    if request.probes.is_empty() {
        return Ok(None);
    }
    for scope in scopes(request) {
        let found = index.summaries(&scope, &request.probes, request.moment).await?;
        if let Some(parent) = found.iter().find(|one| is_recent(one, request, after)) {
            return Ok(Some(Edge::to(LinkKind::Compact, parent.id, Method::Summary)));
        }
    }
    Ok(None)
}

/// The newest summarising exchange of the same session and agent, for a continuation whose summary
/// is nowhere to be found.
pub async fn by_header<I: Index>(
    index: &mut I,
    request: &RequestFacts,
) -> Result<Option<Edge>, I::Error> {
    let Some(session) = &request.session else { return Ok(None) };
    if !request.compacted && request.summary_length == 0 {
        return Ok(None);
    }
    let scope = Scope::Agent { session: session.clone(), agent: request.agent.clone() };
    let newest = index.newest(&scope, request.moment, true).await?;
    let parent = newest.filter(|one| is_recent(one, request, Moment::FIRST));
    Ok(parent.map(|one| Edge::to(LinkKind::Compact, one.id, Method::SummaryHeader)))
}

/// Keys under which a continuation waits for its summary.
pub fn waits(request: &RequestFacts) -> Vec<Hash> {
    request.probes.iter().copied().map(wait_key).collect()
}

pub fn wait_key(probe: Hash) -> Hash {
    Hash::of_parts(&[b"summary", &probe.0])
}

fn is_recent(parent: &Exchange, child: &RequestFacts, after: Moment) -> bool {
    let moment = parent.moment().filter(|moment| *moment > after);
    moment.is_some_and(|moment| distance(moment, child.moment) <= WINDOW)
}
