//! Accepts connections and serves them.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::reader::Reader;
use super::{Answer, Request, writer};
use crate::seen::{Outcome, Seen};

/// A stand-in: from a request to what is answered. Called on the connection's task, so it must
/// not block.
pub trait Service: Send + Sync + 'static {
    fn answer(&self, request: &Request) -> Answer;
}

impl<T: Service> Service for Arc<T> {
    fn answer(&self, request: &Request) -> Answer {
        T::answer(self, request)
    }
}

/// A running stand-in. It stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    seen: Arc<Seen>,
    stop: CancellationToken,
}

impl Server {
    /// Serves on a bound listener, on the current tokio runtime.
    pub fn start(listener: StdListener, service: impl Service) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let server = Self {
            addr: listener.local_addr()?,
            seen: Arc::new(Seen::default()),
            stop: CancellationToken::new(),
        };
        let accept = accept(listener, Arc::new(service), server.seen.clone());
        let stop = server.stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(accept).await });
        Ok(server)
    }

    /// Serves on a free port of 127.0.0.1.
    pub fn local(service: impl Service) -> io::Result<Self> {
        Self::start(StdListener::bind("127.0.0.1:0")?, service)
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What has arrived.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: TcpListener, service: Arc<dyn Service>, seen: Arc<Seen>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (service, seen) = (service.clone(), seen.clone());
                tokio::spawn(async move {
                    if let Err(error) = connection(stream, &*service, &seen).await {
                        tracing::debug!(%error, "connection ended");
                    }
                });
            }
            // Out of file descriptors, say: the next accept may work again.
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(mut stream: TcpStream, service: &dyn Service, seen: &Seen) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = Reader::default();
    while let Some(request) = reader.next(&mut stream).await? {
        let answer = service.answer(&request);
        let with_body = request.method != "HEAD";
        let number = seen.arrived(request);
        let sent = writer::send(&mut stream, &answer, with_body).await;
        let outcome = *sent.as_ref().unwrap_or(&Outcome::ClientGone);
        seen.ended(number, outcome);
        if sent? != Outcome::Sent {
            return Ok(());
        }
    }
    Ok(())
}
