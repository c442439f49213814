//! Exchanges written by hand.

use jiff::{Timestamp, ToSpan};
use nexus_contract::{ExchangeId, TerminalState};
use nexus_scripted::generate::Exchange;
use serde_json::{Value, json};

use crate::fixture::NOW;

pub fn now() -> Timestamp {
    NOW.parse().expect("an instant")
}

/// A request of `messages` in a session, and the message that answers it with `content`.
pub fn exchange(number: u32, session: &str, messages: &Value, content: &Value) -> Exchange {
    let json_type = ("content-type".to_owned(), "application/json".to_owned());
    let request = json!({"model": "claude-opus-4-5", "max_tokens": 1_000, "messages": messages});
    let answer = json!({
        "id": format!("msg_{number}"), "type": "message", "role": "assistant",
        "model": "claude-opus-4-5", "stop_reason": "end_turn", "content": content,
        "usage": {"input_tokens": 9, "output_tokens": 9},
    });
    Exchange {
        id: ExchangeId::from_external(&format!("by hand {number}")),
        at: now() - 1.hour() + i64::from(number).minutes(),
        domain: "team.example".to_owned(),
        account_id: "acc_team".to_owned(),
        request_headers: vec![
            json_type.clone(),
            ("x-claude-code-session-id".to_owned(), session.to_owned()),
        ],
        request: request.to_string().into_bytes(),
        status: Some(200),
        response_headers: vec![json_type],
        response: answer.to_string().into_bytes(),
        state: TerminalState::Completed,
        first_byte_ms: Some(100),
        duration_ms: 900,
        usage: Some(answer["usage"].to_string()),
    }
}
