//! Checks of the credential files.

use std::path::Path;

use nexus_gateway::credentials::{Credentials, DirectoryProblem, Fingerprinter, Status};

use super::finding::Finding;
use crate::{roles::salt, settings::Settings};

pub fn check(settings: &Settings) -> Vec<Finding> {
    let Ok(salt) = salt(settings) else { return Vec::new() };
    let credentials = Credentials::open(&settings.credentials_dir, Fingerprinter::new(&salt));
    let problem = credentials.directory_problem();
    if let Some(problem @ DirectoryProblem::Unreadable(_)) = problem.as_deref() {
        let detail = format!("{}: {problem}", settings.credentials_dir.display());
        let remedy = "let the gateway's user read it, or set CREDENTIALS_DIR to another one";
        return vec![Finding::problem("credentials", detail, remedy)];
    }
    let statuses = credentials.statuses();
    if statuses.is_empty() {
        return vec![none(settings, problem.is_some())];
    }
    let files = statuses.iter().map(|status| of(status, settings.client_auth));
    files.chain(renewal(&settings.credentials_dir, &statuses)).collect()
}

/// OAuth pairs are written when they are renewed, and a lock file stands beside them.
fn renewal(dir: &Path, statuses: &[Status]) -> Option<Finding> {
    let has_oauth = statuses.iter().any(|status| status.kind == Some("oauth"));
    let is_writable = rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_ok();
    (has_oauth && !is_writable).then(|| {
        Finding::problem(
            "credentials",
            format!("{} can't be written, so OAuth credentials can't be renewed", dir.display()),
            "mount it writable for the gateway's user; API keys need no writing",
        )
    })
}

fn none(settings: &Settings, is_missing: bool) -> Finding {
    let passthrough = settings.allow_passthrough.unwrap_or_else(|| settings.host.is_loopback());
    let dir = settings.credentials_dir.display();
    let detail =
        if is_missing { format!("{dir} does not exist") } else { format!("no files in {dir}") };
    if passthrough {
        return Finding::ok("credentials", format!("{detail}; clients use their own"));
    }
    Finding::problem(
        "credentials",
        format!("{detail} and pass-through is off, so every request is refused"),
        "add a file for a domain (docs/credentials.md), or set ALLOW_PASSTHROUGH=true",
    )
}

fn of(status: &Status, client_auth: bool) -> Finding {
    let domain = &status.domain;
    match &status.problem {
        Some(problem) => Finding::problem(
            "credentials",
            format!("{domain}: {problem}"),
            "mend the file; until then the last good version serves, if there was one",
        ),
        None if client_auth && status.client_keys == 0 => Finding::problem(
            "credentials",
            format!("{domain} has no client_api_key, so nobody can use it"),
            "run nexus keys generate and put the key into the file",
        ),
        None => Finding::ok("credentials", format!("{domain} ({})", status.kind.unwrap_or("?"))),
    }
}
