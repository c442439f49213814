//! `nexus health`: asks the role that runs with the same settings whether it is ready. For
//! container health checks.

use std::time::Duration;

use anyhow::{Context, bail};

use crate::settings::Settings;

const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks the first of the ports on which a role with these settings may listen.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
    let mut last = None;
    for port in [settings.port, settings.admin_port, settings.dashboard_port] {
        match client.get(format!("http://127.0.0.1:{port}/health/ready")).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => bail!("port {port} answers {}", answer.status()),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("no port to ask")?).context("no role answers on this machine")
}
