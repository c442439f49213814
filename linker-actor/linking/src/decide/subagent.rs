//! Sub-agents: which call started the exchange.

use crate::{
    facts::RequestFacts,
    hash::Hash,
    index::{Call, Index, Scope},
    link::{Edge, LinkKind, Method, TaskRef},
};

/// The call that started the exchange, and the edge to it.
///
/// By the result that names the agent; by the prompt; for agents that the headers name, by a call of
/// the agent above that is still open. Of equal calls the newest; each starts one sub-agent, but a
/// harness any number.
pub async fn find<I: Index>(
    index: &mut I,
    request: &RequestFacts,
) -> Result<Option<(Edge, Call)>, I::Error> {
    if !is_new_agent(index, request).await? {
        return Ok(None);
    }
    let scope = call_scope(request.session.as_deref(), &request.domain);
    if let Some(agent) = &request.agent
        && let Some(call) = index.call_of(scope, agent).await?
        && call.is_open_for(request.moment)
    {
        return Ok(Some(edge(call, Method::AgentResult)));
    }
    let prompted = index.open_calls(scope, Some(&request.openings), request.moment).await?;
    if let Some(call) = choose(prompted, request) {
        let method = if request.agent.is_some() { Method::AgentPrompt } else { Method::Prompt };
        return Ok(Some(edge(call, method)));
    }
    if request.agent.is_none() {
        return Ok(None);
    }
    let open = index.open_calls(scope, None, request.moment).await?;
    let mut open: Vec<_> =
        open.into_iter().filter(|call| call.agent == request.parent_agent).collect();
    open.sort_by_key(|call| std::cmp::Reverse((call.harness, call.rank())));
    Ok(choose(open, request).map(|call| edge(call, Method::AgentHeader)))
}

/// Names the calls that an exchange may have been started by: those of its session, else those
/// without a session in its domain.
pub fn call_scope(session: Option<&str>, domain: &str) -> Hash {
    match session {
        Some(session) => Hash::of_parts(&[b"session", session.as_bytes()]),
        None => Hash::of_parts(&[b"domain", domain.as_bytes()]),
    }
}

/// Keys under which the exchange waits for a call with its prompt.
pub fn waits(request: &RequestFacts) -> Vec<Hash> {
    let scope = call_scope(request.session.as_deref(), &request.domain);
    request.openings.iter().map(|prompt| wait_key(scope, *prompt)).collect()
}

/// The key of one prompt in one scope.
pub fn wait_key(scope: Hash, prompt: Hash) -> Hash {
    Hash::of_parts(&[b"prompt", &scope.0, &prompt.0])
}

/// Nothing of the same session and agent came before; without an agent's id, that cannot be told.
async fn is_new_agent<I: Index>(index: &mut I, request: &RequestFacts) -> Result<bool, I::Error> {
    let (Some(session), Some(agent)) = (&request.session, &request.agent) else { return Ok(true) };
    let scope = Scope::Agent { session: session.clone(), agent: Some(agent.clone()) };
    Ok(index.newest(&scope, request.moment, false).await?.is_none())
}

/// The first that no other agent's result claims, those of the agent above first. An exchange that
/// names no agent may be any.
fn choose(calls: Vec<Call>, request: &RequestFacts) -> Option<Call> {
    let mut free: Vec<_> = calls
        .into_iter()
        .filter(|call| {
            call.names.is_none() || request.agent.is_none() || call.names == request.agent
        })
        .collect();
    if request.agent.is_some() {
        free.sort_by_key(|call| call.agent != request.parent_agent);
    }
    free.into_iter().next()
}

fn edge(call: Call, method: Method) -> (Edge, Call) {
    let edge = Edge::to(LinkKind::Subagent, call.caller.id, method);
    let task = TaskRef { tool_use_id: call.tool_use_id.clone(), position: call.position };
    (Edge { parent_task: Some(task), ..edge }, call)
}
