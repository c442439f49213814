//! The client for everything that is not an exchange: same roots and proxy as the upstream's.

use std::time::Duration;

use reqwest::{Client, NoProxy, Proxy, redirect::Policy};

use crate::{config::UpstreamConfig, upstream::UpstreamSettings};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Problems are sentences for the operator.
pub fn client(config: &UpstreamConfig, settings: &UpstreamSettings) -> Result<Client, String> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(settings.tls().clone())
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .no_proxy();
    if let Some(url) = &config.https_proxy {
        let proxy = Proxy::https(url).map_err(|error| format!("HTTPS_PROXY: {error}"))?;
        builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(&config.no_proxy.join(","))));
    }
    builder.build().map_err(|error| format!("the HTTP client can't be set up: {error}"))
}
