//! A conversation with one of everything, for template tests: a run of tool steps, a branch, two
//! sub-agents, an error, a compaction, an exchange in flight.

use nexus_contract::{ExchangeId, TerminalState};
use nexus_store::queries::{BranchSummary, ConversationGraph, ExchangeKind, GraphNode, NodeTokens};

use super::data::Loaded;
use ExchangeKind::{Compact, Root, Subagent, Turn};

/// Number, parent, branch, kind, what it ends with, tools, text.
type Step =
    (u32, u32, &'static str, ExchangeKind, &'static str, &'static [&'static str], &'static str);

const STEPS: [Step; 22] = [
    (
        1,
        0,
        "main",
        Root,
        "human",
        &["Read", "Grep"],
        "Fix the <b>failing</b> test in src/queue/drain.rs",
    ),
    (2, 1, "main", Turn, "tool_result", &["Read"], ""),
    (3, 2, "main", Turn, "tool_result", &["Bash"], ""),
    (4, 3, "main", Turn, "tool_result", &["Edit", "Edit"], ""),
    (5, 4, "main", Turn, "tool_result", &["Bash"], ""),
    (6, 5, "main", Turn, "tool_result", &[], "The test passes now: drain() measured wall time."),
    (
        7,
        6,
        "main",
        Turn,
        "human",
        &["Task", "Task"],
        "Look for the same mistake elsewhere, with two agents",
    ),
    (8, 0, "subtask_1", Subagent, "human", &["Grep"], "Search crates/a for wall-clock arithmetic"),
    (9, 8, "subtask_1", Turn, "tool_result", &[], "Two places."),
    (10, 0, "subtask_2", Subagent, "human", &["Grep"], "Search crates/b for wall-clock arithmetic"),
    (11, 10, "subtask_2", Turn, "tool_result", &["Read"], ""),
    (12, 11, "subtask_2", Turn, "tool_result", &[], "One place."),
    (13, 7, "main", Turn, "tool_result", &[], "Three places in all; I fixed each of them."),
    (
        14,
        6,
        "branch_101530",
        Turn,
        "human",
        &["Bash"],
        "Instead of two agents, just grep for it yourself",
    ),
    (15, 14, "branch_101530", Turn, "tool_result", &["Edit"], ""),
    (16, 15, "branch_101530", Turn, "tool_result", &[], "Done."),
    (17, 13, "main", Turn, "human", &[], "Write a changelog entry"),
    (
        18,
        17,
        "compact_103000",
        Compact,
        "human",
        &["Write"],
        "This session is being continued from a previous conversation",
    ),
    (19, 18, "compact_103000", Turn, "tool_result", &[], "The entry is in CHANGELOG.md."),
    (20, 19, "compact_103000", Turn, "human", &[], "And translate it"),
    (21, 16, "branch_101530", Turn, "human", &[], "Also in the benches"),
    (22, 20, "compact_103000", Turn, "human", &[], "Into French, please"),
];

fn id(number: u32) -> ExchangeId {
    match number {
        1 => ExchangeId::from_external("sample"),
        number => ExchangeId::from_external(&format!("sample-{number}")),
    }
}

fn node(step: &Step) -> GraphNode {
    let (number, parent, branch, kind, last, tools, text) = *step;
    let base = u64::from(number);
    let (failed, runs) = (number == 17, number == 22);
    GraphNode {
        request_id: id(number),
        external_id: None,
        parent_request_id: (parent > 0).then(|| id(parent)),
        parent_task_request_id: (kind == Subagent).then(|| id(7)),
        branch_id: Some(branch.into()),
        kind: Some(kind),
        agent_id: None,
        timestamp: jiff::Timestamp::UNIX_EPOCH
            + jiff::SignedDuration::from_secs(i64::from(number) * 14),
        duration_ms: (!runs).then_some(2000 + base * 310),
        first_token_ms: Some(300 + base),
        message_count: base,
        tokens: NodeTokens {
            input: 5,
            output: 90 * base,
            cache_read: 6000 * base,
            cache_creation: 800,
            cache_creation_1h: 0,
        },
        cost_usd: Some(0.004 * f64::from(number)),
        model: Some("claude-opus-4-1".into()),
        state: match (failed, runs) {
            (true, _) => Some(TerminalState::UpstreamError),
            (_, true) => None,
            _ => Some(TerminalState::Completed),
        },
        response_status: Some(if failed { 529 } else { 200 }),
        last_message_kind: Some(last.into()),
        tool_ms: None,
        tool_names: tools.iter().map(|&tool| tool.to_owned()).collect(),
        stop_reason: Some("tool_use".into()),
        prompt: (last == "human").then(|| text.to_owned()),
        preview: (!text.is_empty()).then(|| text.to_owned()),
        is_subtask: branch.starts_with("subtask"),
    }
}

fn branch(name: &str, parent: Option<&str>, nodes: &[GraphNode]) -> BranchSummary {
    let own: Vec<&GraphNode> =
        nodes.iter().filter(|node| node.branch_id.as_deref() == Some(name)).collect();
    let (first, last) = (own[0], own[own.len() - 1]);
    BranchSummary {
        branch_id: name.into(),
        is_subtask: first.is_subtask,
        forked_from: first.parent_request_id,
        parent_branch_id: parent.map(str::to_owned),
        first_request_id: first.request_id,
        latest_request_id: last.request_id,
        first_message_time: first.timestamp,
        last_message_time: last.timestamp,
        request_count: own.len() as u64,
        message_count: last.message_count,
        tokens: last.tokens,
        cost_usd: Some(own.iter().filter_map(|node| node.cost_usd).sum()),
        unpriced_count: 0,
        error_count: 0,
        model_ms: 9000,
        tool_ms: 4000,
        waiting_ms: 70_000,
        context_tokens: Some(20_000),
        context_limit: 200_000,
        context_limit_is_estimate: false,
    }
}

/// The conversation.
pub fn sample() -> Loaded {
    let nodes: Vec<GraphNode> = STEPS.iter().map(node).collect();
    let parents = [
        ("main", None),
        ("subtask_1", Some("main")),
        ("subtask_2", Some("main")),
        ("branch_101530", Some("main")),
        ("compact_103000", Some("main")),
    ];
    let branches = parents.map(|(name, parent)| branch(name, parent, &nodes)).into();
    let conversation = crate::pages::conversations::sample();
    Loaded {
        graph: std::sync::Arc::new(ConversationGraph {
            conversation,
            nodes,
            branches,
            truncated: true,
        }),
    }
}
