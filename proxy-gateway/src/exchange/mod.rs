//! One exchange: admitted, sent up, answered, recorded.

mod admission;
mod answer;
mod attempts;
mod brake;
mod events;
mod fields;
mod hold;
mod ledger;
mod reply;
mod unread;
mod upload;
mod watch;

use std::{rc::Rc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{ConnectionType, Version},
    web,
};
use nexus_contract::{ExchangeId, TerminalState};

use self::{admission::Admission, attempts::Call, watch::Deadline};
pub use self::{fields::Injected, hold::hold, unread::Unread};
use crate::{config::OnClientAbort, problem::Problem, routes::worker, server::Worker};

/// Forwards a request and gives back what the upstream answers.
pub async fn forward(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let worker = worker(&request).clone();
    let id = worker.state.deps.ids.mint();
    let is_http10 = request.version() == Version::HTTP_10;
    let mut response = if worker.state.config.clients.on_abort == OnClientAbort::Cancel {
        exchange(worker.clone(), id, request, payload).await
    } else {
        // As a task of its own the call outlives a client that leaves.
        let task = actix_rt::spawn(exchange(worker.clone(), id, request, payload));
        task.await.unwrap_or_else(|_panic| {
            Problem::Upstream("the request could not be handled").response(&id.to_string())
        })
    };
    if is_http10 {
        // It knows no chunks (RFC 9112 §6.1): what has no length ends with the connection.
        response.head_mut().no_chunking(true);
    }
    if is_http10 || worker.closing.is_cancelled() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

async fn exchange(
    worker: Rc<Worker>,
    id: ExchangeId,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    match Admission::new(&worker, &request).await {
        Err(problem) => hold(reply::refusal(id, &problem), payload),
        Ok(admission) => {
            let mut response = admitted(&worker, &admission, id, &request, payload).await;
            admission.mark(&mut response);
            response
        }
    }
}

async fn admitted(
    worker: &Worker,
    admission: &Admission,
    id: ExchangeId,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let (mut ledger, upload) = match admission.open(worker, id, request, payload) {
        Ok(opened) => opened,
        Err(problem) => return reply::refusal(id, &problem),
    };
    if let Err(problem) = admission.check_size(worker) {
        let response = reply::problem_recorded(ledger, TerminalState::Refused, &problem).await;
        return hold(response, upload);
    }
    let deadline = Deadline::new(ledger.started + timeout(worker), worker.drained.clone());
    let make = || admission.upstream_request(worker, request, &upload);
    let call = Call { worker, upload: &upload, make: &make, deadline: &deadline };
    let answered = tokio::select! {
        biased;
        answered = call.answer(&mut ledger) => Ok(answered),
        reason = deadline.passed() => Err(reason),
    };
    upload.forget();
    let response = match answered {
        Ok(Ok(response)) => {
            let method = request.method();
            reply::answer(response, ledger, method, deadline, &worker.unread).await
        }
        Ok(Err(error)) => reply::failure(ledger, &error, upload.failure()).await,
        Err(reason) => {
            let problem = Problem::Timeout(reason);
            reply::problem_recorded(ledger, TerminalState::TimedOut, &problem).await
        }
    };
    if upload.is_whole() { response } else { hold(response, upload) }
}

/// Time for the whole exchange.
fn timeout(worker: &Worker) -> Duration {
    let config = &worker.state.config;
    config.upstream.timeout.min(config.clients.timeout)
}
