//! `nexus doctor`: what is wrong with this installation, and the sentence that mends it.

mod credentials;
mod engines;
mod finding;
mod local;
mod ports;
mod upstream;

use std::process::ExitCode;

use nexus_contract::{MASKED, SystemClock, mask_secrets};
use serde::Serialize;

use self::finding::{Verdict, text};
use crate::{
    commands::Loaded,
    output::{Output, table},
    settings::{Definition, Resolved, TABLE},
};

/// All checks; exit code 1 when one of them found a problem.
pub async fn run(loaded: &Loaded, output: Output) -> anyhow::Result<ExitCode> {
    let settings = &loaded.settings;
    let mut findings = local::unknown(&loaded.resolved);
    findings.extend(local::check(settings));
    findings.extend(ports::check(settings).await);
    findings.extend(credentials::check(settings, &SystemClock));
    findings.extend(engines::check(settings).await);
    findings.extend(upstream::check(settings, &SystemClock).await);
    output.print(findings.as_slice(), text)?;
    let bad = findings.iter().any(|finding| finding.verdict == Verdict::Problem);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    group: &'static str,
    value: Option<String>,
    source: Option<String>,
}

/// `nexus doctor --settings`: every setting, its value, and where it comes from.
pub fn settings(resolved: &Resolved, output: Output) -> anyhow::Result<ExitCode> {
    let lines: Vec<Line> = TABLE
        .iter()
        .map(|definition| {
            let found = resolved.get(definition.name);
            Line {
                name: definition.name,
                group: definition.group.title(),
                value: found.map(|(text, _)| shown(definition, text)),
                source: found.map(|(_, source)| source.to_string()),
            }
        })
        .collect();
    output.print(lines.as_slice(), settings_text)?;
    Ok(ExitCode::SUCCESS)
}

/// A password may stand inside the URL of a setting that is no secret as such.
fn shown(definition: &Definition, text: &str) -> String {
    if definition.secret { MASKED.to_owned() } else { mask_secrets(text).into_owned() }
}

fn settings_text(lines: &[Line]) -> String {
    let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".into());
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| vec![line.name.to_owned(), cell(&line.value), cell(&line.source)])
        .collect();
    table(&["setting", "value", "source"], &rows)
}
