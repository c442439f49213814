//! Checks that need nothing but this machine: files, directories and combinations of settings.

use std::path::Path;

use super::finding::Finding;
use crate::{
    failure::sentence,
    roles::{create_data_dir, prices},
    settings::{Resolved, Settings},
};

/// Variables that look like settings and are none: what was meant with them has no effect.
pub fn unknown(resolved: &Resolved) -> Vec<Finding> {
    let mend = "correct the name, or leave it where another program needs it";
    resolved.warnings.iter().map(|one| Finding::warning("settings", one, mend)).collect()
}

pub fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![data_directory(&settings.data_dir)];
    findings.extend(access(settings));
    findings.extend(integrations(settings));
    if let Err(error) = prices(settings) {
        let mend = "mend the file, or unset NEXUS_PRICES: storage and dashboard need it to start";
        findings.push(Finding::problem("prices", sentence(&error), mend));
    }
    findings
}

fn data_directory(path: &Path) -> Finding {
    let probe = path.join(".doctor");
    let tried = create_data_dir(path)
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

/// Settings of access that are right by themselves and wrong together.
fn access(settings: &Settings) -> Vec<Finding> {
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
    if settings.nats_url.is_some() && settings.database_url.is_none() {
        findings.push(Finding::warning(
            "store",
            "NATS_URL is set and DATABASE_URL is not: roles on other machines have stores of their own",
            "set the same DATABASE_URL (postgres://…) for every role but the gateway",
        ));
    }
    findings
}

/// The same for what is switched on beside the proxy.
fn integrations(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if settings.ai_enabled && settings.gemini_key.is_none() {
        findings.push(Finding::problem(
            "analysis",
            "AI_WORKER_ENABLED is on and there is no GEMINI_API_KEY",
            "set GEMINI_API_KEY, or AI_WORKER_ENABLED=false",
        ));
    }
    let prompts = &settings.mcp_prompts_dir;
    if settings.mcp_enabled && prompts.exists() && !prompts.is_dir() {
        findings.push(Finding::problem(
            "prompts",
            format!("{} is not a directory", prompts.display()),
            "set MCP_PROMPTS_DIR to a directory; a missing one is made at the start",
        ));
    }
    if settings.mcp_github_owner.is_some() != settings.mcp_github_repo.is_some() {
        findings.push(Finding::problem(
            "prompts",
            "of MCP_GITHUB_OWNER and MCP_GITHUB_REPO only one is set",
            "set both, or none",
        ));
    }
    findings
}
