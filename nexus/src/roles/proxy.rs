//! The way to hosts outside: the proxy that the settings name, and nothing of the environment.

use reqwest::{ClientBuilder, NoProxy, Proxy};

use crate::settings::Settings;

/// `HTTPS_PROXY` for all hosts but those of `NO_PROXY`; plain HTTP goes directly.
pub fn https_proxy(settings: &Settings) -> reqwest::Result<Option<Proxy>> {
    let Some(url) = &settings.https_proxy else { return Ok(None) };
    let exempt = settings.no_proxy.as_deref().unwrap_or_default().join(",");
    Ok(Some(Proxy::https(url.clone())?.no_proxy(NoProxy::from_string(&exempt))))
}

/// A client that goes that way.
pub fn outside(settings: &Settings) -> reqwest::Result<ClientBuilder> {
    let direct = reqwest::Client::builder().no_proxy();
    Ok(match https_proxy(settings)? {
        Some(proxy) => direct.proxy(proxy),
        None => direct,
    })
}
