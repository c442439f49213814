//! Fixed answers for load: the body is not looked at.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use serde_json::json;

use super::content::{text_block, words};
use super::sse::{self, Wire};
use crate::http::{Answer, Request, Step};
use crate::script::{Directive, parse};

const MAX_SHAPES: usize = 64;

/// Answers by the text of the `x-script` header: `[[canned events=50 ms=20]]` is a stream of so many
/// text deltas, `[[canned bytes=2000]]` a JSON message of about that size.
#[derive(Default)]
pub struct Canned {
    made: RwLock<HashMap<String, Arc<Answer>>>,
}

impl Canned {
    pub fn find(&self, request: &Request) -> Option<Arc<Answer>> {
        let script = request.header("x-script").filter(|script| script.starts_with("[[canned"))?;
        if let Some(made) = self.made.read().ok()?.get(script) {
            return Some(made.clone());
        }
        let turn = parse(script).into_iter().next()?;
        let answer = Arc::new(make(turn.modifier("canned")?));
        let mut made = self.made.write().ok()?;
        if made.len() < MAX_SHAPES {
            made.insert(script.to_owned(), answer.clone());
        }
        Some(answer)
    }
}

fn make(shape: &Directive) -> Answer {
    let message = |text: &str| {
        json!({
            "id": "msg_01canned0000000000000000", "type": "message", "role": "assistant",
            "model": "claude-opus-5-5", "content": [text_block(text)], "stop_reason": "end_turn",
            "stop_sequence": null, "usage": {"input_tokens": 500, "output_tokens": 100},
        })
    };
    let Some(events) = shape.number("events") else {
        let size = shape.number("bytes").unwrap_or(2000);
        return Answer::json(200, &message(&words(size / 6)));
    };
    let text = words(events * 4);
    let piece = text.len().div_ceil(usize::try_from(events).unwrap_or(1).max(1));
    let pause = shape.number("ms").map(|ms| Step::Wait(Duration::from_millis(ms)));
    let parts = sse::events(&message(&text), Wire { piece, ..Wire::default() });
    let steps =
        parts.into_iter().flat_map(|part| [Some(Step::Send(part)), pause.clone()]).flatten();
    Answer::new(200)
        .header("content-type", "text/event-stream; charset=utf-8")
        .stream(steps.collect())
}
