//! The gateway from the outside: built from its configuration, run on a bound listener.

use std::{fmt, io, net::TcpListener, sync::Arc};

use actix_web::web::ServiceConfig;
use tokio_util::sync::CancellationToken;

use crate::{
    background::Background, config::GatewayConfig, credentials::Credentials, deps::GatewayDeps,
    server, state::State,
};

/// Everything that is wrong with a configuration, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl std::error::Error for Problems {}

/// Why the gateway did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("the gateway's settings don't fit: {0}")]
    Config(#[from] Problems),
    #[error("the gateway's server failed: {0}")]
    Server(#[from] io::Error),
}

/// A gateway that is ready to serve.
pub struct Gateway {
    state: Arc<State>,
}

impl Gateway {
    /// Checks the configuration and loads what it names. Nothing is bound or spawned yet.
    pub fn new(config: GatewayConfig, deps: GatewayDeps) -> Result<Self, Problems> {
        State::new(config, deps).map(|state| Self { state: Arc::new(state) }).map_err(Problems)
    }

    /// The stored credentials, kept up to date while the gateway serves.
    pub fn credentials(&self) -> Arc<Credentials> {
        self.state.access.credentials.clone()
    }

    /// Serves on `listener` until `shutdown`, then lets answers under way finish within the drain
    /// time. `extra_routes` are mounted after the gateway's own.
    pub async fn serve<F>(
        self,
        listener: TcpListener,
        extra_routes: F,
        shutdown: CancellationToken,
    ) -> Result<(), GatewayError>
    where
        F: Fn(&mut ServiceConfig) + Send + Clone + 'static,
    {
        let background = Background::start(&self.state);
        let served = server::server(self.state, listener, extra_routes, shutdown)?.await;
        background.stop().await;
        Ok(served?)
    }
}

/// [`Gateway::new`] and [`Gateway::serve`] in one.
pub async fn run<F>(
    config: GatewayConfig,
    listener: TcpListener,
    deps: GatewayDeps,
    extra_routes: F,
    shutdown: CancellationToken,
) -> Result<(), GatewayError>
where
    F: Fn(&mut ServiceConfig) + Send + Clone + 'static,
{
    Gateway::new(config, deps)?.serve(listener, extra_routes, shutdown).await
}
