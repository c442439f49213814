use super::*;

fn parse(body: &str) -> Request<'_> {
    Request::parse(body.as_bytes()).expect("a request")
}

#[test]
fn a_string_and_a_list_of_blocks_read_alike() {
    let body = r#"{"model":"m","max_tokens":5,"stream":true,"system":"s",
        "messages":[{"role":"user","content":"a\nb"},{"role":"user","content":[{"type":"text","text":"c"}]}]}"#;
    let request = parse(body);
    assert_eq!(request.model.as_deref(), Some("m"));
    assert_eq!(request.max_tokens, Some(5));
    assert!(request.stream);
    assert_eq!(request.system_texts().collect::<Vec<_>>(), ["s"]);
    let texts: Vec<_> =
        request.messages.iter().flat_map(|m| &m.blocks).filter_map(Block::text).collect();
    assert_eq!(texts, ["a\nb", "c"]);
    assert!(request.tools.is_none() && !request.has_tools());
}

#[test]
fn tools_results_and_media_keep_their_parts() {
    let body = r#"{"messages":[{"role":"assistant","content":[
            {"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls"}},
            {"type":"thinking","thinking":"x","signature":"y"}]},
        {"role":"user","content":[
            {"type":"tool_result","tool_use_id":"t1","is_error":true,"content":"out"},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
            {"type":"weird","x":1}]}],"tools":[{"name":"Bash"}]}"#;
    let request = parse(body);
    assert!(request.has_tools());
    let blocks: Vec<_> = request.messages.iter().flat_map(|m| &m.blocks).collect();
    assert!(matches!(blocks[0], Block::ToolUse { name, input: Some(input), .. }
        if name == "Bash" && input.get() == r#"{"command":"ls"}"#));
    assert!(matches!(blocks[1], Block::Thinking(_)));
    assert!(matches!(blocks[2], Block::ToolResult { content, is_error: true, .. }
        if content.first().and_then(Block::text) == Some("out")));
    assert!(matches!(blocks[3], Block::Media(media)
        if media.source_kind == "base64" && media.source.text("data").as_deref() == Some("AAAA")));
    assert!(matches!(blocks[4], Block::Other { kind, .. } if kind == "weird"));
}

#[test]
fn threads_are_read() {
    assert_eq!(parse(r#"{"thread":{"type":"create"}}"#).thread, Some(Thread::Create));
    let body = r#"{"thread":{"type":"continue","previous_message_id":"msg_1"}}"#;
    let previous_message_id = "msg_1".into();
    assert_eq!(parse(body).thread, Some(Thread::Continue { previous_message_id }));
}

#[test]
fn shapes_never_seen_are_read_as_absent() {
    let body = r#"{"model":5,"max_tokens":"x","metadata":7,"thread":[],"tools":{},"system":3,
        "messages":["text",{"role":"user","content":[null,{"type":"text"},{"text":"x"}]},{"content":4}]}"#;
    let request = parse(body);
    assert_eq!(request.model, None);
    assert_eq!(request.messages.len(), 2);
    assert_eq!(request.messages[0].blocks.len(), 2);
    assert!(request.messages[0].blocks.iter().all(|block| matches!(block, Block::Other { .. })));
    assert_eq!(request.messages[1].role, "");
}

#[test]
fn half_a_surrogate_pair_is_read_as_a_replacement_mark() {
    let body =
        r#"{"model":"a\ud83d b","messages":[{"role":"user","content":"\ud83d\ude00\udc00"}]}"#;
    let request = parse(body);
    assert_eq!(request.model.as_deref(), Some("a\u{fffd} b"));
    assert_eq!(request.messages[0].blocks[0].text(), Some("😀\u{fffd}"));
}

#[test]
fn what_is_no_object_is_an_error() {
    for body in ["", "[]", "null", "{\"a\":", "{} x"] {
        assert!(Request::parse(body.as_bytes()).is_err(), "{body}");
    }
    assert!(Request::parse(b"{\"a\":\"\xff\"}").is_err());
}
