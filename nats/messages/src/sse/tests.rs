use proptest::prelude::*;

use super::*;

type Seen = Vec<(String, String)>;

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, reader: &mut SseReader) -> Seen {
    let mut seen = Vec::new();
    let mut on_event = |event: SseEvent<'_>| {
        seen.push((event.name.into_owned(), String::from_utf8_lossy(event.data).into_owned()));
    };
    for chunk in chunks {
        reader.push(chunk, &mut on_event);
    }
    reader.finish(&mut on_event);
    seen
}

fn read_all(stream: &str) -> Seen {
    read([stream.as_bytes()], &mut SseReader::default())
}

fn event(name: &str, data: &str) -> (String, String) {
    (name.to_owned(), data.to_owned())
}

#[test]
fn comments_unknown_fields_and_a_bom_are_passed_over() {
    let stream = "\u{feff}: hello\nid: 7\nretry: 3\nevent: ping\ndata: {}\nmystery\n\n";
    assert_eq!(read_all(stream), [event("ping", "{}")]);
}

#[test]
fn every_line_end_counts_and_no_other_separator_does() {
    let stream = "data: a\r\ndata:b\rdata: c\u{2028}d\u{85}e\n\r\ndata: next\r\r";
    assert_eq!(read_all(stream), [event("", "a\nb\nc\u{2028}d\u{85}e"), event("", "next")]);
}

#[test]
fn an_event_without_data_is_none_and_the_last_may_lack_its_empty_line() {
    assert_eq!(read_all("event: x\n\ndata: 1\n\ndata: 2"), [event("", "1"), event("", "2")]);
}

#[test]
fn an_event_beyond_the_limit_is_skipped_and_the_next_one_read() {
    let long = "x".repeat(100);
    let stream = format!("data: {long}\ndata: 1\n\ndata: 2\n\n");
    let mut reader = SseReader::new(50);
    assert_eq!(read([stream.as_bytes()], &mut reader), [event("", "2")]);
    assert_eq!(reader.skipped(), 1);
}

#[test]
fn a_line_of_a_megabyte_is_read() {
    let long = "ü".repeat(512 * 1024);
    assert_eq!(read_all(&format!("data: {long}\n\n")), [event("", &long)]);
}

fn stream() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("data: ".to_owned()),
        Just("event: ".to_owned()),
        Just(":".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n\n".to_owned()),
        "[a-zé🔵\u{feff} ]{0,12}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_events(
        stream in stream(),
        sizes in proptest::collection::vec(1_usize..7, 1..20),
        limit in 4_usize..64,
    ) {
        let whole = read([stream.as_bytes()], &mut SseReader::new(limit));
        let mut rest = stream.as_bytes();
        let mut chunks = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, after) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        prop_assert_eq!(read(chunks, &mut SseReader::new(limit)), whole);
    }
}
