//! What clients without a name say, and what they are answered.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_linking::{AnswerFacts, Fact, RequestContext, RequestFacts};
use nexus_messages::{Answer, identity::Identity, request::Request};
use serde_json::{Value, json};

/// A history, said by the user and the model in turn.
pub fn request<T: Clone + Into<Value>>(
    domain: &str,
    second: i64,
    contents: &[T],
) -> (ExchangeId, Fact) {
    let messages = contents.iter().enumerate().map(|(turn, content)| {
        let role = if turn % 2 == 0 { "user" } else { "assistant" };
        let content: Value = content.clone().into();
        json!({"role": role, "content": content})
    });
    let body = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 100, "messages": messages.collect::<Vec<_>>(),
    });
    let body = body.to_string();
    let id = ExchangeId::from_external(&format!("{domain}-{second}"));
    let at = Timestamp::from_second(1_760_000_000 + second).expect("in range");
    let context = RequestContext { id, at, domain, names_session: false };
    let request = Request::parse(body.as_bytes()).expect("a request");
    let facts = RequestFacts::read(&context, &Identity::default(), &request);
    (id, Fact::Request(id, Box::new(facts)))
}

/// The blocks of an answer; one that did not come to its end when `cut`.
pub fn answer(id: ExchangeId, content: &Value, cut: bool) -> Fact {
    let mut message = Answer::from_message(json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant", "content": content,
        "stop_reason": "end_turn",
    }));
    message.complete = !cut;
    let state = if cut { TerminalState::UpstreamCut } else { TerminalState::Completed };
    Fact::Answer(id, Box::new(AnswerFacts::read(state, &message)))
}
