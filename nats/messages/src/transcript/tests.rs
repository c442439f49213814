//! Readings of small sessions, each as a client sends it.

use bytes::Bytes;
use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use serde_json::{Value, json};

use super::*;

fn exchange(name: &str, request: &Value, answer: Value) -> Exchange {
    let Value::Array(answer) = answer else { panic!("an answer is a list of blocks") };
    Exchange {
        id: ExchangeId::from_external(name),
        at: Timestamp::UNIX_EPOCH,
        state: TerminalState::Completed,
        request: Bytes::from(request.to_string()),
        answer,
        stop_reason: None,
        failure: None,
    }
}

fn read_all(exchanges: &[Exchange]) -> Vec<Vec<Content>> {
    let turns = read(&Window { before: None, exchanges, after: None });
    turns
        .into_iter()
        .map(|turn| turn.items.into_iter().map(|item| item.content).collect())
        .collect()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn messages(messages: &Value) -> Value {
    json!({"model": "m", "messages": messages})
}

fn human(text: &str) -> Content {
    Content::Human { text: text.to_owned() }
}

fn said(text: &str) -> Content {
    Content::Assistant { text: text.to_owned(), citations: Vec::new() }
}

fn reminders(texts: &[&str]) -> Content {
    Content::Reminders { texts: texts.iter().map(|text| (*text).to_owned()).collect() }
}

const REMIND: &str = "<system-reminder>\nbe kind\n</system-reminder>\n";

/// A tool session: cache marks move, a string becomes blocks and back, thinking is dropped,
/// system-role messages come and go.
fn tool_session() -> [Exchange; 3] {
    let call = json!({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}});
    let result = json!({"type": "tool_result", "tool_use_id": "t1", "content": "notes.txt"});
    [
        exchange(
            "1",
            &messages(&json!([
                {"role": "user", "content": [text(REMIND), text("look")]},
                {"role": "system", "content": "# Environment"},
            ])),
            json!([{"type": "thinking", "thinking": "hm", "signature": "s"}, text("I'll look."), call]),
        ),
        exchange(
            "2",
            &messages(&json!([
                {"role": "user", "content": [text(REMIND), {"type": "text", "text": "look ", "cache_control": {"type": "ephemeral"}}]},
                {"role": "system", "content": [text("# Environment")]},
                {"role": "assistant", "content": [text("I'll look."), call]},
                {"role": "user", "content": [result]},
            ])),
            json!([text("One file.")]),
        ),
        exchange(
            "3",
            &messages(&json!([
                {"role": "user", "content": "look"},
                {"role": "assistant", "content": [text("I'll look."), call]},
                {"role": "user", "content": [result]},
                {"role": "assistant", "content": "One file."},
                {"role": "user", "content": format!("thanks\r\n{REMIND}<system-reminder>be brief</system-reminder>")},
            ])),
            json!([text("Welcome.")]),
        ),
    ]
}

#[test]
fn each_turn_shows_what_it_added_and_a_call_has_its_result() {
    let session = tool_session();
    let turns = read_all(&session);
    let Content::ToolCall { outcome: Some(outcome), name, .. } = &turns[0][5] else {
        panic!("the fifth item is the paired call: {:?}", turns[0]);
    };
    assert_eq!((name.as_str(), outcome.text().as_str()), ("Bash", "notes.txt"));
    assert_eq!(outcome.id, format!("{}-q5", session[1].id));
    let thinking = Content::Thinking { text: "hm".into(), redacted: false };
    assert_eq!(
        turns[0][..5],
        [
            reminders(&["be kind"]),
            human("look"),
            reminders(&["# Environment"]),
            thinking,
            said("I'll look.")
        ]
    );
    assert_eq!(turns[1], [said("One file.")]);
    assert_eq!(turns[2], [human("thanks"), reminders(&["be brief"]), said("Welcome.")]);
}

#[test]
fn a_window_reads_like_the_same_part_of_the_whole() {
    let session = tool_session();
    let whole = read(&Window { before: None, exchanges: &session, after: None });
    for at in 0..session.len() {
        let window = Window {
            before: at.checked_sub(1).map(|before| &session[before]),
            exchanges: &session[at..=at],
            after: session.get(at + 1),
        };
        assert_eq!(read(&window)[..], whole[at..=at], "window at {at}");
    }
}

