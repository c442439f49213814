//! Connecting: credentials, TLS, and which servers are good enough.

use std::{path::PathBuf, time::Duration};

use async_nats::{Client, ConnectOptions, connection::State};

use crate::{
    cryptography::choose_cryptography,
    stream::{ConsumerSpec, StreamError},
};

/// The oldest server that does what the streams need. Older ones ignore settings they don't know
/// without a word: a consumer would then get every event, or lose some.
const OLDEST: [u32; 3] = [2, 10, 23];

/// What opening does while no server can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connecting {
    /// It comes back at once and keeps trying: a role must come up without NATS.
    InBackground,
    /// It fails with the reason: a command has nobody to wait for.
    AtOnce,
}

/// Settings of the connection to NATS and of the streams on it.
#[derive(Debug, Clone)]
pub struct NatsConfig {
    /// `nats://host:port` or `tls://host:port`, several separated by commas; the first that names a
    /// `user:password@` names it for all.
    pub url: String,
    /// File with a user's JWT and seed.
    pub credentials: Option<PathBuf>,
    /// File with the authority that signed the servers' certificates, when it is a private one.
    pub ca: Option<PathBuf>,
    pub connecting: Connecting,
    /// Shown in the server's monitoring: the role and instance.
    pub client_name: String,
    /// Copies of every message in a cluster.
    pub replicas: usize,
    /// Bound of the events; of their chunks as well, of the dead letters' chunks, and four times that
    /// of the dead letters themselves. The server's `max_file_store` must have room for all.
    pub max_bytes: u64,
    /// Settled events are kept up to this much.
    pub retain_bytes: u64,
    /// How long the server may take to acknowledge.
    pub ack_timeout: Duration,
    /// Consumers to create together with the streams, so that nothing is trimmed before a role
    /// that comes late has read it.
    pub consumers: Vec<ConsumerSpec>,
}

impl NatsConfig {
    /// 8 GiB of events, 1 GiB of settled ones, one copy, 10 s for an acknowledgement.
    pub fn new(url: impl Into<String>, client_name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            credentials: None,
            ca: None,
            connecting: Connecting::InBackground,
            client_name: client_name.into(),
            replicas: 1,
            max_bytes: 8 << 30,
            retain_bytes: 1 << 30,
            ack_timeout: Duration::from_secs(10),
            consumers: Vec::new(),
        }
    }
}

/// A client, connected or not as [`NatsConfig::connecting`] says. It reconnects by itself.
pub(super) async fn connect(config: &NatsConfig) -> Result<Client, StreamError> {
    let refused = |error: &dyn std::fmt::Display| StreamError::Refused(error.to_string());
    let mut options = ConnectOptions::new()
        .name(&config.client_name)
        .request_timeout(Some(config.ack_timeout))
        // Commands wait here while the connection is gone; the callers' own bounds come first.
        .client_capacity(256)
        .event_callback(|event| async move { tracing::info!(%event, "the connection to NATS") });
    if config.connecting == Connecting::InBackground {
        options = options.retry_on_initial_connect();
    }
    if let Some(path) = &config.credentials {
        options = options.credentials_file(path).await.map_err(|error| {
            StreamError::Refused(format!("the credentials {}: {error}", path.display()))
        })?;
    }
    if let Some(path) = &config.ca {
        options = options.add_root_certificates(path.clone());
    }
    let servers: Vec<&str> = config.url.split(',').map(str::trim).collect();
    let servers = servers
        .iter()
        .map(|url| url.parse::<async_nats::ServerAddr>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| refused(&error))?;
    // The client reads hosts from its URLs, and nothing else.
    let user = servers.iter().find_map(|server| Some((server.username()?, server.password()?)));
    if let Some((user, password)) = user {
        options = options.user_and_password(user.to_owned(), password.to_owned());
    }
    choose_cryptography();
    options.connect(servers).await.map_err(|error| match config.connecting {
        Connecting::InBackground => refused(&error),
        Connecting::AtOnce => StreamError::Unavailable(error.to_string()),
    })
}

/// Without a connection nothing is handed to the client: it would pile up in memory.
pub(super) fn require_connected(client: &Client) -> Result<(), StreamError> {
    match client.connection_state() {
        State::Connected => Ok(()),
        state => Err(StreamError::Unavailable(format!("the connection to NATS is {state}"))),
    }
}

/// Refuses a server that is too old.
pub(super) fn check_version(version: &str) -> Result<(), StreamError> {
    if numbers(version).is_some_and(|numbers| numbers >= OLDEST) {
        return Ok(());
    }
    let [major, minor, patch] = OLDEST;
    Err(StreamError::Refused(format!(
        "the NATS server has version {version:?}; at least {major}.{minor}.{patch} is needed, \
         older ones silently ignore consumer filters and sync settings"
    )))
}

fn numbers(version: &str) -> Option<[u32; 3]> {
    let core = version.split(['-', '+']).next()?;
    let mut parts = core.split('.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_refused_with_the_reason() {
        for good in ["2.10.23", "2.15.1", "2.11.0-RC.1", "3.0.0"] {
            assert!(check_version(good).is_ok(), "{good}");
        }
        for bad in ["2.9.10", "2.10.22", "", "dev"] {
            let reason = check_version(bad).expect_err("is refused").to_string();
            assert!(reason.contains("2.10.23") && reason.contains(bad), "{reason}");
        }
    }
}
