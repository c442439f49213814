//! The HTTP server towards the clients.

use std::{io, net::TcpListener, rc::Rc, sync::Arc, time::Duration};

use actix_web::rt::net::TcpStream;
use actix_web::{
    App, HttpServer,
    dev::Server,
    web::{self, ServiceConfig},
};
use tokio_util::sync::CancellationToken;

use crate::{
    exchange::Unread,
    retire::{Connections, Retirement},
    routes,
    state::State,
    upstream::Client,
    watched::{Patience, watch},
};

/// What one worker thread has: the shared state, and connections of its own.
pub struct Worker {
    pub state: Arc<State>,
    pub client: Client,
    pub unread: Unread,
    /// Cancelled when the process is about to stop.
    pub shutdown: CancellationToken,
    /// Cancelled when answers are to close their connections.
    pub closing: CancellationToken,
    /// Cancelled when a stop's drain time is over: what still runs is to end.
    pub drained: CancellationToken,
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
    let second = listener.try_clone()?;
    let stall = clients.stall_timeout;
    let (stop, closing) = (shutdown.clone(), CancellationToken::new());
    let (closing_answers, connections) = (closing.clone(), Connections::default());
    let drained = CancellationToken::new();
    let over = drained.clone();
    let counted = connections.clone();
    let server = HttpServer::new(move || {
        let worker = Rc::new(Worker {
            state: state.clone(),
            client: Client::new(&state.upstream),
            unread: Unread::default(),
            shutdown: stop.clone(),
            // Both its own: every exchange looks at them, and workers share no lock.
            closing: closing_answers.child_token(),
            drained: over.child_token(),
        });
        App::new()
            .app_data(worker)
            // The gateway's own first: the data API's scope would take `/api/hello` for its own.
            .configure(routes::configure)
            .configure(extra_routes.clone())
            .default_service(web::to(routes::not_found))
    })
    .on_connect(move |io, extensions| {
        extensions.insert(counted.enter());
        if let Some(tcp) = io.downcast_ref::<TcpStream>() {
            guard(tcp, stall);
        }
    })
    .workers(workers)
    .max_connections(clients.max_connections.div_ceil(workers))
    .keep_alive(clients.keep_alive)
    .client_request_timeout(clients.head_timeout)
    .client_disconnect_timeout(DISCONNECT)
    .shutdown_timeout(whole_seconds(clients.drain_timeout))
    .disable_signals()
    .tcp_nodelay(true)
    // A client that hangs up must cancel its upstream call at once.
    .h1_allow_half_closed(false)
    .listen(listener)?
    .run();
    let retirement = Retirement {
        handle: server.handle(),
        listener: second,
        connections,
        closing,
        drained,
        drain_timeout: clients.drain_timeout,
    };
    tokio::spawn(async move {
        shutdown.cancelled().await;
        retirement.run().await;
    });
    Ok(server)
}

/// Time that a connection has to close cleanly.
const DISCONNECT: Duration = Duration::from_secs(1);

/// The server counts whole seconds, and none at all would cut off every answer.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// A client that stops reading, or is gone without a word, loses its connection. The server itself
/// has no time-out for that: while it can't write it asks nobody for more.
fn guard(tcp: &TcpStream, stall: Duration) {
    let patience = Patience { unacknowledged: stall, silence: stall, every: stall / 4 };
    watch(tcp, patience, "client");
}
