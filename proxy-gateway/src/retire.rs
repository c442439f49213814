//! The end of a server, so that no request falls between two processes.
//!
//! A load balancer keeps connections open and does not send a POST a second time once it has begun
//! to send it. So a connection must not close just when a request arrives on it: first the port
//! closes, which a balancer sees before it sends anything; then what comes on the connections that
//! are there is still served, each answer closing its connection; only then does the server drain.

use std::{
    net::{Shutdown, TcpListener},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use actix_web::dev::ServerHandle;
use socket2::SockRef;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long connections without a request may stay open: enough for whoever was about to use one.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

const LOOK: Duration = Duration::from_millis(5);

/// Looks at the queue of new connections until it is taken to be always busy.
const LOOKS: usize = 50;

/// How many client connections there are.
#[derive(Clone, Default)]
pub struct Connections(Arc<AtomicUsize>);

/// One connection, counted until it is dropped.
pub struct Connected(Arc<AtomicUsize>);

impl Connections {
    pub fn enter(&self) -> Connected {
        self.0.fetch_add(1, Relaxed);
        Connected(self.0.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// What is needed to end a server.
pub struct Retirement {
    pub handle: ServerHandle,
    /// A second descriptor of the socket that the server accepts on.
    pub listener: TcpListener,
    pub connections: Connections,
    /// Cancelled when answers are to close their connections.
    pub closing: CancellationToken,
    /// Cancelled when the drain time is over.
    pub drained: CancellationToken,
    /// Counted from the signal.
    pub drain_timeout: Duration,
}

impl Retirement {
    pub async fn run(self) {
        // Requests that come while connections are still open have a moment too.
        let drained_at = Instant::now() + self.drain_timeout.max(LAST_REQUESTS);
        self.close_port().await;
        self.closing.cancel();
        let end = Instant::now() + LAST_REQUESTS;
        while self.connections.count() > 0 && Instant::now() < end {
            sleep(LOOK).await;
        }
        let stopped = self.handle.stop(true);
        tokio::pin!(stopped);
        tokio::select! {
            () = &mut stopped => return,
            // Left to the server, what runs would be dropped without a word.
            () = sleep_until(drained_at) => self.drained.cancel(),
        }
        stopped.await;
    }

    /// Refuses new connections from here on. The kernel resets those that nobody has accepted, so
    /// there must be none; to look and to close at once needs a server that does not accept
    /// meanwhile.
    async fn close_port(&self) {
        for _look in 0..LOOKS {
            self.handle.pause().await;
            if !self.has_waiting().await {
                break;
            }
            self.handle.resume().await;
            sleep(LOOK).await;
        }
        if let Err(error) = SockRef::from(&self.listener).shutdown(Shutdown::Read) {
            tracing::debug!(%error, "the port stays open until the server ends");
        }
    }

    /// Whether a connection waits, or comes within a moment in which the server has surely paused.
    async fn has_waiting(&self) -> bool {
        // Tokio tells of readiness without accepting only for streams.
        let same = self.listener.try_clone().map(|listener| OwnedFd::from(listener).into());
        match same.and_then(TcpStream::from_std) {
            Ok(socket) => timeout(LOOK, socket.readable()).await.is_ok(),
            Err(_no_descriptor) => false,
        }
    }
}