#[test]
fn texts_that_were_joined_or_split_are_not_new() {
    let one = json!([{"role": "user", "content": [text("a"), text("b")]}]);
    let joined = json!([{"role": "user", "content": "a\n\nb"}, {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}]);
    let split = json!([{"role": "user", "content": "a"}, {"role": "user", "content": "b\nx"}, {"role": "user", "content": "e"}]);
    let turns = read_all(&[
        exchange("1", &messages(&one), json!([text("c")])),
        exchange("2", &messages(&joined), json!([])),
    ]);
    assert_eq!(turns[1], [human("d")]);
    let turns = read_all(&[
        exchange("1", &messages(&json!([{"role": "user", "content": "a\n\nb"}])), json!([])),
        exchange("2", &messages(&split), json!([])),
    ]);
    assert_eq!(
        turns[1],
        [human("x"), human("e")],
        "an interrupted prompt followed by the next one"
    );
}

#[test]
fn a_retry_adds_nothing_but_its_answer() {
    let request = messages(&json!([{"role": "user", "content": "hi"}]));
    let mut failed = exchange("1", &request, json!([]));
    failed.state = TerminalState::UpstreamError;
    failed.failure = Some(Failure {
        kind: "overloaded_error".into(),
        message: "Overloaded".into(),
        status: Some(529),
    });
    let turns = read_all(&[failed, exchange("2", &request, json!([text("hello")]))]);
    let error = Content::Error {
        kind: "overloaded_error".into(),
        message: "Overloaded".into(),
        status: Some(529),
    };
    assert_eq!(turns, [vec![human("hi"), error], vec![said("hello")]]);
}

#[test]
fn a_compaction_is_a_break_and_its_kept_tail_is_old() {
    let before = json!([{"role": "user", "content": "build it"}]);
    let kept = json!([
        {"role": "user", "content": "This session is being continued from a previous conversation that ran out of context. Summary: built"},
        {"role": "assistant", "content": [text("Done.")]},
        {"role": "user", "content": "go on"},
    ]);
    let turns = read_all(&[
        exchange("1", &messages(&before), json!([text("Done.")])),
        exchange("2", &messages(&kept), json!([text("On it.")])),
    ]);
    let compaction = Content::Compaction { summary: "built".into() };
    assert_eq!(turns[1], [compaction, human("go on"), said("On it.")]);
}

/// A short conversation that is compacted twice may be summed up in the same words.
#[test]
fn a_second_summary_in_the_same_words_is_another_break() {
    let begin = "This session is being continued from a previous conversation. Summary: built";
    let start = json!({"role": "user", "content": begin});
    let ask = json!({"role": "user", "content": "Summarise."});
    let turns = read_all(&[
        exchange("1", &messages(&json!([start, ask])), json!([text("<summary>built</summary>")])),
        exchange("2", &messages(&json!([start, {"role": "user", "content": "go on"}])), json!([])),
    ]);
    let compaction = Content::Compaction { summary: "built".into() };
    assert_eq!(turns[1], [compaction, human("go on")]);
}

#[test]
fn reminders_before_a_summary_are_no_part_of_it() {
    let text = "This session is being continued from a previous conversation. The summary below \
        covers it.\n\n<system-reminder>tools</system-reminder>\nSummary:\nbuilt";
    let turns = read_all(&[exchange(
        "1",
        &messages(&json!([{"role": "user", "content": text}])),
        json!([]),
    )]);
    let reminders = Content::Reminders { texts: vec!["tools".into()] };
    assert_eq!(turns[0], [Content::Compaction { summary: "built".into() }, reminders]);
}

#[test]
fn the_same_words_twice_are_two_turns() {
    let hi = json!({"role": "user", "content": "hi"});
    let hello = json!({"role": "assistant", "content": "hello"});
    let turns = read_all(&[
        exchange("1", &messages(&json!([hi])), json!([text("hello")])),
        exchange("2", &messages(&json!([hi, hello, hi])), json!([text("hello")])),
    ]);
    assert_eq!(turns[1], [human("hi"), said("hello")]);
}

#[test]
fn a_thread_continuation_holds_only_what_is_new() {
    let first =
        json!({"thread": {"type": "create"}, "messages": [{"role": "user", "content": "q"}]});
    let next = json!({"thread": {"type": "continue", "previous_message_id": "m"}, "messages": [{"role": "user", "content": "q"}]});
    let turns = read_all(&[exchange("1", &first, json!([])), exchange("2", &next, json!([]))]);
    assert_eq!(turns[1], [human("q")]);
}

#[test]
fn a_synthetic_answer_is_shown_where_it_replaced_the_real_one() {
    let turns = read_all(&[
        exchange(
            "1",
            &messages(&json!([{"role": "user", "content": "q"}])),
            json!([text("cut of")]),
        ),
        exchange(
            "2",
            &messages(&json!([
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": "No response requested."},
                {"role": "user", "content": "r"},
            ])),
            json!([]),
        ),
    ]);
    assert_eq!(turns[1], [said("No response requested."), human("r")]);
}

