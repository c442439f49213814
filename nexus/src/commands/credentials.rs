//! `nexus credentials`: state of the files, OAuth login, forced refresh.

use std::{
    io::{BufRead, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, ensure};
use nexus_contract::{Clock, SystemClock};
use nexus_gateway::{
    AccessConfig,
    credentials::{
        Credentials, Fingerprinter, Login, OAuthClient, Refreshed, Status, path_of, refresh_domain,
    },
};
use serde::Serialize;

use crate::{
    cli::CredentialsCommand,
    failure::WrongUsage,
    output::{Output, table},
    roles::{access_config, outside, salt},
    settings::Settings,
};

const TIMEOUT: Duration = Duration::from_secs(30);

pub async fn run(
    command: CredentialsCommand,
    settings: &Settings,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let config = access_config(settings, salt(settings)?);
    match command {
        CredentialsCommand::Status => status(&config, output),
        CredentialsCommand::Login { domain } => login(&config, settings, &domain).await,
        CredentialsCommand::Refresh { domain, all: _, dry_run } => {
            refresh(&config, settings, domain, dry_run, output).await
        }
    }
}

/// Every file; exit code 1 when one has a problem.
fn status(config: &AccessConfig, output: Output) -> anyhow::Result<ExitCode> {
    let statuses = open(config).statuses();
    output.print(statuses.as_slice(), status_text)?;
    let bad = statuses.iter().any(|status| status.problem.is_some());
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn open(config: &AccessConfig) -> Credentials {
    Credentials::open(&config.credentials_dir, Fingerprinter::new(&config.api_key_salt))
}

fn status_text(statuses: &[Status]) -> String {
    if statuses.is_empty() {
        return "no credential files; requests can only pass through with the clients' own\n"
            .into();
    }
    let now = SystemClock.now();
    let rows: Vec<Vec<String>> = statuses
        .iter()
        .map(|status| {
            let expires =
                status.expires_at.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
            let age = if expires.is_some_and(|at| at < now) { "expired" } else { "ok" };
            vec![
                status.domain.clone(),
                status.kind.unwrap_or("–").to_owned(),
                status.account_id.clone().unwrap_or_default(),
                status.client_keys.to_string(),
                expires.map_or("–".to_owned(), |at| at.to_string()),
                status.problem.clone().unwrap_or_else(|| age.to_owned()),
            ]
        })
        .collect();
    table(&["domain", "type", "account", "client keys", "expires", "state"], &rows)
}

async fn login(
    config: &AccessConfig,
    settings: &Settings,
    domain: &str,
) -> anyhow::Result<ExitCode> {
    // Before the page is opened: its code is good for a short time only.
    if path_of(&config.credentials_dir, domain).is_none() {
        let mistake = format!("{domain:?} is no domain: a-z, 0-9, '.' and '-', without a port");
        return Err(WrongUsage::new(mistake).into());
    }
    let login = Login::begin(&rand::random);
    eprintln!("Open this page, log in, and paste the code it shows:\n\n{}\n", login.url(config)?);
    eprint!("code: ");
    std::io::stderr().flush()?;
    let mut pasted = String::new();
    std::io::stdin().lock().read_line(&mut pasted)?;
    ensure!(!pasted.trim().is_empty(), "no code was pasted; begin again");
    let client = client(config, settings)?;
    login
        .finish(&pasted, &config.credentials_dir, domain, &client, &SystemClock, rand::random())
        .await?;
    eprintln!("{domain} is logged in; add a client_api_key to its file (nexus keys generate)");
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Outcome {
    domain: String,
    result: String,
    failed: bool,
}

/// Refreshes one OAuth credential, or all; exit code 1 when one could not be.
async fn refresh(
    config: &AccessConfig,
    settings: &Settings,
    domain: Option<String>,
    dry_run: bool,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let stored: Vec<String> =
        open(config).list_oauth().into_iter().map(|(domain, _)| domain).collect();
    let domains = domain.map_or_else(|| stored.clone(), |domain| vec![domain]);
    let client = client(config, settings)?;
    let mut outcomes = Vec::new();
    for domain in domains {
        let (result, failed) = if dry_run {
            planned(&stored, &domain)
        } else {
            let dir = &config.credentials_dir;
            match refresh_domain(dir, &domain, &client, &SystemClock, rand::random(), true).await {
                Ok(Refreshed::Renewed) => ("refreshed".to_owned(), false),
                Ok(Refreshed::StillGood) => ("still good".to_owned(), false),
                Err(error) => (error.to_string(), true),
            }
        };
        outcomes.push(Outcome { domain, result, failed });
    }
    output.print(outcomes.as_slice(), outcomes_text)?;
    let failed = outcomes.iter().any(|outcome| outcome.failed);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What a refresh would do, and whether it would fail at once.
fn planned(stored: &[String], domain: &str) -> (String, bool) {
    if stored.iter().any(|known| known == domain) {
        ("would be refreshed".to_owned(), false)
    } else {
        ("it has no OAuth credential".to_owned(), true)
    }
}

fn outcomes_text(outcomes: &[Outcome]) -> String {
    if outcomes.is_empty() {
        return "no OAuth credentials\n".into();
    }
    let line = |outcome: &Outcome| format!("{}: {}\n", outcome.domain, outcome.result);
    outcomes.iter().map(line).collect()
}

fn client(config: &AccessConfig, settings: &Settings) -> anyhow::Result<OAuthClient> {
    let http = outside(settings).and_then(|http| http.timeout(TIMEOUT).build());
    Ok(OAuthClient::new(http.context("no HTTP client can be built; check HTTPS_PROXY")?, config))
}
