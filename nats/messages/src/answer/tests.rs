use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn stream(events: &[Value]) -> String {
    events.iter().fold(String::new(), |mut stream, event| {
        let name = event["type"].as_str().unwrap_or_default();
        write!(stream, "event: {name}\r\ndata: {event}\r\n\r\n").expect("a string takes it");
        stream
    })
}

fn rich_stream() -> Vec<Value> {
    let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let start = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    vec![
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message",
            "role": "assistant", "model": "claude-x", "content": [], "stop_reason": null,
            "usage": {"input_tokens": 3, "output_tokens": 1}}}),
        json!({"type": "ping"}),
        start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm"})),
        delta(0, json!({"type": "thinking_delta", "thinking": "m é"})),
        delta(0, json!({"type": "signature_delta", "signature": "sig"})),
        start(1, json!({"type": "redacted_thinking", "data": "xyz"})),
        start(2, json!({"type": "text", "text": "", "citations": []})),
        delta(2, json!({"type": "text_delta", "text": "Blue 🔵"})),
        delta(2, json!({"type": "citations_delta", "citation": {"url": "u"}})),
        start(4, json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {}})),
        delta(4, json!({"type": "input_json_delta", "partial_json": ""})),
        delta(4, json!({"type": "input_json_delta", "partial_json": "{\"command\": \"l"})),
        start(3, json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": [1]})),
        delta(4, json!({"type": "input_json_delta", "partial_json": "s\"}"})),
        start(5, json!({"type": "hologram", "depth": 3})),
        delta(5, json!({"type": "hologram_delta", "beam": "a"})),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 79}, "context_management": {"applied_edits": []}}),
        json!({"type": "message_stop"}),
    ]
}

#[test]
fn a_stream_becomes_the_message_with_every_kind_of_block() {
    let answer = Answer::read(Some("text/event-stream"), stream(&rich_stream()).as_bytes());
    assert!(answer.complete);
    assert_eq!(answer.id(), Some("msg_1"));
    assert_eq!(answer.stop_reason(), Some("tool_use"));
    assert_eq!(answer.usage.tokens().output, 79);
    assert_eq!(answer.message["context_management"], json!({"applied_edits": []}));
    assert_eq!(
        Value::Array(answer.content.clone()),
        json!([
            {"type": "thinking", "thinking": "Hmm é", "signature": "sig"},
            {"type": "redacted_thinking", "data": "xyz"},
            {"type": "text", "text": "Blue 🔵", "citations": [{"url": "u"}]},
            {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [1]},
            {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}},
            {"type": "hologram", "depth": 3,
                "unknown_deltas": [{"type": "hologram_delta", "beam": "a"}]},
        ])
    );
    let tools: Vec<_> = answer.tool_uses().map(|tool| (tool.id, tool.name)).collect();
    assert_eq!(tools, [("t1", "Bash")]);
}

#[test]
fn a_cut_stream_keeps_what_came() {
    let mut events = rich_stream();
    events.truncate(13);
    let answer = Answer::read(None, stream(&events).as_bytes());
    assert!(!answer.complete);
    assert_eq!(answer.stop_reason(), None);
    assert_eq!(answer.text(), "Blue 🔵");
    assert_eq!(answer.content[3]["partial_input"], "{\"command\": \"l");
    assert_eq!(answer.content[3]["input"], json!({}));
}

#[test]
fn an_error_in_the_stream_stands_beside_the_partial_answer() {
    let mut events = rich_stream();
    events.truncate(9);
    events.push(json!({"type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"}}));
    let answer = Answer::read(Some("text/event-stream"), stream(&events).as_bytes());
    let error = answer.error.clone().expect("the error is kept");
    assert_eq!((error.kind.as_str(), error.message.as_str()), ("overloaded_error", "Overloaded"));
    assert_eq!(answer.text(), "Blue 🔵");
    assert!(!answer.complete);
}

#[test]
fn a_json_body_and_an_error_body_are_read_whatever_the_type_says() {
    let message = json!({"id": "msg_2", "type": "message", "role": "assistant",
        "content": [{"type": "text", "text": "hi"}], "usage": {"input_tokens": 1}});
    let answer = Answer::read(Some("text/event-stream"), message.to_string().as_bytes());
    assert_eq!((answer.id(), answer.text().as_str()), (Some("msg_2"), "hi"));
    assert!(answer.complete);

    let error = json!({"type": "error", "error": {"type": "not_found_error", "message": "gone"}});
    let answer = Answer::read(Some("application/json"), error.to_string().as_bytes());
    assert_eq!(answer.error.expect("an error").kind, "not_found_error");
    assert!(Answer::read(None, b"<html>502</html>").is_empty());
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_answer(
        sizes in proptest::collection::vec(1_usize..40, 1..60),
        cut in 0_usize..2_000,
    ) {
        let stream = stream(&rich_stream());
        let bytes = &stream.as_bytes()[..stream.len().saturating_sub(cut)];
        let whole = Answer::read(Some("text/event-stream"), bytes);
        let mut assembler = Assembler::default();
        let mut rest = bytes;
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, after) = rest.split_at((*size).min(rest.len()));
            assembler.push(chunk);
            rest = after;
        }
        prop_assert_eq!(assembler.finish(), whole);
    }

    #[test]
    fn hostile_events_do_not_panic(
        kinds in proptest::collection::vec(0_usize..6, 0..30),
        index in 0_u64..3,
    ) {
        let shapes = [
            json!({"type": "content_block_start", "index": index, "content_block": 7}),
            json!({"type": "content_block_delta", "index": index, "delta": [1]}),
            json!({"type": "content_block_delta", "index": index,
                "delta": {"type": "citations_delta", "citation": 1}}),
            json!({"type": "message_start", "message": "text"}),
            json!({"type": "message_delta", "delta": 3, "usage": "x"}),
            json!({"type": "error"}),
        ];
        let events: Vec<_> = kinds.iter().map(|kind| shapes[*kind].clone()).collect();
        Answer::read(None, stream(&events).as_bytes());
    }
}
