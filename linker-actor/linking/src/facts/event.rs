//! Facts of the events that the gateway publishes.

use nexus_contract::{BodyError, Event, Payload, RequestReceived, ResponseFinished};
use nexus_messages::{Answer, Identity, Request, decode::decode};

use super::{AnswerFacts, Fact, RequestContext, RequestFacts};

/// Largest body that is read, in bytes after decoding: what the gateway lets through, and some more
/// for answers.
const MAX_BODY: usize = 64 << 20;

impl Fact {
    /// The facts of an event; `None` for kinds that the linker has no use for.
    pub fn of_event(event: &Event) -> Result<Option<Self>, BodyError> {
        let raw = event.body.as_ref().map(nexus_contract::Body::raw).transpose()?;
        let raw = raw.unwrap_or_default();
        Ok(match &event.envelope.payload {
            Payload::RequestReceived(received) => Some(request(event, received, &raw)),
            Payload::ResponseFinished(finished) => Some(answer(event, finished, &raw)),
            _ => None,
        })
    }
}

fn request(event: &Event, received: &RequestReceived, raw: &[u8]) -> Fact {
    let envelope = &event.envelope;
    let context = RequestContext {
        id: envelope.id,
        at: envelope.at,
        domain: &envelope.domain,
        names_session: received.headers.get("x-claude-code-session-id").is_some(),
    };
    let body = decode(received.headers.get("content-encoding"), raw, MAX_BODY);
    let facts = match Request::parse(&body.bytes) {
        Ok(request) => {
            let identity = Identity::read(&received.headers, &request);
            RequestFacts::read(&context, &identity, &request)
        }
        Err(_no_request) => RequestFacts::unreadable(&context),
    };
    Fact::Request(envelope.id, Box::new(facts))
}

fn answer(event: &Event, finished: &ResponseFinished, raw: &[u8]) -> Fact {
    let body = decode(finished.headers.get("content-encoding"), raw, MAX_BODY);
    let answer = Answer::read(finished.headers.get("content-type"), &body.bytes);
    Fact::Answer(event.envelope.id, Box::new(AnswerFacts::read(finished.state, &answer)))
}
