//! The upstream client of one worker: connections, HTTP/1.1 and HTTP/2, nothing added and nothing
//! interpreted. ADR 0020 says why it is our own.

mod connect;
mod error;
mod http1;
mod http2;
mod message;
mod pool;
mod proxy;
mod stream;
mod target;
mod tls;

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};

use self::{connect::Connector, http2::Http2, pool::Pool, proxy::Proxy, stream::Stream};
pub use self::{
    error::UpstreamError,
    message::{Body, BodyLength, BodyStream, Fields, Request, Response},
    target::Target,
};
use rustls::ClientConfig;

use crate::config::UpstreamConfig;

/// What every worker's client is made from.
#[derive(Clone)]
pub struct UpstreamSettings {
    connector: Connector,
    max_idle: usize,
    idle_timeout: Duration,
}

impl UpstreamSettings {
    /// Checks everything and reports every problem, as sentences for the operator.
    pub fn new(config: &UpstreamConfig) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let target =
            Target::parse(&config.base_url).map_err(|error| problems.push(error.to_string()));
        let tls = tls::client_config(config.extra_roots.as_deref(), config.http2)
            .map_err(|problem| problems.push(problem));
        let proxy = config.https_proxy.as_deref().map(Proxy::parse).transpose();
        let proxy = proxy.map_err(|problem| problems.push(problem));
        let (Ok(target), Ok(tls), Ok(proxy)) = (target, tls, proxy) else { return Err(problems) };
        let uses_proxy = target.tls && !is_exempt(&target.host, &config.no_proxy);
        let proxy = proxy.filter(|_| uses_proxy).map(Arc::new);
        Ok(Self {
            connector: Connector { target, tls, proxy, timeout: config.connect_timeout },
            max_idle: config.max_idle_connections,
            idle_timeout: config.idle_connection_timeout,
        })
    }

    /// TLS as the upstream is called with.
    pub fn tls(&self) -> &ClientConfig {
        &self.connector.tls
    }

    pub fn target(&self) -> &Target {
        &self.connector.target
    }
}

/// `NO_PROXY`: `*`, a host, or a domain with all below it.
fn is_exempt(host: &str, no_proxy: &[String]) -> bool {
    no_proxy.iter().map(|entry| entry.trim().trim_start_matches('.')).any(|entry| {
        let is_below =
            || host.strip_suffix(entry).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        entry == "*" || (!entry.is_empty() && is_below())
    })
}

/// Sends requests on pooled connections. Belongs to one thread.
pub struct Client {
    connector: Connector,
    pool: Rc<Pool>,
    multiplexed: RefCell<Vec<Http2>>,
    /// Held while a connection is opened that is known to become HTTP/2, so that a burst of
    /// requests shares it.
    opening: tokio::sync::Mutex<()>,
    idle_timeout: Duration,
}

impl Client {
    pub fn new(settings: &UpstreamSettings) -> Self {
        Self {
            connector: settings.connector.clone(),
            pool: Rc::new(Pool::new(settings.max_idle, settings.idle_timeout)),
            multiplexed: RefCell::default(),
            opening: tokio::sync::Mutex::new(()),
            idle_timeout: settings.idle_timeout,
        }
    }

    /// Waits for the head of the answer. `fresh` avoids connections that were used before: one that
    /// the upstream has just closed must not fail the same request twice.
    pub async fn send(&self, request: Request, fresh: bool) -> Result<Response, UpstreamError> {
        if !fresh {
            if let Some(connection) = self.find_multiplexed() {
                return connection.call(&self.connector.target, request).await;
            }
            if let Some(io) = self.pool.take() {
                return self.call_http1(io, request).await;
            }
        }
        let knows_http2 = !self.multiplexed.borrow().is_empty();
        let opening = if knows_http2 { Some(self.opening.lock().await) } else { None };
        if let Some(connection) = opening.as_ref().and_then(|_| self.find_multiplexed()) {
            return connection.call(&self.connector.target, request).await;
        }
        let io = self.connector.connect().await?;
        if !io.speaks_http2() {
            drop(opening);
            return self.call_http1(io, request).await;
        }
        let connection = Http2::open(io).await?;
        self.remember(connection.clone());
        drop(opening);
        connection.call(&self.connector.target, request).await
    }

    async fn call_http1(&self, io: Stream, request: Request) -> Result<Response, UpstreamError> {
        http1::call(io, &self.connector.target.authority, request, self.pool.clone()).await
    }

    fn find_multiplexed(&self) -> Option<Http2> {
        let connections = self.multiplexed.borrow();
        connections.iter().find(|connection| connection.has_room(self.idle_timeout)).cloned()
    }

    fn remember(&self, connection: Http2) {
        let mut connections = self.multiplexed.borrow_mut();
        connections.retain(Http2::is_alive);
        connections.push(connection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_names_hosts_and_domains() {
        let list = |text: &str| vec![text.to_owned()];
        assert!(is_exempt("api.anthropic.com", &list("anthropic.com")));
        assert!(is_exempt("api.anthropic.com", &list(".anthropic.com")));
        assert!(is_exempt("x", &list("*")));
        assert!(!is_exempt("notanthropic.com", &list("anthropic.com")));
        assert!(!is_exempt("x", &list("")));
    }
}
