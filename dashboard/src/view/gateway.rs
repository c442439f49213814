//! Where clients reach the gateway, as far as the dashboard can tell.

use actix_web::HttpRequest;
use serde::Serialize;

use crate::{
    config::DashboardConfig,
    security::{host_name, is_https},
};

/// Stands for an address that only the installation's operator knows.
const EXAMPLE: &str = "https://nexus.example.com";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GatewayAddress {
    pub url: String,
    pub is_example: bool,
}

impl Default for GatewayAddress {
    fn default() -> Self {
        Self { url: EXAMPLE.into(), is_example: true }
    }
}

impl GatewayAddress {
    /// Not known where the configuration names none, nor behind a proxy that speaks TLS: that one
    /// serves the gateway, too, under a name and a port of its own.
    pub fn of(config: &DashboardConfig, request: &HttpRequest) -> Self {
        if config.gateway_url.is_empty() || is_https(request, &config.trusted_proxies) {
            return Self::default();
        }
        let url = config.gateway_port.zip(host_name(request)).map_or_else(
            || config.gateway_url.clone(),
            |(port, host)| format!("http://{host}:{port}"),
        );
        Self { url, is_example: false }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn shown(config: &DashboardConfig, scheme: &'static str) -> GatewayAddress {
        let request = TestRequest::default()
            .peer_addr("10.0.0.1:5000".parse().expect("valid"))
            .insert_header(("host", "team.example:3001"))
            .insert_header(("x-forwarded-proto", scheme));
        GatewayAddress::of(config, &request.to_http_request())
    }

    #[test]
    fn an_address_is_named_only_where_it_is_known() {
        let known = |url: &str| GatewayAddress { url: url.into(), is_example: false };
        let mut config = DashboardConfig::new(vec![7; 32].into());
        config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("valid")];
        config.gateway_url = "http://localhost:4000".into();
        assert_eq!(shown(&config, "http"), known("http://localhost:4000"));
        config.gateway_port = Some(4000);
        assert_eq!(shown(&config, "http"), known("http://team.example:4000"));
        assert_eq!(shown(&config, "https"), GatewayAddress::default());
        config.gateway_url = String::new();
        assert_eq!(shown(&config, "http"), GatewayAddress::default());
    }
}
