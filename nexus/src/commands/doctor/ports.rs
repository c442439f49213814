//! Checks of the ports: free, or held by a Nexus that runs.

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    time::Duration,
};

use super::finding::Finding;
use crate::{roles::local_url, settings::Settings};

const PATIENCE: Duration = Duration::from_secs(2);

pub async fn check(settings: &Settings) -> Vec<Finding> {
    let gateway = port("gateway", "PORT", settings.host, settings.port).await;
    let (host, number) = (settings.dashboard_host, settings.dashboard_port);
    let dashboard = port("dashboard", "DASHBOARD_PORT", host, number).await;
    let mut findings = vec![gateway, dashboard];
    findings.extend(beside("gateway", "PORT", settings.host, settings.port));
    findings.extend(beside("dashboard", "DASHBOARD_PORT", host, number));
    // Roles that run apart answer there.
    if settings.nats_url.is_some() {
        let (host, number) = (settings.admin_host, settings.admin_port);
        findings.push(port("admin", "NEXUS_ADMIN_PORT", host, number).await);
    }
    if settings.port == number && meet(settings.host, host) {
        findings.push(Finding::problem(
            "dashboard",
            format!("gateway and dashboard are both to listen on port {number}"),
            "set DASHBOARD_PORT to another port than PORT",
        ));
    }
    findings
}

async fn port(check: &'static str, name: &str, host: IpAddr, port: u16) -> Finding {
    let address = SocketAddr::new(host, port);
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(check, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if is_nexus(host, port).await {
                return Finding::ok(check, format!("{address} is served by a running Nexus"));
            }
            Finding::problem(
                check,
                format!("{address} is in use by something else"),
                format!("stop what uses it, or set {name} to another port"),
            )
        }
        Err(error) => Finding::problem(
            check,
            format!("{address} cannot be bound: {error}"),
            format!("choose an address of this machine, and a {name} above 1023"),
        ),
    }
}

/// `localhost` is `::1` to many clients before it is `127.0.0.1`, so a program that listens on the one
/// takes what is meant for the other.
fn beside(check: &'static str, name: &str, host: IpAddr, port: u16) -> Option<Finding> {
    if host != IpAddr::V4(Ipv4Addr::LOCALHOST) {
        return None;
    }
    let other = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let error = TcpListener::bind(other).err()?;
    (error.kind() == ErrorKind::AddrInUse).then(|| {
        Finding::warning(
            check,
            format!("something else listens on {other}, where http://localhost:{port} may lead"),
            format!("use http://{host}:{port}, stop it, or set {name} to another port"),
        )
    })
}

/// Whether one port can't be listened on at both: they are the same, or one of them means all.
fn meet(one: IpAddr, other: IpAddr) -> bool {
    one == other || one.is_unspecified() || other.is_unspecified()
}

/// Whether what listens there answers like one of ours.
async fn is_nexus(host: IpAddr, port: u16) -> bool {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
    let Ok(client) = client else { return false };
    let url = format!("{}/health/live", local_url(host, port));
    let Ok(answer) = client.get(url).send().await else { return false };
    let Ok(health) = answer.json::<serde_json::Value>().await else { return false };
    health["status"].is_string()
}
