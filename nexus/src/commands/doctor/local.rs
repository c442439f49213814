//! Checks that need nothing but this machine: directories, ports, combinations of settings.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpListener},
    path::Path,
};

use super::finding::Finding;
use crate::settings::Settings;

pub fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![data_directory(&settings.data_dir)];
    findings.push(port("gateway", "PORT", settings.host, settings.port));
    findings.push(port(
        "dashboard",
        "DASHBOARD_PORT",
        settings.dashboard_host,
        settings.dashboard_port,
    ));
    findings.extend(combinations(settings));
    findings
}

fn data_directory(path: &Path) -> Finding {
    let probe = path.join(".doctor");
    let tried = std::fs::create_dir_all(path)
        .and_then(|()| std::fs::write(&probe, b"x"))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Finding::ok("data", format!("{} can be written", path.display())),
        Err(error) => Finding::problem(
            "data",
            format!("{} cannot be written: {error}", path.display()),
            "set NEXUS_DATA_DIR to a directory that this user owns",
        ),
    }
}

/// A port in use is a warning, not a problem: it may well be the running Nexus.
fn port(check: &'static str, name: &str, host: IpAddr, port: u16) -> Finding {
    let address = SocketAddr::new(host, port);
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(check, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::warning(
            check,
            format!("{address} is in use, by a running Nexus or by something else"),
            format!("stop what uses it, or set {name} to another port"),
        ),
        Err(error) => Finding::problem(
            check,
            format!("{address} cannot be bound: {error}"),
            format!("choose another address or {name}"),
        ),
    }
}

/// Settings that are right by themselves and wrong together.
fn combinations(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if settings.dashboard_api_key.is_none() {
        findings.push(Finding::warning(
            "access",
            "the dashboard is read-only and open to whoever reaches it",
            "set DASHBOARD_API_KEY",
        ));
    }
    if !settings.client_auth {
        findings.push(Finding::warning(
            "access",
            "stored credentials serve anyone who reaches the gateway",
            "set ENABLE_CLIENT_AUTH=true and give clients keys (nexus keys generate)",
        ));
    }
    if settings.nats_url.is_some() && settings.api_key_salt.is_none() {
        findings.push(Finding::problem(
            "access",
            "API_KEY_SALT is not set, so gateways would disagree on fingerprints",
            "set the same API_KEY_SALT for every role",
        ));
    }
    if settings.ai_enabled && settings.gemini_key.is_none() {
        findings.push(Finding::problem(
            "analysis",
            "AI_WORKER_ENABLED is on and there is no GEMINI_API_KEY",
            "set GEMINI_API_KEY, or AI_WORKER_ENABLED=false",
        ));
    }
    if settings.mcp_enabled && !settings.mcp_prompts_dir.is_dir() {
        findings.push(Finding::problem(
            "prompts",
            format!("{} is not a directory", settings.mcp_prompts_dir.display()),
            "create it, or set MCP_PROMPTS_DIR",
        ));
    }
    findings
}
