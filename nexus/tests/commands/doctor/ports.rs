//! Ports that are held.

use std::net::TcpListener;

use super::{Doctor, answering, http};

#[test]
fn a_port_in_use() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("bound").port().to_string();
    Doctor::new().with("PORT", port.as_str()).finds("problem", "gateway", "in use", "set PORT");
    Doctor::new()
        .with("NATS_URL", "nats://127.0.0.1:9")
        .with("NEXUS_ADMIN_PORT", port.as_str())
        .finds("problem", "admin", "in use", "set NEXUS_ADMIN_PORT");
    let nexus =
        answering(http("200 OK", "content-type: application/json\r\n", r#"{"status":"ok"}"#));
    let (code, findings) = Doctor::new().with("PORT", nexus.port().to_string()).findings();
    assert_eq!(code, Some(0), "a running Nexus is no problem: {findings:#?}");
    Doctor::new().with("PORT", "4567").with("DASHBOARD_PORT", "4567").finds(
        "problem",
        "dashboard",
        "both",
        "DASHBOARD_PORT",
    );
    let shared = Doctor::new().with("PORT", "4567").with("DASHBOARD_PORT", "4567");
    let shared = shared.with("HOST", "0.0.0.0").with("ALLOW_PASSTHROUGH", "true");
    shared.finds("problem", "dashboard", "both", "DASHBOARD_PORT");
}

#[test]
fn a_port_whose_name_leads_elsewhere() {
    let Ok(other) = TcpListener::bind("[::1]:0") else {
        eprintln!("this machine has no IPv6, so localhost leads to one address only");
        return;
    };
    let port = other.local_addr().expect("bound").port().to_string();
    Doctor::new().with("PORT", port.as_str()).finds("warning", "gateway", "[::1]", "set PORT");
}
