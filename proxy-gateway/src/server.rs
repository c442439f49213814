//! The HTTP server towards the clients.

use std::{io, net::TcpListener, rc::Rc, sync::Arc};

use actix_web::{
    App, HttpServer,
    dev::Server,
    web::{self, ServiceConfig},
};
use tokio_util::sync::CancellationToken;

use crate::{routes, state::State, upstream::Client};

/// What one worker thread has: the shared state, and connections of its own.
pub struct Worker {
    pub state: Arc<State>,
    pub client: Client,
}

/// A server that runs, once awaited, until `shutdown`, and then drains.
pub fn server<F>(
    state: Arc<State>,
    listener: TcpListener,
    extra_routes: F,
    shutdown: CancellationToken,
) -> io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Send + Clone + 'static,
{
    let clients = state.config.clients.clone();
    let workers = clients.workers.unwrap_or_else(default_workers);
    listener.set_nonblocking(true)?;
    let server = HttpServer::new(move || {
        let worker = Rc::new(Worker { state: state.clone(), client: Client::new(&state.upstream) });
        App::new()
            .app_data(worker)
            .configure(extra_routes.clone())
            .configure(routes::configure)
            .default_service(web::to(routes::not_found))
    })
    .workers(workers)
    .max_connections(clients.max_connections)
    .keep_alive(clients.keep_alive)
    .client_request_timeout(clients.head_timeout)
    .client_disconnect_timeout(DISCONNECT)
    .shutdown_timeout(clients.drain_timeout.as_secs())
    .shutdown_signal(shutdown.cancelled_owned())
    .tcp_nodelay(true)
    // A client that hangs up must cancel its upstream call at once.
    .h1_allow_half_closed(false)
    .listen(listener)?
    .run();
    Ok(server)
}

/// Time that a connection has to close cleanly.
const DISCONNECT: std::time::Duration = std::time::Duration::from_secs(1);

fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
