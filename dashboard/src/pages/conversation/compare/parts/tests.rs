use serde_json::json;

use super::*;

fn pair(a: &Value, b: &Value) -> Pair {
    let recording =
        |body: &Value| Recording { request: body.to_string().into(), ..Recording::default() };
    Pair::of(&recording(a), &recording(b))
}

fn said(words: &str, count: usize) -> Value {
    let messages = (0..count).map(|number| json!({"content": format!("{words} {number}")}));
    json!({"messages": messages.collect::<Vec<_>>()})
}

#[test]
fn messages_are_compared_from_where_they_differ() {
    let a = json!({"model": "m", "messages": [{"content": "one"}, {"content": "two"}]});
    let b = json!({"model": "n", "messages": [{"content": "one"}, {"content": "zwei"}]});
    let parts = pair(&a, &b).parts(None);
    let differs: Vec<_> = parts.iter().map(|part| part.chunk.is_some()).collect();
    assert_eq!(differs, [false, false, true, true]);
    let chunk = parts[3].chunk.as_ref().expect("a difference");
    let note = "both begin with the same message, then 1 in the first and 1 in the second";
    assert_eq!(parts[3].note, note);
    assert!(chunk.more.is_none());
    assert!(chunk.html.contains("zwei") && !chunk.html.contains("one"));
}

/// The HTML of a chunk and of all that follow it.
fn read_on(pair: &Pair, part: Name, mut chunk: Chunk) -> Vec<String> {
    let mut html = Vec::new();
    while let Some(more) = chunk.more {
        html.push(chunk.html);
        let numbers = more.query.split(['=', '&']).filter_map(|word| word.parse::<usize>().ok());
        let [start, line] = numbers.collect::<Vec<_>>()[..] else { panic!("{}", more.query) };
        chunk = pair.chunk(Place { part, start, line });
    }
    html.push(chunk.html);
    assert!(html.iter().all(|one| one.len() < MAX_HTML), "no chunk is long");
    html
}

#[test]
fn every_differing_message_is_in_one_chunk() {
    let pair = pair(&said("first", 45), &said("second", 230));
    let first = pair.chunk(Place::beginning(Name::Messages));
    let html = read_on(&pair, Name::Messages, first);
    assert!(html.len() >= 230 / MAX_MESSAGES);
    let all = html.concat();
    for (words, count) in [("first", 45), ("second", 230)] {
        for number in 0..count {
            let text = format!("&quot;{words} {number}&quot;");
            assert_eq!(all.matches(&text).count(), 1, "{text}");
        }
    }
}

#[test]
fn behind_the_end_of_a_difference_is_nothing() {
    let pair = pair(&said("first", 45), &said("second", 23));
    let at = |start, line| pair.chunk(Place { part: Name::Messages, start, line });
    for (start, line) in [(45, 0), (9999, 0), (44, 9999)] {
        let chunk = at(start, line);
        assert!(chunk.is_beyond() && chunk.html.is_empty(), "{start}, {line}");
    }
    assert!(!at(44, 0).is_beyond() && !at(0, 0).is_beyond());
    let asked = Place { part: Name::Messages, start: 45, line: 0 };
    let beyond: Vec<_> = pair.parts(Some(asked)).iter().map(Part::is_beyond).collect();
    assert_eq!(beyond, [false, false, false, true]);
}

#[test]
fn every_line_of_a_long_difference_is_in_one_chunk() {
    let lines = |count: usize| {
        let lines = (0..count).map(|line| format!("line {line}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let messages = json!([{"content": lines(9_000)}, {"content": "the last"}]);
    let long = json!({"system": lines(3_000), "messages": messages});
    let pair = pair(&json!({}), &long);
    // As JSON, a message's first line begins with its name.
    let parts = [(0, Name::System, 3_000, 3_000), (3, Name::Messages, 9_000, 8_999)];
    for (index, part, count, alone) in parts {
        let first = pair.parts(None).swap_remove(index).into_chunk().expect("a difference");
        assert!(!first.html.is_empty() && first.html.len() <= part.max_html(), "{part:?}");
        let all = read_on(&pair, part, first).concat();
        assert_eq!(all.matches("<td>line ").count(), alone, "{part:?}");
        let last = format!("<td>line {}</td>", count - 2);
        assert_eq!(all.matches(&last).count(), 1, "{part:?}");
        assert_eq!(all.contains("the last"), part == Name::Messages);
    }
}

#[test]
fn messages_alike_behind_others_are_not_shown() {
    let with_first = |first: &str| {
        let mut request = said("the same", 30);
        request["messages"][0]["content"] = first.into();
        request
    };
    let pair = pair(&with_first("one"), &with_first("two"));
    let html = read_on(&pair, Name::Messages, pair.chunk(Place::beginning(Name::Messages)));
    assert!(html[0].contains("two") && html[1].is_empty(), "{html:#?}");
}

#[test]
fn what_a_chunk_leaves_out_is_told() {
    let parts = pair(&said("first", 45), &said("second", 230)).parts(None);
    let chunk = parts[3].chunk.as_ref().expect("a difference");
    let more = chunk.more.as_ref().expect("more");
    assert_eq!(more.note, "25 in the first and 210 in the second follow.");
}

#[test]
fn numbers_are_told_as_people_say_them() {
    let note = |a: &Value, b: &Value| pair(a, b).note(Name::Messages);
    let apart = note(&said("first", 2), &said("second", 3));
    assert_eq!(apart, "nothing in common: 2 in the first and 3 in the second");
    let longer = note(&said("same", 2), &said("same", 3));
    assert_eq!(longer, "both begin with the same 2 messages, then 1 in the second");
    let last = pair(&json!({}), &said("second", 21)).chunk(Place::beginning(Name::Messages));
    assert_eq!(last.more.expect("more").note, "1 in the second follows.");
}

#[test]
fn the_lines_of_a_later_chunk_are_numbered_on() {
    let pair = pair(&said("first", 45), &said("second", 230));
    let html = |start| pair.chunk(Place { part: Name::Messages, start, line: 0 }).html;
    let row =
        |old: &str, new: &str| format!("<td class=\"ln\">{old}</td><td class=\"ln\">{new}</td>");
    // A message takes three lines.
    assert!(html(0).contains(&row("1", "1")) && html(0).contains(&row("2", "")));
    assert!(html(20).contains(&row("61", "61")) && html(20).contains(&row("62", "")));
    assert!(!html(20).contains(&row("1", "1")) && !html(20).contains(&row("2", "")));
    assert!(html(100).contains(&row("", "302")), "the first side has ended");
}

#[test]
fn a_long_line_stands_where_it_is_asked_for_alone() {
    let pair = pair(&json!({"system": "long ".repeat(6_000)}), &json!({}));
    let html = |asked| {
        let chunk = pair.parts(asked).swap_remove(0).into_chunk();
        read_on(&pair, Name::System, chunk.expect("a difference"))
    };
    let [unasked, asked] = [None, Some(Place::beginning(Name::System))].map(html);
    assert!(unasked[0].is_empty() && unasked[1].len() > 30_000);
    assert_eq!(asked, unasked[1..]);
}
