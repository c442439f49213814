//! Prompts over the Model Context Protocol, with the official SDK.
//!
//! A folder of YAML files is the library; a file that breaks keeps its last good version. [`Mcp`]
//! serves it at `/mcp`, watches the folder, and follows a repository on GitHub when it is told to.

mod config;
mod discovery;
mod github;
mod guard;
mod library;
mod prompt;
mod routes;
mod server;
mod status;
mod sync;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use nexus_contract::Clock;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use config::{GitHubConfig, McpConfig};
pub use guard::ClientKeys;
pub use library::Library;
pub use prompt::{Argument, Prompt, PromptError};
pub(crate) use routes::api_routes;
pub use status::SyncStatus;

use self::{server::Peers, status::Status};

/// The prompts of one process.
pub struct Mcp {
    config: McpConfig,
    keys: Arc<dyn ClientKeys>,
    clock: Arc<dyn Clock>,
    library: Library,
    peers: Peers,
    sessions: Arc<LocalSessionManager>,
    status: Status,
    /// Asks for a synchronisation before its time.
    sync_now: Notify,
}

impl Mcp {
    /// Reads the folder once. What can't be read is logged and left out.
    pub fn new(config: McpConfig, keys: Arc<dyn ClientKeys>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let library = Library::default();
        library.load(&config.prompts_dir);
        let mut sessions = LocalSessionManager::default();
        sessions.session_config.keep_alive = Some(config.session_idle);
        Arc::new(Self {
            config,
            keys,
            clock,
            library,
            peers: Peers::default(),
            sessions: Arc::new(sessions),
            status: Status::default(),
            sync_now: Notify::new(),
        })
    }

    pub fn library(&self) -> &Library {
        &self.library
    }

    /// How the last synchronisation went; `None` when no repository is configured.
    pub fn sync_status(&self) -> Option<SyncStatus> {
        self.config.github.as_ref().map(|_| self.status.read())
    }

    /// Asks for a synchronisation now. False when no repository is configured.
    pub fn request_sync(&self) -> bool {
        self.sync_now.notify_one();
        self.config.github.is_some()
    }

    /// Watches the folder and follows the repository until `shutdown`.
    pub async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        tokio::join!(watch::run(&self, &shutdown), sync::run(&self, &shutdown));
    }

    /// Reads the folder again, and tells clients when the list is another one.
    pub(crate) async fn reload(&self) {
        if self.library.load(&self.config.prompts_dir) {
            tracing::info!(prompts = self.library.all().len(), "prompts were read again");
            self.peers.notify().await;
        }
    }
}
