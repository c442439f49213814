use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const REMINDER_TEXT: &str = "<system-reminder>\nbe kind\n</system-reminder>\n";

fn prompt(messages: &Value) -> Option<String> {
    let body = json!({"messages": messages}).to_string();
    human_prompt(&Request::parse(body.as_bytes()).expect("a request"))
}

#[test]
fn reminders_are_removed_and_unclosed_ones_stay() {
    assert_eq!(without_reminders(&format!("a{REMINDER_TEXT}b{REMINDER_TEXT}")), "a\nb\n");
    assert_eq!(without_reminders("a<system-reminder>b"), "a<system-reminder>b");
    assert!(matches!(without_reminders("plain"), Cow::Borrowed("plain")));
}

#[test]
fn stamped_reminders_end_with_their_own_tag() {
    let (id, other) = ("0123456789abcdef", "fedcba9876543210");
    let stamped = |id: &str| {
        let quoted = "</system-reminder>";
        format!("<system-reminder id=\"{id}\">\nbe {quoted} kind\n</system-reminder id=\"{id}\">")
    };
    let both = format!("a{}b{REMINDER_TEXT}c{}", stamped(id), stamped(other));
    assert_eq!(without_reminders(&both), "ab\nc");
    for kept in [
        format!("a<system-reminder id=\"{id}\">b</system-reminder id=\"{other}\">"),
        format!("a{}", stamped("0123")),
        format!("a{}", stamped("by hand, of any length")),
    ] {
        assert_eq!(without_reminders(&kept), kept);
    }
}

#[test]
fn the_prompt_is_what_follows_the_last_answer() {
    let messages = json!([
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "answer"},
        {"role": "user", "content": [
            {"type": "text", "text": REMINDER_TEXT}, {"type": "text", "text": "second\r\nline"}]},
        {"role": "system", "content": "environment"},
        {"role": "user", "content": "third"},
    ]);
    assert_eq!(prompt(&messages).as_deref(), Some("second\nline\n\nthird"));
}

#[test]
fn tool_results_alone_are_no_prompt() {
    let result = json!([{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "t", "content": "out"},
        {"type": "text", "text": "[Request interrupted by user for tool use]"},
        {"type": "text", "text": format!("{REMINDER_TEXT}  ")},
    ]}]);
    assert_eq!(prompt(&result), None);
}

#[test]
fn commands_read_as_they_were_typed() {
    let command = "<command-message>review</command-message>\n<command-name>/review</command-name>\
                   \n<command-args>fast</command-args>";
    assert_eq!(
        prompt(&json!([{"role": "user", "content": command}])).as_deref(),
        Some("/review fast")
    );
    let output = "<local-command-stdout>lots</local-command-stdout>";
    assert_eq!(prompt(&json!([{"role": "user", "content": output}])), None);
    let shell = "<bash-input>ls</bash-input>";
    assert_eq!(prompt(&json!([{"role": "user", "content": shell}])).as_deref(), Some("! ls"));
}

#[test]
fn a_preview_is_one_short_line() {
    assert_eq!(preview("  a\n\tb\u{7}  c ", 80), "a b c");
    assert_eq!(preview("Größe über alles", 7), "Größe…");
    assert_eq!(preview("", 5), "");
}

proptest! {
    #[test]
    fn a_preview_keeps_its_length(text in "\\PC{0,60}", max in 1_usize..30) {
        prop_assert!(preview(&text, max).chars().count() <= max);
    }
}
