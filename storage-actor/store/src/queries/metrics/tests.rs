use nexus_contract::TerminalState;

use super::*;
use crate::queries::types::{ExchangeKind, NodeTokens};

/// An exchange that began `at` seconds after the first and took `duration` of them.
fn node(number: u32, parent: Option<u32>, at: i64, duration: u64) -> GraphNode {
    let id = |number: u32| ExchangeId::from_external(&number.to_string());
    GraphNode {
        request_id: id(number),
        external_id: None,
        parent_request_id: parent.map(id),
        parent_task_request_id: None,
        branch_id: Some("main".into()),
        kind: Some(ExchangeKind::Turn),
        agent_id: None,
        timestamp: Timestamp::from_second(1_800_000_000 + at).expect("an instant"),
        duration_ms: Some(duration * 1_000),
        first_token_ms: None,
        message_count: 1,
        tokens: NodeTokens::default(),
        cost_usd: None,
        model: None,
        state: Some(TerminalState::Completed),
        response_status: Some(200),
        last_message_kind: Some("tool_result".into()),
        tool_ms: None,
        tool_names: vec!["Bash".into()],
        stop_reason: None,
        prompt: None,
        preview: None,
        is_subtask: false,
    }
}

fn human(node: GraphNode) -> GraphNode {
    GraphNode { last_message_kind: Some("human".into()), ..node }
}

fn says(node: GraphNode) -> GraphNode {
    GraphNode { tool_names: Vec::new(), ..node }
}

fn of(nodes: &[GraphNode]) -> Times {
    times(&nodes.iter().collect::<Vec<_>>())
}

#[test]
fn tools_run_between_a_call_and_its_result_and_people_wait_behind_an_answer() {
    let nodes = [
        human(node(0, None, 0, 10)),
        says(node(1, Some(0), 15, 5)),
        // A minute later a human goes on; what follows is no wait of the model.
        human(node(2, Some(1), 80, 10)),
        says(node(3, Some(2), 92, 8)),
    ];
    assert_eq!(of(&nodes), Times { model_ms: 33_000, tool_ms: 7_000, waiting_ms: 60_000 });
}

#[test]
fn overlapping_tool_times_count_once() {
    // Two requests go on from the same call: a fork, or a retry.
    let nodes = [node(0, None, 0, 10), node(1, Some(0), 20, 1), node(2, Some(0), 25, 1)];
    assert_eq!(of(&nodes).tool_ms, 15_000);
}

#[test]
fn what_the_client_measured_wins_as_far_as_there_was_time() {
    let measured = |tool_ms| {
        let after = GraphNode { tool_ms: Some(tool_ms), ..node(1, Some(0), 30, 1) };
        of(&[node(0, None, 0, 10), after]).tool_ms
    };
    assert_eq!(measured(2_500), 2_500);
    // Five tools side by side, each of them 15 s.
    assert_eq!(measured(75_000), 20_000);
}

#[test]
fn a_parent_elsewhere_gives_neither_tool_time_nor_waiting() {
    let nodes = [node(5, Some(4), 100, 10), human(node(6, Some(99), 300, 10))];
    assert_eq!(of(&nodes), Times { model_ms: 20_000, ..Times::default() });
}
