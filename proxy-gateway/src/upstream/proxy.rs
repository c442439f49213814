//! `HTTPS_PROXY`: a tunnel by CONNECT (RFC 9110 §9.3.6).

use std::io;

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;

/// A proxy's answer to CONNECT is short; more is refused.
const MAX_HEAD: usize = 8 * 1024;

/// The proxy in front of the upstream.
#[derive(Debug, Clone)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    /// Value of `Proxy-Authorization`.
    authorization: Option<String>,
}

impl Proxy {
    /// Reads `HTTPS_PROXY`; a missing scheme means `http`. Problems are sentences for the operator.
    pub fn parse(text: &str) -> Result<Self, String> {
        let with_scheme =
            if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&with_scheme)
            .map_err(|error| format!("HTTPS_PROXY is not a URL: {error}"))?;
        if url.scheme() != "http" {
            return Err(
                "HTTPS_PROXY must begin with http:// (the tunnel itself is encrypted)".into()
            );
        }
        let host = url.host_str().ok_or("HTTPS_PROXY has no host")?;
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            authorization: authorization(&url),
        })
    }

    /// Asks for a tunnel to `authority` (host and port).
    pub async fn tunnel(&self, mut io: TcpStream, authority: &str) -> io::Result<TcpStream> {
        let mut head = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
        if let Some(authorization) = &self.authorization {
            head.push_str("Proxy-Authorization: ");
            head.push_str(authorization);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        io.write_all(head.as_bytes()).await?;
        let answer = read_head(&mut io).await?;
        if is_success(&answer) {
            Ok(io)
        } else {
            Err(io::Error::other("the proxy refused a tunnel"))
        }
    }
}

fn authorization(url: &Url) -> Option<String> {
    if url.username().is_empty() {
        return None;
    }
    let decode = |text: &str| percent_decode(text).unwrap_or_else(|| text.to_owned());
    let pair = format!("{}:{}", decode(url.username()), decode(url.password().unwrap_or_default()));
    Some(format!("Basic {}", BASE64_STANDARD.encode(pair)))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let pair = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// Reads up to the empty line and not a byte further: what follows belongs to TLS.
async fn read_head(io: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == MAX_HEAD {
            return Err(io::Error::other("the proxy's answer is too long"));
        }
        head.push(io.read_u8().await?);
    }
    Ok(head)
}

fn is_success(head: &[u8]) -> bool {
    head.starts_with(b"HTTP/1.") && head.get(9) == Some(&b'2')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_may_have_credentials() {
        let proxy = Proxy::parse("http://us%40er:p@proxy.local:3128").expect("valid");
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.local", 3128));
        assert_eq!(proxy.authorization.as_deref(), Some("Basic dXNAZXI6cA=="));
        assert_eq!(Proxy::parse("proxy:8080").expect("valid").port, 8080);
        assert!(Proxy::parse("socks5://x").is_err());
    }
}
