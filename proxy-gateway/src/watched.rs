//! Connections whose other end may be gone without a word.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// When the system is to give a connection up.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long what was sent may stay unacknowledged.
    pub unacknowledged: Duration,
    /// Silence after which the other end is asked whether it is still there.
    pub silence: Duration,
    /// How often it is asked from then on.
    pub every: Duration,
}

/// Has the system watch the connection to `whom`. Where it can't, the connection serves as it is.
pub fn watch(tcp: &TcpStream, patience: Patience, whom: &'static str) {
    let socket = SockRef::from(tcp);
    let keepalive = TcpKeepalive::new().with_time(patience.silence).with_interval(patience.every);
    let watched = socket
        .set_tcp_user_timeout(Some(patience.unacknowledged))
        .and_then(|()| socket.set_tcp_keepalive(&keepalive));
    if let Err(error) = watched {
        tracing::debug!(%error, whom, "a connection is not watched for a dead path");
    }
}
