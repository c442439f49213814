//! Checks of the credential files.

use nexus_gateway::credentials::{Credentials, Fingerprinter, Status};

use super::finding::Finding;
use crate::{roles::salt, settings::Settings};

pub fn check(settings: &Settings) -> Vec<Finding> {
    let Ok(salt) = salt(settings) else { return Vec::new() };
    let statuses =
        Credentials::open(&settings.credentials_dir, Fingerprinter::new(&salt)).statuses();
    if statuses.is_empty() {
        return vec![none(settings)];
    }
    statuses.iter().map(|status| of(status, settings.client_auth)).collect()
}

fn none(settings: &Settings) -> Finding {
    let passthrough = settings.allow_passthrough.unwrap_or_else(|| settings.host.is_loopback());
    let detail = format!("no files in {}", settings.credentials_dir.display());
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
