//! What an operator can set.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

/// The settings of the prompts.
#[derive(Debug, Clone)]
pub struct McpConfig {
    /// `MCP_PROMPTS_DIR`
    pub prompts_dir: PathBuf,
    /// `MCP_WATCH_FILES`: read the folder again when it changes.
    pub watch: bool,
    /// `MCP_GITHUB_…`; `None` when no owner and repository are set.
    pub github: Option<GitHubConfig>,
    /// `MCP_SYNC_INTERVAL`
    pub sync_interval: Duration,
    /// Prompts on a page of `prompts/list`.
    pub page_size: usize,
    /// A session that nobody used for so long ends.
    pub session_idle: Duration,
    /// Sessions that are open at once.
    pub max_sessions: usize,
}

/// The repository that the prompts come from.
#[derive(Debug, Clone)]
pub struct GitHubConfig {
    /// `MCP_GITHUB_API_URL`
    pub api_url: String,
    pub owner: String,
    pub repo: String,
    pub branch: String,
    /// The folder of the prompts in the repository.
    pub path: String,
    pub token: Option<SecretString>,
    /// `HTTPS_PROXY`; `None`: directly.
    pub proxy: Option<reqwest::Proxy>,
}

impl McpConfig {
    /// The defaults, for a folder.
    pub fn new(prompts_dir: impl Into<PathBuf>) -> Self {
        Self {
            prompts_dir: prompts_dir.into(),
            watch: true,
            github: None,
            sync_interval: Duration::from_mins(5),
            page_size: 100,
            // A working day: a client whose session has ended may not begin another by itself.
            session_idle: Duration::from_hours(12),
            // Clients seldom end theirs, so that most of these are left over.
            max_sessions: 2_000,
        }
    }
}

impl GitHubConfig {
    /// The defaults, for a repository.
    pub fn new(owner: impl Into<String>, repo: impl Into<String>) -> Self {
        Self {
            api_url: "https://api.github.com".to_owned(),
            owner: owner.into(),
            repo: repo.into(),
            branch: "main".to_owned(),
            path: "prompts/".to_owned(),
            token: None,
            proxy: None,
        }
    }
}
