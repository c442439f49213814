//! What tool results say about sub-agents.

use nexus_messages::request::{Block, Request};

use super::AgentResult;

/// The newest results that are looked at; older ones were seen when they were new.
const MAX_RESULTS: usize = 64;
/// What stands before the id in a result that hands a sub-agent's work back.
const MARK: &str = "agentId:";

/// Which agent each of the newest results comes from, oldest first.
pub fn agent_results(request: &Request<'_>) -> Vec<AgentResult> {
    let blocks = request.messages.iter().rev().flat_map(|message| message.blocks.iter().rev());
    let mut found: Vec<_> = blocks.filter_map(agent_result).take(MAX_RESULTS).collect();
    found.reverse();
    found
}

fn agent_result(block: &Block<'_>) -> Option<AgentResult> {
    let Block::ToolResult { tool_use_id, content, .. } = block else { return None };
    let agent = content.iter().filter_map(Block::text).find_map(agent_id)?;
    Some(AgentResult { tool_use_id: tool_use_id.clone().into_owned(), agent })
}

/// The word behind the last mark: the report stands before it and may quote another.
fn agent_id(text: &str) -> Option<String> {
    let (_, rest) = text.rsplit_once(MARK)?;
    let id: String = rest.trim_start().chars().take_while(|c| is_id(*c)).collect();
    (!id.is_empty() && id.len() <= 128).then_some(id)
}

fn is_id(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}
