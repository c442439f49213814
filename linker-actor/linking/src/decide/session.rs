//! Nothing but the session is common.

use crate::{
    facts::RequestFacts,
    index::{Index, Scope},
    link::{Edge, LinkKind, Method},
};

/// The newest exchange before it of the same session and agent; for an agent that nothing started,
/// of the agent above.
pub async fn find<I: Index>(
    index: &mut I,
    request: &RequestFacts,
) -> Result<Option<Edge>, I::Error> {
    let Some(session) = &request.session else { return Ok(None) };
    let own = Scope::Agent { session: session.clone(), agent: request.agent.clone() };
    if let Some(parent) = index.newest(&own, request.moment, false).await? {
        // Clients also write a summary themselves, from notes that no answer holds. Every later turn
        // repeats it, also one whose client has changed the history behind it.
        let repeats = parent.request.as_ref().is_some_and(|one| one.has_summary_of(request));
        let is_new = request.is_continuation() && !repeats;
        let kind = if is_new { LinkKind::Compact } else { LinkKind::Turn };
        return Ok(Some(Edge::to(kind, parent.id, Method::Session)));
    }
    if request.agent.is_none() {
        return Ok(None);
    }
    let above = Scope::Agent { session: session.clone(), agent: request.parent_agent.clone() };
    let parent = index.newest(&above, request.moment, false).await?;
    Ok(parent.map(|parent| Edge::to(LinkKind::Subagent, parent.id, Method::Session)))
}
