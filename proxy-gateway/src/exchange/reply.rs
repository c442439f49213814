//! What the client gets: the upstream's answer, or the gateway's own error.

use actix_web::{
    HttpResponse,
    body::BodySize,
    http::{Method, StatusCode, header},
};
use nexus_contract::{ExchangeId, TerminalState};
use tokio::time::Instant;

use super::{
    answer::{Answer, Parts},
    events::EventWatch,
    fields,
    ledger::Ledger,
    unread::Unread,
    upload::UploadFailure,
    watch::{Deadline, SILENCE, Watch},
};
use crate::{
    meters,
    problem::{Problem, REQUEST_ID},
    upstream::{Fields, Response, UpstreamError},
};

/// Sends the upstream's answer down.
pub async fn answer(
    response: Response,
    mut ledger: Ledger,
    method: &Method,
    deadline: Deadline,
    unread: &Unread,
) -> HttpResponse {
    let size = size(&response, method);
    let events = event_watch(&response.fields);
    let fields = fields::response_fields(response.fields);
    ledger.answered(response.status, fields.iter().map(|(name, value)| (name, value)));
    if let Some(written) = ledger.written() {
        let since = Instant::now();
        written.await;
        ledger.held(since.elapsed());
    }
    let mut down = HttpResponse::build(response.status);
    for field in fields {
        down.append_header(field);
    }
    down.insert_header((REQUEST_ID, ledger.id.to_string()));
    let watch = Watch::new(deadline, ledger.state.config.upstream.idle_timeout);
    let end_state = end_state(response.status);
    let mut parts = Parts { ledger, body: response.body, watch, events, end_state };
    // A body of length 0 is never asked for, also when its end has not come yet (HTTP/2).
    let has_none = matches!(size, BodySize::None | BodySize::Sized(0));
    if !parts.body.is_complete() && !has_none {
        return down.body(Answer::new(parts, size, unread));
    }
    // Without a body there is nothing to hold back but the head.
    parts.end();
    if let Some(written) = parts.ledger.written() {
        written.await;
    }
    down.body(Answer::empty(size))
}

/// The state of an answer that comes to its end.
fn end_state(status: StatusCode) -> TerminalState {
    if status.is_client_error() || status.is_server_error() {
        TerminalState::UpstreamError
    } else {
        TerminalState::Completed
    }
}

fn event_watch(fields: &Fields) -> Option<EventWatch> {
    let kind = field(fields, &header::CONTENT_TYPE)?;
    let coding = field(fields, &header::CONTENT_ENCODING)
        .filter(|coding| !coding.eq_ignore_ascii_case("identity"));
    kind.starts_with("text/event-stream").then(|| EventWatch::new(coding))
}

fn field<'a>(fields: &'a Fields, wanted: &header::HeaderName) -> Option<&'a str> {
    let (_, value) = fields.iter().find(|(name, _)| name == wanted)?;
    Some(value.to_str().ok()?.trim())
}

/// The length as the upstream states it; an answer to HEAD states it without a body.
fn size(response: &Response, method: &Method) -> BodySize {
    let fields = &response.fields;
    if [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status) {
        return BodySize::None;
    }
    let is_chunked = fields.iter().any(|(name, _)| *name == header::TRANSFER_ENCODING);
    let length = field(fields, &header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    match length {
        Some(length) if !is_chunked => BodySize::Sized(length),
        None if *method == Method::HEAD => BodySize::None,
        _ => BodySize::Stream,
    }
}

/// The upstream gave no answer.
pub async fn failure(
    ledger: Ledger,
    error: &UpstreamError,
    upload: Option<UploadFailure>,
) -> HttpResponse {
    let max = ledger.state.config.clients.max_request_size;
    let (state, problem) = match upload {
        Some(failure) => upload_problem(failure, max),
        None => upstream_problem(error),
    };
    tracing::warn!(exchange = %ledger.id, domain = %ledger.domain, %error, "no answer from the upstream");
    problem_recorded(ledger, state, &problem).await
}

fn upload_problem(failure: UploadFailure, max: u64) -> (TerminalState, Problem) {
    match failure {
        UploadFailure::TooLarge => (TerminalState::Refused, Problem::TooLarge { max }),
        UploadFailure::Malformed => (
            TerminalState::Refused,
            Problem::InvalidRequest("the request's body is not framed validly"),
        ),
        UploadFailure::Stalled => (TerminalState::TimedOut, Problem::SlowRequest),
        UploadFailure::ClientLeft => (
            TerminalState::ClientAborted,
            Problem::InvalidRequest("the request's body ended early"),
        ),
    }
}

fn upstream_problem(error: &UpstreamError) -> (TerminalState, Problem) {
    match error {
        UpstreamError::ConnectTimeout => {
            (TerminalState::TimedOut, Problem::Timeout("the upstream can't be reached in time"))
        }
        UpstreamError::Silent => (TerminalState::TimedOut, Problem::Timeout(SILENCE)),
        UpstreamError::Connect(_) => {
            (TerminalState::UpstreamCut, Problem::Upstream("the upstream can't be reached"))
        }
        _ => (
            TerminalState::UpstreamCut,
            Problem::Upstream("the upstream's answer broke off before it began"),
        ),
    }
}

/// Answers by itself, and records that.
pub async fn problem_recorded(
    mut ledger: Ledger,
    state: TerminalState,
    problem: &Problem,
) -> HttpResponse {
    let response = refusal(ledger.id, problem);
    ledger.answered(response.status(), response.headers());
    ledger.chunk(&problem.body(&ledger.id.to_string()).into());
    ledger.end(state, Some(problem.describe().2));
    if let Some(written) = ledger.written() {
        written.await;
    }
    response
}

/// Answers by itself where there is nothing to record.
pub fn refusal(id: ExchangeId, problem: &Problem) -> HttpResponse {
    meters::refused(problem.describe().1);
    problem.response(&id.to_string())
}
