//! Sockets are bound before anything else starts, so that a port in use is the first thing said.

use std::net::{IpAddr, SocketAddr, TcpListener};

use anyhow::Context;

use crate::{roles::Role, settings::Settings};

/// The sockets of a process.
#[derive(Debug, Default)]
pub struct Listeners {
    pub gateway: Option<TcpListener>,
    pub dashboard: Option<TcpListener>,
    /// Of processes whose roles have no port of their own.
    pub admin: Option<TcpListener>,
}

impl Listeners {
    pub fn bind(settings: &Settings, roles: &[Role]) -> anyhow::Result<Self> {
        let has = |role| roles.contains(&role);
        let mut listeners = Self::default();
        if has(Role::Gateway) {
            listeners.gateway = Some(bind(settings.host, settings.port, "PORT")?);
        }
        if has(Role::Dashboard) {
            let (host, port) = (settings.dashboard_host, settings.dashboard_port);
            listeners.dashboard = Some(bind(host, port, "DASHBOARD_PORT")?);
        }
        if !has(Role::Gateway) {
            let (host, port) = (settings.admin_host, settings.admin_port);
            listeners.admin = Some(bind(host, port, "NEXUS_ADMIN_PORT")?);
        }
        Ok(listeners)
    }
}

fn bind(host: IpAddr, port: u16, setting: &str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(host, port);
    let listener = TcpListener::bind(address).with_context(|| {
        format!("{address} cannot be bound; stop what uses it or set {setting} to another port")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