#[test]
fn system_prompts_are_shown_when_they_change() {
    let body = |version: &str, prompt: &str| {
        json!({
            "system": [text(&format!("x-anthropic-billing-header: cc_version={version};")), text(prompt)],
            "messages": [{"role": "user", "content": "q"}],
        })
    };
    let turns = read_all(&[
        exchange("1", &body("1", "be good"), json!([])),
        exchange("2", &body("2", "be good"), json!([])),
        exchange("3", &body("2", "be better"), json!([])),
    ]);
    let prompt = |text: &str| Content::SystemPrompt { text: text.to_owned(), blocks: 1 };
    assert_eq!(turns[0][0], prompt("be good"));
    assert_eq!(turns[1], []);
    assert_eq!(turns[2], [prompt("be better")]);
}

#[test]
fn server_tools_media_and_unknown_blocks_are_kept() {
    let answer = json!([
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [
            {"type": "web_search_result", "title": "T", "url": "https://t.example", "encrypted_content": "e"}]},
        {"type": "text", "text": "found", "citations": [{"url": "https://t.example"}]},
        {"type": "brand_new", "x": 1},
    ]);
    let request = messages(&json!([{"role": "user", "content": [
        {"type": "image", "source": {"type": "url", "url": "u"}},
        {"type": "document", "title": "d", "source": {"type": "text", "data": "t"}},
    ]}]));
    let turn = read_all(&[exchange("1", &request, answer)]).remove(0);
    assert!(matches!(&turn[0], Content::Image { .. }));
    assert!(matches!(&turn[1], Content::Document { title: Some(title), .. } if title == "d"));
    let Content::ToolCall { server: true, outcome: Some(outcome), .. } = &turn[2] else {
        panic!("a server tool with its result: {turn:?}");
    };
    assert!(
        matches!(&outcome.content[0], Content::Source { url, .. } if url == "https://t.example")
    );
    assert!(matches!(&turn[3], Content::Assistant { citations, .. } if citations.len() == 1));
    assert!(matches!(&turn[4], Content::Unknown { raw, .. } if raw["x"] == 1));
}

#[test]
fn a_body_that_is_no_request_is_shown_raw() {
    let mut odd = exchange("1", &json!(null), json!([]));
    odd.request = Bytes::from_static(b"{not json");
    let shape = exchange("2", &json!({"messages": 5}), json!([]));
    let turns = read_all(&[odd, shape]);
    assert!(matches!(&turns[0][0], Content::Unknown { raw, .. } if raw == "{not json"));
    assert!(matches!(&turns[1][0], Content::Unknown { .. }));
}

#[test]
fn repeated_call_ids_count_once() {
    let call = json!({"type": "tool_use", "id": "t", "name": "A", "input": {}});
    let result = |text: &str| json!({"type": "tool_result", "tool_use_id": "t", "content": text});
    let turns = read_all(&[
        exchange("1", &messages(&json!([{"role": "user", "content": "q"}])), json!([call])),
        exchange(
            "2",
            &messages(&json!([
                {"role": "user", "content": "q"},
                {"role": "assistant", "content": [call, call]},
                {"role": "user", "content": [result("first"), result("second")]},
            ])),
            json!([]),
        ),
    ]);
    assert!(
        matches!(&turns[0][1], Content::ToolCall { outcome: Some(o), .. } if o.text() == "first")
    );
    assert_eq!(turns[1], []);
}

#[test]
fn an_exchange_is_read_from_what_went_over_the_wire() {
    let headers = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    };
    let request = Bytes::from_static(br#"{"messages":[{"role":"user","content":"hi"}]}"#);
    let stream = Bytes::from_static(
        b"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hel\"}}\n\n",
    );
    let response_headers = headers(&[("content-type", "text/event-stream")]);
    let wire = Wire {
        id: ExchangeId::from_external("1"),
        at: Timestamp::UNIX_EPOCH,
        state: Some(TerminalState::UpstreamCut),
        status: Some(200),
        error: Some("the connection was reset"),
        request_headers: None,
        request_body: Some(&request),
        response_headers: Some(&response_headers),
        response_body: Some(&stream),
    };
    let turns = read_all(&[wire.read()]);
    let error = Content::Error {
        kind: "upstream_cut".into(),
        message: "the connection was reset".into(),
        status: Some(200),
    };
    assert_eq!(turns[0], [human("hi"), said("hel"), error]);
}
