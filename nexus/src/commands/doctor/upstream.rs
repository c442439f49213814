//! Checks of the upstream: can it be reached, and does its clock agree with ours.

use std::time::Duration;

use anyhow::Context;
use jiff::{Timestamp, fmt::rfc2822};
use nexus_contract::Clock;
use reqwest::Response;
use serde_json::Value;

use super::finding::Finding;
use crate::{roles::outside, settings::Settings};

/// Beyond this, OAuth tokens are refreshed too late and times on pages are wrong.
const MAX_SKEW: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);

pub async fn check(settings: &Settings, clock: &dyn Clock) -> Vec<Finding> {
    let client = match client(settings) {
        Ok(client) => client,
        Err(error) => {
            return vec![Finding::problem(
                "upstream",
                format!("no HTTP client can be built: {error:#}"),
                "check HTTPS_PROXY and NEXUS_UPSTREAM_CA",
            )];
        }
    };
    // Without a key: the API says in its own words that one is missing.
    let models = format!("{}/v1/models", settings.upstream.as_str().trim_end_matches('/'));
    let asked = client.get(models).header("anthropic-version", "2023-06-01").send().await;
    match asked {
        Ok(answer) => answered(settings, answer, clock.now()).await,
        Err(error) => vec![Finding::problem(
            "upstream",
            format!("{} cannot be reached: {}", settings.upstream, causes(&error)),
            "check CLAUDE_API_BASE_URL, the network and HTTPS_PROXY",
        )],
    }
}

fn client(settings: &Settings) -> anyhow::Result<reqwest::Client> {
    let mut builder = outside(settings)?
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_millis(settings.upstream_connect_timeout_ms));
    if let Some(path) = &settings.upstream_ca {
        let bundle = std::fs::read(path).with_context(|| path.display().to_string())?;
        for certificate in reqwest::Certificate::from_pem_bundle(&bundle)? {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Ok(builder.build()?)
}

async fn answered(settings: &Settings, answer: Response, now: Timestamp) -> Vec<Finding> {
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok().map(str::to_owned));
    let clock = date.and_then(|date| skew(&date, now));
    [Some(who(settings, answer).await), clock].into_iter().flatten().collect()
}

/// Whether it is the API that answered.
async fn who(settings: &Settings, answer: Response) -> Finding {
    let (url, status) = (&settings.upstream, answer.status());
    if answer.headers().contains_key("x-nexus-request-id") {
        return Finding::problem(
            "upstream",
            format!("{url} is a gateway of Nexus, perhaps this one"),
            "set CLAUDE_API_BASE_URL to the API itself: https://api.anthropic.com",
        );
    }
    let body = answer.json::<Value>().await.unwrap_or_default();
    if body["type"] == "error" || body["data"].is_array() {
        return Finding::ok("upstream", format!("{url} answers ({status})"));
    }
    Finding::problem(
        "upstream",
        format!("{url} answers {status}, but not as the Anthropic API does"),
        "set CLAUDE_API_BASE_URL to the API's address, without /v1: https://api.anthropic.com",
    )
}

fn skew(date: &str, now: Timestamp) -> Option<Finding> {
    let theirs = rfc2822::parse(date).ok()?.timestamp();
    let skew = now.duration_since(theirs);
    Some(if skew.abs() > MAX_SKEW {
        Finding::problem(
            "clock",
            format!("this machine's clock is {} s off the upstream's", skew.as_secs()),
            "synchronise the clock (NTP)",
        )
    } else {
        Finding::ok("clock", "agrees with the upstream's")
    })
}

/// reqwest's message leaves the reason to its causes.
fn causes(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::Verdict;

    #[test]
    fn a_clock_that_is_off_is_a_problem() {
        let now = "2026-11-23T10:00:00Z".parse().expect("a time");
        let verdict = |date| skew(date, now).map(|finding| finding.verdict);
        assert_eq!(verdict("Mon, 23 Nov 2026 10:00:05 GMT"), Some(Verdict::Ok));
        assert_eq!(verdict("Mon, 23 Nov 2026 11:00:00 GMT"), Some(Verdict::Problem));
        assert_eq!(verdict("yesterday"), None);
    }
}
