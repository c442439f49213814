//! One exchange: admitted, sent up, answered, recorded.

mod answer;
mod attempts;
mod events;
mod fields;
mod ledger;
mod upload;
mod watch;

use std::{rc::Rc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    body::BodySize,
    http::{Method, StatusCode, header},
    web,
};
use nexus_contract::{ExchangeId, TerminalState};
use nexus_journal::{Recording, RequestHead};
use tokio::time::{Instant, timeout_at};

pub use self::fields::Injected;
use self::{
    answer::{Answer, Parts},
    attempts::Call,
    events::EventWatch,
    ledger::Ledger,
    upload::{Upload, UploadFailure},
    watch::Watch,
};
use crate::{
    access::Grant,
    config::OnClientAbort,
    domain::Domain,
    meters,
    observe::{Observation, Started},
    problem::{Problem, REQUEST_ID},
    routes::worker,
    server::Worker,
    upstream::{BodyLength, Fields, Request, Response, UpstreamError},
};

/// How long a client that is refused for lack of room should wait.
const OVERLOADED_FOR: Duration = Duration::from_secs(5);

/// Forwards a request and gives back what the upstream answers.
pub async fn forward(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let worker = worker(&request).clone();
    let id = worker.state.deps.ids.mint();
    if worker.state.config.clients.on_abort == OnClientAbort::Cancel {
        return exchange(worker, id, request, payload).await;
    }
    // As a task of its own the call outlives a client that leaves.
    let task = actix_rt::spawn(exchange(worker, id, request, payload));
    task.await.unwrap_or_else(|_panic| {
        Problem::Upstream("the request could not be handled").response(&id.to_string())
    })
}

async fn exchange(
    worker: Rc<Worker>,
    id: ExchangeId,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let admission = match Admission::new(&worker, &request) {
        Ok(admission) => admission,
        Err(problem) => return refuse(id, &problem),
    };
    let (mut ledger, upload) = match admission.open(&worker, id, &request, payload) {
        Ok(opened) => opened,
        Err(problem) => return refuse(id, &problem),
    };
    if let Err(problem) = admission.check_size(&worker) {
        return end_refused(ledger, TerminalState::Refused, &problem).await;
    }
    let deadline = ledger.started + timeout(&worker);
    let make = || admission.upstream_request(&worker, &request, &upload);
    let call = Call { worker: &worker, upload: &upload, make: &make };
    let answered = timeout_at(deadline, call.answer(&mut ledger)).await;
    upload.forget();
    match answered {
        Ok(Ok(response)) => answer(response, ledger, &request, deadline).await,
        Ok(Err(error)) => fail(&worker, ledger, &error, upload.failure()).await,
        Err(_elapsed) => {
            let problem = Problem::Timeout("the upstream did not answer in time");
            end_refused(ledger, TerminalState::TimedOut, &problem).await
        }
    }
}

/// A request that may go up.
struct Admission {
    domain: Domain,
    grant: Grant,
    path: String,
    length: BodyLength,
    is_captured: bool,
}

impl Admission {
    fn new(worker: &Worker, request: &HttpRequest) -> Result<Self, Problem> {
        let state = &worker.state;
        let domain = domain(request)?;
        let path = path(request)?;
        let grant = state.access.authorize(&domain, request.headers())?;
        let is_captured =
            request.method() == Method::POST && request.uri().path() == "/v1/messages";
        state.meters.request(is_captured);
        let length = fields::body_length(request.headers(), request.method());
        Ok(Self { domain, grant, path, length, is_captured })
    }

    /// Opens the books.
    fn open(
        &self,
        worker: &Worker,
        id: ExchangeId,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<(Ledger, Upload), Problem> {
        let state = &worker.state;
        let at = state.deps.clock.now();
        let (mut recording, mut observation) = (None, None);
        if self.is_captured {
            let headers = fields::recorded(request.headers());
            observation = Some(Box::new(Observation::new(
                id,
                self.domain.clone(),
                self.grant.account_id.clone(),
                self.path.clone(),
                headers.clone(),
                at,
            )));
            let head = RequestHead {
                id,
                at,
                domain: self.domain.to_string(),
                account_id: self.grant.account_id.clone(),
                method: request.method().to_string(),
                path: self.path.clone(),
                headers,
                client_fingerprint: self.grant.fingerprint.clone(),
            };
            recording = begin(worker, head)?;
        }
        let started = observation.is_some().then(|| Started {
            id,
            domain: self.domain.clone(),
            path: self.path.clone(),
        });
        let upload = Upload::new(
            payload,
            recording.clone(),
            state.config.clients.max_request_size,
            state.config.clients.stall_timeout,
            started.map(|started| (started, state.clone())),
        );
        if self.length == BodyLength::Absent {
            upload.is_absent();
        }
        let domain = self.domain.clone();
        let mut ledger = Ledger::new(state.clone(), id, domain, at, recording, observation);
        ledger.upload = Some(upload.clone());
        Ok((ledger, upload))
    }

    fn check_size(&self, worker: &Worker) -> Result<(), Problem> {
        let max = worker.state.config.clients.max_request_size;
        match self.length {
            BodyLength::Sized(length) if length > max => Err(Problem::TooLarge { max }),
            _ => Ok(()),
        }
    }

    fn upstream_request(&self, worker: &Worker, request: &HttpRequest, upload: &Upload) -> Request {
        let prefix = &worker.state.upstream.target().path_prefix;
        Request {
            method: request.method().clone(),
            path: format!("{prefix}{}", self.path),
            fields: fields::request_fields(request.headers(), &self.grant.injected),
            length: self.length,
            body: upload.read(),
        }
    }
}

/// Time for the whole exchange.
fn timeout(worker: &Worker) -> Duration {
    let config = &worker.state.config;
    config.upstream.timeout.min(config.clients.timeout)
}

/// Begins the record, if there is a journal. A full one refuses only where capture is required.
fn begin(worker: &Worker, head: RequestHead) -> Result<Option<Recording>, Problem> {
    let Some(journal) = &worker.state.deps.journal else { return Ok(None) };
    match journal.begin(head) {
        Ok(recording) => Ok(Some(recording)),
        Err(_full) => Err(Problem::Overloaded { retry_after: OVERLOADED_FOR }),
    }
}

/// The domain, from `Host` and nothing else.
fn domain(request: &HttpRequest) -> Result<Domain, Problem> {
    let invalid = Problem::InvalidRequest("the Host header is missing or not valid");
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(domain) = host.and_then(Domain::parse) else { return Err(invalid) };
    // A target that names another authority than `Host` is made to be read in two ways.
    match request.uri().authority() {
        Some(authority) if Domain::parse(authority.as_str()) != Some(domain.clone()) => {
            Err(invalid)
        }
        _ => Ok(domain),
    }
}

/// Path and query as they came. Dot segments would let a client leave the API's paths.
fn path(request: &HttpRequest) -> Result<String, Problem> {
    let uri = request.uri();
    let has_dots = uri.path().split('/').any(|segment| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    });
    if has_dots {
        return Err(Problem::InvalidRequest("the path must not hold dot segments"));
    }
    Ok(uri.path_and_query().map_or("/", |path| path.as_str()).to_owned())
}

