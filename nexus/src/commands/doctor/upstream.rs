//! Checks of the upstream: can it be reached, and does its clock agree with ours.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use nexus_contract::Clock;

use super::finding::Finding;
use crate::settings::Settings;

/// Beyond this, OAuth tokens are refreshed too late and times on pages are wrong.
const MAX_SKEW: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);

pub async fn check(settings: &Settings, clock: &dyn Clock) -> Vec<Finding> {
    let client = match client(settings) {
        Ok(client) => client,
        Err(error) => {
            return vec![Finding::problem(
                "upstream",
                format!("no HTTP client can be built: {error}"),
                "check HTTPS_PROXY and NEXUS_UPSTREAM_CA",
            )];
        }
    };
    match client.head(settings.upstream.clone()).send().await {
        Ok(answer) => {
            let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
            let reached = format!("{} answers ({})", settings.upstream, answer.status());
            [Some(Finding::ok("upstream", reached)), date.and_then(|date| skew(date, clock.now()))]
                .into_iter()
                .flatten()
                .collect()
        }
        Err(error) => vec![Finding::problem(
            "upstream",
            format!("{} cannot be reached: {}", settings.upstream, causes(&error)),
            "check CLAUDE_API_BASE_URL, the network and HTTPS_PROXY",
        )],
    }
}

fn client(settings: &Settings) -> Result<reqwest::Client, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_millis(settings.upstream_connect_timeout_ms));
    if let Some(proxy) = &settings.https_proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy.clone())?);
    }
    builder.build()
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
