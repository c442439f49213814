//! What a start says on standard output: where things are, and the line to copy.

use std::{fmt::Write, net::IpAddr};

use crate::settings::Settings;

/// The lines for a process with a gateway, a dashboard, or both.
pub fn text(settings: &Settings, gateway: bool, dashboard: bool) -> String {
    let mut text = String::new();
    let gateway_url = url(settings.host, settings.port);
    if gateway {
        line(&mut text, "gateway", &gateway_url);
    }
    if dashboard {
        line(&mut text, "dashboard", &url(settings.dashboard_host, settings.dashboard_port));
    }
    if gateway {
        write!(text, "\nANTHROPIC_BASE_URL={gateway_url} claude\n").expect("a string takes all");
    }
    text
}

fn line(text: &mut String, name: &str, url: &str) {
    writeln!(text, "{name:<10} {url}").expect("a string takes all");
}

/// A URL that works on this machine: an address that means "all" or loopback is `localhost`.
pub fn url(host: IpAddr, port: u16) -> String {
    match host {
        host if host.is_unspecified() || host.is_loopback() => format!("http://localhost:{port}"),
        IpAddr::V6(host) => format!("http://[{host}]:{port}"),
        IpAddr::V4(host) => format!("http://{host}:{port}"),
    }
}

/// What an operator should know about who gets in.
pub fn warnings(settings: &Settings, gateway: bool, dashboard: bool) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if gateway && !settings.client_auth {
        warnings.push(
            "ENABLE_CLIENT_AUTH=false: stored credentials serve anyone who reaches the gateway",
        );
    }
    if dashboard && settings.dashboard_api_key.is_none() {
        warnings.push("DASHBOARD_API_KEY is not set: the dashboard is read-only and open to whoever reaches it");
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_work_where_they_are_copied() {
        assert_eq!(url("0.0.0.0".parse().expect("an address"), 1), "http://localhost:1");
        assert_eq!(url("::1".parse().expect("an address"), 1), "http://localhost:1");
        assert_eq!(url("fe80::2".parse().expect("an address"), 1), "http://[fe80::2]:1");
        assert_eq!(url("10.0.0.1".parse().expect("an address"), 1), "http://10.0.0.1:1");
    }
}
