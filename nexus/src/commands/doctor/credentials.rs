//! Checks of the credential files.

use std::{io::ErrorKind, path::Path};

use jiff::Timestamp;
use nexus_contract::Clock;
use nexus_gateway::credentials::{Credentials, DirectoryProblem, Fingerprinter, Status, path_of};

use super::finding::Finding;
use crate::{
    failure::{WrongUsage, sentence},
    roles::salt,
    settings::Settings,
};

const SUFFIX: &str = ".credentials.json";

pub fn check(settings: &Settings, clock: &dyn Clock) -> Vec<Finding> {
    let dir = &settings.credentials_dir;
    let salt = match salt(settings) {
        Ok(salt) => salt,
        // A missing setting is a finding of its own.
        Err(error) if error.is::<WrongUsage>() => return unused(dir),
        Err(error) => {
            let mend = "make the data directory writable, or set API_KEY_SALT";
            return vec![Finding::problem("credentials", sentence(&error), mend)];
        }
    };
    let credentials = Credentials::open(dir, Fingerprinter::new(&salt));
    let problem = credentials.directory_problem();
    if let Some(problem @ DirectoryProblem::Unreadable(_)) = problem.as_deref() {
        let detail = format!("{}: {problem}", dir.display());
        let remedy = "let the gateway's user read it, or set CREDENTIALS_DIR to another one";
        return vec![Finding::problem("credentials", detail, remedy)];
    }
    let statuses = credentials.statuses();
    let mut findings = unused(dir);
    if statuses.is_empty() {
        findings.push(none(settings, problem.is_some()));
    }
    findings.extend(statuses.iter().map(|status| of(status, settings.client_auth, clock.now())));
    findings.extend(unreached(settings, &statuses));
    findings.extend(renewal(dir, &statuses));
    findings
}

/// Files that a person meant as credentials, under names that no domain has.
fn unused(dir: &Path) -> Vec<Finding> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            return vec![Finding::problem(
                "credentials",
                format!("{} cannot be read: {error}", dir.display()),
                "set CREDENTIALS_DIR to a directory that this user may read",
            )];
        }
    };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_json = |name: &str| Path::new(name).extension().is_some_and(|found| found == "json");
    let is_meant = |name: &String| is_json(name) && !name.starts_with('.');
    let is_used =
        |name: &str| name.strip_suffix(SUFFIX).is_some_and(|domain| path_of(dir, domain).is_some());
    let mut unused: Vec<String> = names.filter(is_meant).filter(|name| !is_used(name)).collect();
    unused.sort_unstable();
    unused.into_iter().map(|name| wrong_name(&name)).collect()
}

fn wrong_name(name: &str) -> Finding {
    Finding::problem(
        "credentials",
        format!("{name} belongs to no domain, so it is never used"),
        "name it DOMAIN.credentials.json: the host name that clients use, lower-case, without port",
    )
}

/// The line that a start prints leads to `localhost`; a client key is of no use there when only
/// other domains have one.
fn unreached(settings: &Settings, statuses: &[Status]) -> Option<Finding> {
    let is_local = |status: &&Status| matches!(status.domain.as_str(), "localhost" | "127.0.0.1");
    let first = statuses.first()?;
    if !settings.host.is_loopback() || statuses.iter().any(|status| is_local(&status)) {
        return None;
    }
    let (domain, port) = (&first.domain, settings.port);
    Some(Finding::warning(
        "credentials",
        format!(
            "no file is for localhost, so clients of http://localhost:{port} use their own credential"
        ),
        format!("send clients to http://{domain}:{port}, or name a file localhost{SUFFIX}"),
    ))
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

fn of(status: &Status, client_auth: bool, now: Timestamp) -> Finding {
    let domain = &status.domain;
    if let Some(problem) = &status.problem {
        return Finding::problem(
            "credentials",
            format!("{domain}: {problem}"),
            "mend the file; until then the last good version serves, if there was one",
        );
    }
    if client_auth && status.client_keys == 0 {
        return Finding::problem(
            "credentials",
            format!("{domain} has no client_api_key, so nobody can use it"),
            "run nexus keys generate and put the key into the file",
        );
    }
    let expires = status.expires_at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match expires.filter(|at| *at < now) {
        Some(at) => Finding::warning(
            "credentials",
            format!("{domain}: the access token expired at {at}"),
            format!(
                "run nexus credentials refresh {domain}; if that is refused, nexus credentials login --domain {domain}"
            ),
        ),
        None => Finding::ok("credentials", format!("{domain} ({})", status.kind.unwrap_or("?"))),
    }
}