/// Sends the upstream's answer down.
async fn answer(
    response: Response,
    mut ledger: Ledger,
    request: &HttpRequest,
    deadline: Instant,
) -> HttpResponse {
    let size = size(&response, request.method());
    let is_stream = field(&response.fields, &header::CONTENT_TYPE)
        .is_some_and(|kind| kind.starts_with("text/event-stream"));
    let coding = field(&response.fields, &header::CONTENT_ENCODING)
        .filter(|coding| !coding.eq_ignore_ascii_case("identity"));
    let events = is_stream.then(|| EventWatch::new(coding.as_deref()));
    let fields = fields::response_fields(response.fields);
    let recorded = fields.iter().map(|(name, value)| (name, value));
    ledger.answered(response.status, fields::recorded(recorded));
    if let Some(written) = ledger.written() {
        let since = Instant::now();
        written.await;
        ledger.held(since.elapsed());
    }
    let mut down = HttpResponse::build(response.status);
    for (name, value) in fields {
        down.append_header((name, value));
    }
    down.insert_header((REQUEST_ID, ledger.id.to_string()));
    let is_error = response.status.is_client_error() || response.status.is_server_error();
    let end_state = if is_error { TerminalState::UpstreamError } else { TerminalState::Completed };
    let watch = Watch::new(deadline, ledger.state.config.upstream.idle_timeout);
    let mut parts = Parts { ledger, body: response.body, watch, events, end_state };
    if !parts.body.is_complete() {
        return down.body(Answer::new(parts, size));
    }
    // Without a body there is nothing to hold back but the head.
    parts.end();
    if let Some(written) = parts.ledger.written() {
        written.await;
    }
    down.body(Answer::empty(size))
}

fn field(fields: &Fields, wanted: &header::HeaderName) -> Option<String> {
    let (_, value) = fields.iter().find(|(name, _)| name == wanted)?;
    Some(value.to_str().ok()?.trim().to_owned())
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
async fn fail(
    worker: &Worker,
    ledger: Ledger,
    error: &UpstreamError,
    upload: Option<UploadFailure>,
) -> HttpResponse {
    let max = worker.state.config.clients.max_request_size;
    let (state, problem) = match (error, upload) {
        (_, Some(UploadFailure::TooLarge)) => (TerminalState::Refused, Problem::TooLarge { max }),
        (_, Some(UploadFailure::Malformed)) => (
            TerminalState::Refused,
            Problem::InvalidRequest("the request's body is not framed validly"),
        ),
        (_, Some(UploadFailure::Stalled)) => (TerminalState::TimedOut, Problem::SlowRequest),
        (_, Some(UploadFailure::ClientLeft)) => (
            TerminalState::ClientAborted,
            Problem::InvalidRequest("the request's body ended early"),
        ),
        (UpstreamError::ConnectTimeout, None) => {
            (TerminalState::TimedOut, Problem::Timeout("the upstream can't be reached in time"))
        }
        (UpstreamError::Connect(_), None) => {
            (TerminalState::UpstreamCut, Problem::Upstream("the upstream can't be reached"))
        }
        (_, None) => (
            TerminalState::UpstreamCut,
            Problem::Upstream("the upstream's answer broke off before it began"),
        ),
    };
    tracing::warn!(exchange = %ledger.id, domain = %ledger.domain, %error, "no answer from the upstream");
    end_refused(ledger, state, &problem).await
}

/// Answers by itself, and records that.
async fn end_refused(mut ledger: Ledger, state: TerminalState, problem: &Problem) -> HttpResponse {
    let response = refuse(ledger.id, problem);
    ledger.answered(response.status(), fields::recorded(response.headers()));
    ledger.chunk(&problem.body(&ledger.id.to_string()).into());
    ledger.end(state, Some(problem.describe().2));
    if let Some(written) = ledger.written() {
        written.await;
    }
    response
}

/// Answers by itself where there is nothing to record.
fn refuse(id: ExchangeId, problem: &Problem) -> HttpResponse {
    meters::refused(problem.describe().1);
    problem.response(&id.to_string())
}
