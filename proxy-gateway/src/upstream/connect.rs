//! A new connection to the upstream: name, TCP, proxy, TLS, all within one time-out.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;

use super::{error::UpstreamError, proxy::Proxy, stream::Stream, target::Target};
use crate::watched::{Patience, watch};

/// How long an address may keep the next one from being tried (RFC 8305 §5).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// An answer may be silent for minutes; a path that is dead must not look like that.
const PATIENCE: Patience = Patience {
    unacknowledged: Duration::from_mins(1),
    silence: Duration::from_secs(15),
    every: Duration::from_secs(5),
};

/// Opens connections to the [`Target`].
#[derive(Clone)]
pub struct Connector {
    pub target: Target,
    pub tls: Arc<ClientConfig>,
    pub proxy: Option<Arc<Proxy>>,
    pub timeout: Duration,
}

impl Connector {
    pub async fn connect(&self) -> Result<Stream, UpstreamError> {
        match tokio::time::timeout(self.timeout, self.open()).await {
            Ok(opened) => opened.map_err(UpstreamError::Connect),
            Err(_elapsed) => Err(UpstreamError::ConnectTimeout),
        }
    }

    async fn open(&self) -> io::Result<Stream> {
        let target = &self.target;
        let tcp = match &self.proxy {
            None => dial(&target.host, target.port).await?,
            Some(proxy) => {
                let tcp = dial(&proxy.host, proxy.port).await?;
                proxy.tunnel(tcp, &tunnel_authority(target)).await?
            }
        };
        if !target.tls {
            return Ok(Stream::Plain(tcp));
        }
        let name = ServerName::try_from(target.host.to_string()).map_err(io::Error::other)?;
        let tls = TlsConnector::from(self.tls.clone()).connect(name, tcp).await?;
        Ok(Stream::Tls(Box::new(tls)))
    }
}

/// CONNECT always names the port.
fn tunnel_authority(target: &Target) -> String {
    if target.host.contains(':') {
        format!("[{}]:{}", target.host, target.port)
    } else {
        format!("{}:{}", target.host, target.port)
    }
}

/// Tries the name's addresses, each a little after the one before, and takes the first that
/// answers.
async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut addresses = interleaved(lookup_host((host, port)).await?).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = addresses.next() {
            attempts.push(TcpStream::connect(address));
        }
        let outcome = if addresses.len() == 0 {
            attempts.next().await
        } else {
            match tokio::time::timeout(NEXT_ADDRESS, attempts.next()).await {
                Ok(outcome) => outcome,
                Err(_elapsed) => continue,
            }
        };
        match outcome {
            Some(Ok(tcp)) => return prepare(&tcp).map(|()| tcp),
            Some(Err(error)) => last_error = error,
            None => return Err(last_error),
        }
    }
}

fn prepare(tcp: &TcpStream) -> io::Result<()> {
    watch(tcp, PATIENCE, "upstream");
    // Nagle's algorithm would hold back the small writes that streams are made of.
    tcp.set_nodelay(true)
}

/// IPv6 and IPv4 in turns, beginning with what the resolver put first.
fn interleaved(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let all: Vec<_> = addresses.collect();
    let first_is_v6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut out = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.drain(..), second.drain(..));
    loop {
        let before = out.len();
        out.extend(first.next());
        out.extend(second.next());
        if out.len() == before {
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let all = ["[::1]:1", "[::2]:1", "1.1.1.1:1", "2.2.2.2:1"].map(address);
        let order = interleaved(all.into_iter());
        assert_eq!(order, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1"].map(address));
    }
}
