use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Search, SyntaxError> {
    Search::parse(text, &TimeZone::UTC)
}

fn bound(comparison: Comparison, value: i64) -> Bound {
    Bound { comparison, value }
}

#[test]
fn conditions_and_words_are_told_apart() {
    let search = parse(
        r#"fix model:opus Tool:Bash tool:"mcp x" has:errors "exact words" http://x main.rs:12 domain:A.example"#,
    )
    .expect("a search");
    assert_eq!(search.words, ["fix", "exact words", "http://x", "main.rs:12"]);
    assert_eq!(search.models, ["opus"]);
    assert_eq!(search.tools, ["Bash", "mcp x"]);
    assert_eq!(search.domains, ["a.example"]);
    assert_eq!(search.has, [Has::Error]);
}

#[test]
fn numbers_take_comparisons_units_and_ranges() {
    let search = parse("tokens:>50k tokens:<=2.5M cost:0.5..$2 tokens:300").expect("a search");
    assert_eq!(
        search.tokens,
        [
            bound(Comparison::Above, 50_000),
            bound(Comparison::AtMost, 2_500_000),
            bound(Comparison::Equal, 300)
        ]
    );
    assert_eq!(
        search.cost,
        [bound(Comparison::AtLeast, 500_000_000), bound(Comparison::AtMost, 2_000_000_000)]
    );
}

#[test]
fn days_begin_at_midnight_in_the_zone() {
    let berlin = TimeZone::get("Europe/Berlin").expect("a zone");
    let search = Search::parse("on:2026-10-25", &berlin).expect("a search");
    assert_eq!(search.from, "2026-10-24T22:00:00Z".parse().ok());
    assert_eq!(search.to, "2026-10-25T23:00:00Z".parse().ok());
    let search = parse("since:2026-11-01 before:2026-11-02T09:00:00Z").expect("a search");
    assert_eq!(search.from, "2026-11-01T00:00:00Z".parse().ok());
    assert_eq!(search.to, "2026-11-02T09:00:00Z".parse().ok());
}

#[test]
fn mistakes_say_what_to_write() {
    let message = |text: &str| parse(text).expect_err("a mistake").to_string();
    assert_eq!(message("has:"), "`has:` needs a value");
    assert!(message("has:wings").contains("has:error, has:subtask"));
    assert!(message("tokens:many").contains("tokens:>50k"));
    assert!(message("cost:-1").contains("cost:>1"));
    assert!(message("since:yesterday").contains("2026-11-23"));
    assert_eq!(message("say \"hello"), "a quote is opened and not closed");
    assert_eq!(message(&"x ".repeat(33)), "more than 32 words and conditions");
}

proptest! {
    #[test]
    fn nothing_that_is_typed_panics(text in "\\PC{0,80}") {
        let _either = parse(&text);
    }

    #[test]
    fn conditions_never_panic(name in "model|has|tokens|cost|since|on", value in "\\PC{0,20}") {
        let _either = parse(&format!("{name}:{value}"));
    }
}
