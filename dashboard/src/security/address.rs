//! Where a request came from, believing proxies only where told to.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::{HttpRequest, http::uri::Authority};
use ipnet::IpNet;
use url::Host;

/// The client's address: the peer's, or what trusted proxies say it is.
pub fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    if !is_among(peer, trusted) {
        return peer;
    }
    header(request, "x-forwarded-for")
        .into_iter()
        .flat_map(|list| list.rsplit(','))
        .filter_map(|entry| entry.trim().parse().ok())
        .find(|address| !is_among(*address, trusted))
        .unwrap_or(peer)
}

/// Whether the browser speaks TLS, to us or to a trusted proxy.
pub fn is_https(request: &HttpRequest, trusted: &[IpNet]) -> bool {
    let from_trusted = request.peer_addr().is_some_and(|peer| is_among(peer.ip(), trusted));
    request.app_config().secure()
        || (from_trusted && header(request, "x-forwarded-proto") == Some("https"))
}

/// What the client called this server, port and all: the `Host`, or HTTP/2's authority.
pub(super) fn host(request: &HttpRequest) -> Option<&str> {
    header(request, "host").or_else(|| request.uri().authority().map(Authority::as_str))
}

/// The name or address under which the client reached this port, without the port. `None` where the
/// `Host` is no such thing: it is shown, in commands to copy.
pub fn host_name(request: &HttpRequest) -> Option<String> {
    let host = host(request)?;
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = Host::parse(name).ok()?.to_string();
    // A URL's host may hold marks that mean something to a shell.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    name.bytes().all(is_plain).then_some(name)
}

/// An IPv4 address counts as such also where a dual-stack socket writes it as IPv6.
fn is_among(address: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_host_is_shown_only_when_it_is_a_name_or_an_address() {
        let named = |host: &'static str| {
            let request = TestRequest::default().insert_header(("host", host));
            host_name(&request.to_http_request())
        };
        for (host, name) in [
            ("Team.Example:3001", "team.example"),
            ("team.example", "team.example"),
            ("nexus_dashboard:3001", "nexus_dashboard"),
            ("192.0.2.7:3001", "192.0.2.7"),
            ("[2001:DB8::1]:3001", "[2001:db8::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(named(host).as_deref(), Some(name), "{host}");
        }
        for host in ["", ":3001", "a b", "a/b", "u@b", "a:b", "a;id", "a$(id)", "a%3bid", "[::1"] {
            assert_eq!(named(host), None, "{host}");
        }
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let proxy = IpAddr::from([10, 0, 0, 1]);
        let request = TestRequest::default()
            .peer_addr("10.0.0.1:5000".parse().expect("valid"))
            .insert_header(("x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.0.0.1"))
            .insert_header(("x-forwarded-proto", "https"))
            .to_http_request();
        assert_eq!(client_address(&request, &[]), proxy);
        let network: IpNet = "10.0.0.0/8".parse().expect("valid");
        for trusted in [IpNet::from(proxy), network] {
            assert_eq!(client_address(&request, &[trusted]), IpAddr::from([198, 51, 100, 7]));
            assert!(is_https(&request, &[trusted]));
        }
        assert!(!is_https(&request, &[]));
        assert_eq!(client_address(&request, &["10.1.0.0/16".parse().expect("valid")]), proxy);
    }
}
