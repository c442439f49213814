//! Where clients reach the gateway, as far as the dashboard can tell.

use actix_web::HttpRequest;
use serde::Serialize;

use crate::{
    config::DashboardConfig,
    security::{host_name, is_https, is_loopback_name},
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
    /// Known only to who reaches this process directly. A proxy in front of the dashboard serves the
    /// gateway, too, under a name and a port that only its operator knows; and where the configuration
    /// names no gateway, it may be anywhere.
    pub fn of(config: &DashboardConfig, request: &HttpRequest) -> Self {
        if config.gateway_url.is_empty() || is_https(request, &config.trusted_proxies) {
            return Self::default();
        }
        let visited = host_name(request);
        let url = match config.gateway_port.zip(visited.as_deref()) {
            Some((port, host)) => format!("http://{host}:{port}"),
            None => config.gateway_url.clone(),
        };
        let is_visitor_here = visited.as_deref().is_some_and(is_loopback_name);
        if is_of_this_machine(&url) && !is_visitor_here {
            return Self::default();
        }
        Self { url, is_example: false }
    }
}

/// Whether the address leads nowhere from another machine.
fn is_of_this_machine(url: &str) -> bool {
    url.strip_prefix("http://").is_some_and(is_loopback_name)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn shown(config: &DashboardConfig, host: &'static str, scheme: &'static str) -> GatewayAddress {
        let request = TestRequest::default()
            .peer_addr("10.0.0.1:5000".parse().expect("valid"))
            .insert_header(("host", host))
            .insert_header(("x-forwarded-proto", scheme));
        GatewayAddress::of(config, &request.to_http_request())
    }

    fn config(url: &str, port: Option<u16>) -> DashboardConfig {
        DashboardConfig {
            trusted_proxies: vec!["10.0.0.0/8".parse().expect("valid")],
            gateway_url: url.into(),
            gateway_port: port,
            ..DashboardConfig::new(vec![7; 32].into())
        }
    }

    #[test]
    fn an_address_is_named_only_where_it_is_known() {
        let known = |url: &str| GatewayAddress { url: url.into(), is_example: false };
        let on_loopback = config("http://localhost:4000", None);
        for host in ["localhost:3001", "127.0.0.1:3001", "[::1]:3001"] {
            assert_eq!(shown(&on_loopback, host, "http"), known("http://localhost:4000"), "{host}");
        }
        let everywhere = config("http://localhost:4000", Some(4000));
        let by_its_name = known("http://team.example:4000");
        assert_eq!(shown(&everywhere, "team.example:3001", "http"), by_its_name);
        let of_one_address = config("http://192.0.2.7:4000", None);
        let there = known("http://192.0.2.7:4000");
        assert_eq!(shown(&of_one_address, "team.example:3001", "http"), there);

        let unknown = GatewayAddress::default();
        let elsewhere = config("", None);
        assert_eq!(shown(&elsewhere, "localhost:3001", "http"), unknown, "it may be anywhere");
        assert_eq!(shown(&everywhere, "team.example", "https"), unknown, "a proxy with TLS");
        for host in ["team.example", "a b"] {
            assert_eq!(shown(&on_loopback, host, "http"), unknown, "{host}: a proxy without TLS");
        }
        assert_eq!(shown(&everywhere, "a b", "http"), unknown, "no name to reach it by");
    }
}
