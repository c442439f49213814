//! Prompts over MCP: `/mcp` on the gateway's port, opened by its client keys, and what the dashboard
//! shows of them.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use nexus_dashboard::mcp::{ClientKeys, GitHubConfig, Mcp, McpConfig};
use nexus_gateway::credentials::Credentials;

use crate::{
    failure::WrongUsage,
    roles::{engines::Engines, proxy::https_proxy, tasks::Group},
    settings::Settings,
};

/// Starts the prompts of a process with a gateway, where `MCP_ENABLED` says so.
pub fn for_gateway(
    back: &mut Group,
    settings: &Settings,
    credentials: Arc<Credentials>,
    engines: &Engines,
) -> anyhow::Result<Option<Arc<Mcp>>> {
    start(back, settings, Arc::new(GatewayKeys(credentials)), engines)
}

/// Starts the prompts of a dashboard without a gateway in its process: pages and `/api/mcp` read a
/// folder of their own, or the one that the gateways share.
pub fn for_dashboard(
    back: &mut Group,
    settings: &Settings,
    engines: &Engines,
) -> anyhow::Result<Option<Arc<Mcp>>> {
    start(back, settings, Arc::new(NoClients), engines)
}

fn start(
    back: &mut Group,
    settings: &Settings,
    keys: Arc<dyn ClientKeys>,
    engines: &Engines,
) -> anyhow::Result<Option<Arc<Mcp>>> {
    if !settings.mcp_enabled {
        return Ok(None);
    }
    let dir = &settings.mcp_prompts_dir;
    std::fs::create_dir_all(dir)
        .with_context(|| format!("MCP_PROMPTS_DIR: {} cannot be made", dir.display()))?;
    let mcp = Mcp::new(config(settings)?, keys, engines.clock.clone());
    let (running, stop) = (Arc::clone(&mcp), back.stop.clone());
    back.spawn("prompts", async move {
        running.run(stop).await;
        Ok(())
    });
    Ok(Some(mcp))
}

fn config(settings: &Settings) -> anyhow::Result<McpConfig> {
    Ok(McpConfig {
        watch: settings.mcp_watch_files,
        github: github(settings)?,
        sync_interval: Duration::from_secs(settings.mcp_sync_interval_s),
        ..McpConfig::new(&settings.mcp_prompts_dir)
    })
}

fn github(settings: &Settings) -> anyhow::Result<Option<GitHubConfig>> {
    match (&settings.mcp_github_owner, &settings.mcp_github_repo) {
        (None, None) => Ok(None),
        (Some(owner), Some(repo)) => Ok(Some(GitHubConfig {
            api_url: settings.mcp_github_api.as_str().trim_end_matches('/').to_owned(),
            branch: settings.mcp_github_branch.clone(),
            path: settings.mcp_github_path.clone(),
            token: settings.mcp_github_token.clone(),
            proxy: https_proxy(settings).context("HTTPS_PROXY cannot be used")?,
            ..GitHubConfig::new(owner, repo)
        })),
        _ => Err(WrongUsage::new(
            "MCP_GITHUB_OWNER and MCP_GITHUB_REPO go together: set both or none",
        )
        .into()),
    }
}

/// The client keys of the credential files.
struct GatewayKeys(Arc<Credentials>);

impl ClientKeys for GatewayKeys {
    fn any(&self) -> bool {
        self.0.statuses().iter().any(|status| status.client_keys > 0)
    }

    fn is_key(&self, domain: &str, key: &str) -> bool {
        let known = self.0.find(domain).flatten();
        let digest = self.0.fingerprinter().digest(key);
        // A domain without a file is compared too, so that it takes the same time.
        let keys = known.as_ref().map_or(&[][..], |credential| &credential.client_keys);
        nexus_gateway::credentials::is_among(&digest, keys)
    }
}

/// The keys of a process that serves no `/mcp`: none opens it.
struct NoClients;

impl ClientKeys for NoClients {
    fn any(&self) -> bool {
        true
    }

    fn is_key(&self, _domain: &str, _key: &str) -> bool {
        false
    }
}
