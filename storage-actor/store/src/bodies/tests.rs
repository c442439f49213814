use proptest::prelude::*;

use super::{cut::*, patch, varint};

fn framed(body: &str) -> Framed {
    match cut(body.as_bytes()) {
        Cut::Framed(framed) => framed,
        Cut::Whole(_) => panic!("{body} is a request"),
    }
}

fn texts(pieces: &[Piece]) -> Vec<&str> {
    pieces.iter().map(|piece| std::str::from_utf8(&piece.bytes).expect("UTF-8")).collect()
}

#[test]
fn a_request_is_cut_at_messages_blocks_and_tools() {
    let body = r#" {"model":"m","messages": [{"a":1}, {"b":[2,","]} ],"system":[{"s":1},{"t":2}],"tools":[],"x":1}"#;
    let cut = framed(body);
    assert_eq!(texts(&cut.list), [r#"{"a":1}"#, r#", {"b":[2,","]} "#]);
    assert_eq!(
        texts(&cut.frame),
        [
            r#" {"model":"m","messages": ["#,
            r#"],"system":["#,
            r#"{"s":1}"#,
            r#",{"t":2}"#,
            r#"],"tools":["#,
            r#"],"x":1}"#
        ]
    );
    assert_eq!(cut.hole, 1);
    assert_eq!(Cut::Framed(cut).join(), body.as_bytes());
}

#[test]
fn a_growing_history_keeps_its_pieces_when_cache_control_moves() {
    let marked = r#"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}"#;
    let plain = r#"{"role":"user","content":[{"type":"text","text":"a"}]}"#;
    let first = framed(&format!(r#"{{"messages":[{marked}]}}"#));
    let second = framed(&format!(r#"{{"messages":[{plain},{marked}]}}"#));
    assert_eq!(first.list[0].bytes, second.list[0].bytes);
    assert_eq!(first.frame, second.frame);
    assert!(!first.list[0].patch.is_empty() && second.list[0].patch.is_empty());
}

#[test]
fn cache_control_is_taken_wherever_it_stands_and_only_as_a_key() {
    for (body, count) in [
        (r#"{"cache_control":{"a":[1]},"b":1}"#, 1),
        (r#"{"cache_control":null}"#, 1),
        (r#"{"b":1 , "cache_control" : "x" , "c":2}"#, 1),
        (r#"{"cache_control":1,"cache_control":2,"cache_control":3}"#, 3),
        (r#"{"b":"cache_control","c":["cache_control",1]}"#, 0),
        (r#"{"b":"\"cache_control\":1"}"#, 0),
    ] {
        assert_eq!(patch::cache_controls(body.as_bytes(), 0, body.len()).len(), count, "{body}");
        let whole = format!(r#"{{"messages":[{body},{body}]}}"#);
        assert_eq!(cut(whole.as_bytes()).join(), whole.as_bytes());
    }
}

#[test]
fn what_is_no_request_stays_whole() {
    for body in [
        "",
        "{",
        "[1]",
        "null",
        r#"{"messages":"x"}"#,
        r#"{"messages":[1,2}"#,
        r#"{"messages":[1"#,
        "\u{0}",
    ] {
        assert_eq!(cut(body.as_bytes()), Cut::Whole(body.as_bytes().to_vec()), "{body}");
    }
}

#[test]
fn hostile_shapes_are_cut_in_linear_time_and_join_again() {
    let deep = format!(r#"{{"messages":[{}{}]}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let open = format!(r#"{{"messages":[{}"#, "[{\"a\":".repeat(20_000));
    let many = format!(r#"{{"messages":[{}1]}}"#, "1,".repeat(100_000));
    let marks = format!(r#"{{"messages":[{{{}"a":1}}]}}"#, r#""cache_control":1,"#.repeat(50_000));
    let escapes = r#"{"messages":["\u0000\ud800\\\"",{"a":1,"a":2}],"messages":[3]}"#.to_owned();
    for body in [deep, open, many, marks, escapes] {
        assert_eq!(cut(body.as_bytes()).join(), body.as_bytes());
    }
}

/// JSON-like text with the names that the cutter looks for.
fn request() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("-1.5e3".to_owned()),
        "[a-z\\\\\"{},:\\[\\] ]{0,8}".prop_map(|text| format!("{text:?}")),
    ];
    let key = prop_oneof![
        Just("messages"),
        Just("system"),
        Just("tools"),
        Just("cache_control"),
        Just("text")
    ];
    let space = prop_oneof![Just(""), Just(" "), Just("\n\t")];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..5), space.clone()).prop_map(
                |(list, space)| format!("[{space}{}{space}]", list.join(&format!("{space},")))
            ),
            (prop::collection::vec((key.clone(), inner), 0..5), space.clone()).prop_map(
                |(list, space)| {
                    let members = list
                        .iter()
                        .map(|(key, value)| format!("{space}\"{key}\"{space}:{space}{value}"));
                    format!("{{{}{space}}}", members.collect::<Vec<_>>().join(","))
                }
            ),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_join_again(body: Vec<u8>) {
        prop_assert_eq!(cut(&body).join(), body);
    }

    #[test]
    fn any_json_joins_again(body in request()) {
        prop_assert_eq!(cut(body.as_bytes()).join(), body.as_bytes());
    }

    #[test]
    fn json_cut_anywhere_joins_again(body in request(), at: prop::sample::Index, junk: u8) {
        let mut bytes = format!(r#"{{"messages":{body}}}"#).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = junk;
        prop_assert_eq!(cut(&bytes).join(), &bytes[..]);
        bytes.truncate(at);
        prop_assert_eq!(cut(&bytes).join(), bytes);
    }

    #[test]
    fn numbers_come_back(value: usize) {
        let mut bytes = Vec::new();
        varint::put(&mut bytes, value);
        prop_assert_eq!(varint::get(&mut &bytes[..]), Some(value));
    }
}
