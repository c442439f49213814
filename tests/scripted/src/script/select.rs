//! Which answer is due.

use serde_json::Value;

use super::{Turn, parse};

/// The answer that the history asks for next; none when the last prompt holds no script or all its
/// answers have been given.
pub fn select(messages: &[Value]) -> Option<Turn> {
    let (text, answered) = last_prompt(messages)?;
    parse(&text).into_iter().nth(answered)
}

/// The last prompt of a human, and how many answers there are since.
fn last_prompt(messages: &[Value]) -> Option<(String, usize)> {
    let mut answered = 0;
    for message in messages.iter().rev() {
        match message["role"].as_str() {
            Some("assistant") => answered += 1,
            Some("user") => {
                let text = human_text(message);
                let scripted = !parse(&text).is_empty();
                if scripted || (!text.is_empty() && !holds_result(message)) {
                    return scripted.then_some((text, answered));
                }
            }
            _ => {}
        }
    }
    None
}

fn holds_result(message: &Value) -> bool {
    blocks(message).iter().any(|block| block["type"] == "tool_result")
}

/// The texts of a message without reminders, joined by a blank line.
pub fn human_text(message: &Value) -> String {
    let texts: Vec<&str> = match &message["content"] {
        Value::String(text) => vec![text.as_str()],
        _ => blocks(message).iter().filter_map(|block| block["text"].as_str()).collect(),
    };
    let human = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
    human.filter(|text| !text.starts_with("<system-reminder>")).collect::<Vec<_>>().join("\n\n")
}

fn blocks(message: &Value) -> &[Value] {
    message["content"].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn due(messages: &Value) -> Option<String> {
        let turn = select(messages.as_array().map_or(&[], Vec::as_slice))?;
        Some(turn.blocks.first()?.name.clone())
    }

    #[test]
    fn the_answers_since_the_prompt_count() {
        let prompt = json!({"role": "user", "content": "[[bash: ls]] [[say: ok]]"});
        let used = json!({"role": "assistant", "content": [{"type": "tool_use"}]});
        let result = json!({"role": "user", "content": [{"type": "tool_result", "content": "x"}]});
        assert_eq!(due(&json!([prompt])).as_deref(), Some("bash"));
        assert_eq!(due(&json!([prompt, used, result])).as_deref(), Some("say"));
        assert_eq!(due(&json!([prompt, used, result, used, result])), None);
    }

    #[test]
    fn a_later_prompt_without_a_script_ends_the_script() {
        let messages = json!([
            {"role": "user", "content": "[[bash: ls]]"},
            {"role": "assistant", "content": "x"},
            {"role": "user", "content": "thanks"},
        ]);
        assert_eq!(due(&messages), None);
    }

    #[test]
    fn reminders_are_not_a_prompt() {
        let reminder =
            json!({"type": "text", "text": "<system-reminder>[[bash: rm]]</system-reminder>"});
        let text = json!({"type": "text", "text": "[[say: hi]]"});
        let messages = json!([
            {"role": "user", "content": [text]},
            {"role": "user", "content": [reminder]},
        ]);
        assert_eq!(due(&messages).as_deref(), Some("say"));
    }
}
