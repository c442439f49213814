use nexus_linking::Hash;
use proptest::prelude::*;

use super::{cut::*, packed, patch, varint};

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

/// As rows hold it for ever: of each way of packing one.
#[test]
fn what_was_ever_packed_is_unpacked() {
    let headers =
        r#"[["content-type","application/json"],["x-claude-code-session-id","growth-10"]]"#;
    let facts = r#""spawns":[],"summary":null,"plain_summary":null}"#;
    let rows = [
        ("00025b5d", "[]"),
        ("014e28b52ffd0000c50000685b67726f7774682d3130225d5d0200767142581ecfb902", headers),
        ("044e28b52ffd0000c50000685b67726f7774682d3130225d5d02c076714296c7735604", headers),
        ("023028b52ffd0000650000286e756c6c7d010048530101", facts),
        ("037b7d", "{}"),
    ];
    for (row, text) in rows {
        let row = hex::decode(row).expect("hex");
        let unpacked = packed::unpack(&row).expect("unpacked");
        assert_eq!(std::str::from_utf8(&unpacked), Ok(text));
    }
}

/// Rows that were packed with a dictionary can't be read with any other. A better one is another file.
#[test]
fn dictionaries_stay_as_they_are() {
    let dictionaries: [(&[u8], _); 3] = [
        (
            include_bytes!("dictionary.1.txt"),
            "db751c3e19d55bd5b798aca3607c8b0fa82877c18104ffbe216d20b68f94b043",
        ),
        (
            include_bytes!("dictionary.2.txt"),
            "1e9f15a7d145fced6d74ac6a009f0176848c2a9003d10fb00d76cac7acdd8589",
        ),
        (
            include_bytes!("dictionary.3.bin"),
            "35ab20a1a6d4395a6eb32a1dce1386c8e6727e33b5dd967241cbee855fe392c4",
        ),
    ];
    for (dictionary, digest) in dictionaries {
        assert_eq!(Hash::of(dictionary).to_string(), digest);
    }
}

#[test]
fn a_row_that_is_packed_in_an_unknown_way_is_damaged() {
    for row in [&b""[..], b"\x01", b"\x09\x01a", b"\x04\x05not zstd"] {
        assert!(packed::unpack(row).is_err(), "{row:?}");
    }
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
    fn any_bytes_unpack_again(bytes: Vec<u8>, times in 0..5_000_usize) {
        let bytes = bytes.repeat(times);
        let segment = packed::pack(&bytes).expect("packed");
        prop_assert_eq!(&packed::unpack(&segment).expect("unpacked"), &bytes);
        let facts = packed::pack_facts(&bytes).expect("packed");
        prop_assert_eq!(packed::unpack(&facts).expect("unpacked"), bytes);
    }

    #[test]
    fn numbers_come_back(value: usize) {
        let mut bytes = Vec::new();
        varint::put(&mut bytes, value);
        prop_assert_eq!(varint::get(&mut &bytes[..]), Some(value));
    }
}
