//! Whether a request may go up, and as what.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, HeaderName, HeaderValue},
    },
    web,
};
use jiff::Timestamp;
use nexus_contract::{ExchangeId, mask::mask_secrets};
use nexus_journal::{Recording, RequestHead};

use super::{
    fields,
    ledger::Ledger,
    upload::{Limits, Upload},
};
use crate::{
    access::Grant,
    domain::Domain,
    in_flight::Share,
    limits::Allowance,
    observe::{Observation, RequestCopy, Started},
    problem::{Problem, RATE_LIMIT, RATE_REMAINING},
    server::Worker,
    state::State,
    upstream::{BodyLength, Request},
};

/// How long a client that is refused for lack of room should wait.
const OVERLOADED_FOR: Duration = Duration::from_secs(5);

/// Bytes of a body that are kept for another try whatever its length; all of one that says none.
const MIN_KEPT: u64 = 1 << 20;

/// A request that may go up.
pub struct Admission {
    domain: Domain,
    grant: Grant,
    /// Path and query.
    path: String,
    length: BodyLength,
    is_captured: bool,
    allowance: Option<Allowance>,
    #[expect(dead_code, reason = "gives its room back when the exchange's call is over")]
    share: Share,
}

impl Admission {
    /// Checks in the order in which a refusal is cheapest. What is refused here is counted, not
    /// recorded: strangers must not be able to fill the journal.
    pub async fn new(worker: &Worker, request: &HttpRequest) -> Result<Self, Problem> {
        let state = &worker.state;
        let domain = domain(request)?;
        let path = path(request)?;
        let grant = state.access.authorize(&domain, request.uri(), request.headers()).await?;
        let allowance = state.limits.check(&grant, &domain)?;
        let length = fields::body_length(request.headers(), request.method());
        let overloaded = Problem::Overloaded { retry_after: OVERLOADED_FOR };
        let share = state.in_flight.take(length).ok_or(overloaded)?;
        let is_captured =
            request.method() == Method::POST && request.uri().path() == "/v1/messages";
        state.meters.request(is_captured);
        Ok(Self { domain, grant, path, length, is_captured, allowance, share })
    }

    /// Opens the books.
    pub fn open(
        &self,
        worker: &Worker,
        id: ExchangeId,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<(Ledger, Upload), Problem> {
        let state = &worker.state;
        let clients = &state.config.clients;
        let at = state.deps.clock.now();
        let head = self.is_captured.then(|| self.request_head(state, id, at, request));
        let recording = head.as_ref().map_or(Ok(None), |head| begin(worker, head))?;
        let copy = head.as_ref().map(|head| self.request_copy(worker, head));
        let observation = head.map(|head| Box::new(self.observation(head)));
        let limits = Limits {
            max: clients.max_request_size,
            kept: self.kept(clients.max_request_size),
            stall_timeout: clients.stall_timeout,
        };
        let upload = Upload::new(payload, recording.clone(), limits, copy);
        if self.length == BodyLength::Absent {
            upload.is_absent();
        }
        let domain = self.domain.clone();
        let ledger = Ledger::new(state.clone(), id, domain, at, recording, observation, &upload);
        Ok((ledger, upload))
    }

    /// How much of the body is kept for another try: as much as the room in flight was taken for.
    fn kept(&self, max: u64) -> u64 {
        match self.length {
            BodyLength::Sized(length) => length.min(max).max(MIN_KEPT),
            BodyLength::Absent | BodyLength::Chunked => MIN_KEPT,
        }
    }

    /// A body that is too large by its own account need not be read.
    pub fn check_size(&self, worker: &Worker) -> Result<(), Problem> {
        let max = worker.state.config.clients.max_request_size;
        match self.length {
            BodyLength::Sized(length) if length > max => Err(Problem::TooLarge { max }),
            _ => Ok(()),
        }
    }

    pub fn upstream_request(
        &self,
        worker: &Worker,
        request: &HttpRequest,
        upload: &Upload,
    ) -> Request {
        let prefix = &worker.state.upstream.target().path_prefix;
        Request {
            method: request.method().clone(),
            path: format!("{prefix}{}", self.path),
            fields: fields::request_fields(request.headers(), &self.grant.injected),
            length: self.length,
            body: upload.read(),
        }
    }

    /// Says on the answer how the client's limit stands, unless the upstream says the like.
    pub fn mark(&self, response: &mut HttpResponse) {
        let Some(allowance) = self.allowance else { return };
        let headers = response.headers_mut();
        for (name, value) in [(RATE_LIMIT, allowance.limit), (RATE_REMAINING, allowance.remaining)]
        {
            if !headers.contains_key(name) {
                headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
            }
        }
    }

    fn request_head(
        &self,
        state: &State,
        id: ExchangeId,
        at: Timestamp,
        request: &HttpRequest,
    ) -> RequestHead {
        RequestHead {
            id,
            at,
            domain: self.domain.to_string(),
            account_id: self.grant.account_id.clone(),
            method: request.method().to_string(),
            path: recorded_path(&self.path),
            headers: fields::recorded(request.headers(), state.keeps_heads()),
            client_fingerprint: self.grant.fingerprint.map(hex::encode),
        }
    }

    fn observation(&self, head: RequestHead) -> Observation {
        let RequestHead { id, account_id, path, headers, .. } = head;
        let (domain, slack) = (self.domain.clone(), self.grant.slack.clone());
        Observation::new(id, domain, account_id, path, headers, slack)
    }

    fn request_copy(&self, worker: &Worker, head: &RequestHead) -> RequestCopy {
        let started = Started { id: head.id, domain: self.domain.clone(), path: head.path.clone() };
        RequestCopy::new(worker.state.clone(), started, &self.grant.slack, self.length)
    }
}

/// The API takes no key in its query, but a client may put one there.
fn recorded_path(path: &str) -> String {
    mask_secrets(path).into_owned()
}

/// Begins the record, if there is a journal. A full one refuses only where capture is required.
fn begin(worker: &Worker, head: &RequestHead) -> Result<Option<Recording>, Problem> {
    let Some(journal) = worker.state.journal() else { return Ok(None) };
    match journal.begin(head.clone()) {
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
    if uri.path().split(['/', '\\']).any(is_dots) {
        return Err(Problem::InvalidRequest("the path must not hold dot segments"));
    }
    Ok(uri.path_and_query().map_or("/", |path| path.as_str()).to_owned())
}

/// Whether a segment is `.` or `..`, however its dots are written.
fn is_dots(segment: &str) -> bool {
    let rest = without_dot(segment);
    rest.is_some_and(|rest| rest.is_empty() || without_dot(rest) == Some(""))
}

fn without_dot(text: &str) -> Option<&str> {
    [".", "%2e", "%2E"].into_iter().find_map(|dot| text.strip_prefix(dot))
}
