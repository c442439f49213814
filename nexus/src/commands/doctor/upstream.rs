//! Checks of the upstream: can it be reached, and does its clock agree with ours.

use std::time::Duration;

use anyhow::Context;
use jiff::{Timestamp, fmt::rfc2822};
use nexus_contract::Clock;
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::finding::Finding;
use crate::{failure::sentence, roles::outside, settings::Settings};

/// Beyond this, OAuth tokens are refreshed too late and times on pages are wrong.
const MAX_SKEW: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);

pub async fn check(settings: &Settings, clock: &dyn Clock) -> Vec<Finding> {
    let client = match client(settings) {
        Ok(client) => client,
        Err(error) => {
            return vec![Finding::problem(
                "upstream",
                format!("no HTTP client can be built: {}", sentence(&error)),
                "check HTTPS_PROXY and NEXUS_UPSTREAM_CA",
            )];
        }
    };
    // Without a key: the API says in its own words that one is missing.
    let models = format!("{}/v1/models", settings.upstream.as_str().trim_end_matches('/'));
    let asked = client.get(models).header("anthropic-version", "2023-06-01").send().await;
    match asked {
        Ok(answer) => answered(settings, answer, clock.now()).await,
        Err(error) => {
            let cause = cause(&error);
            let mend = unreached_mend(&cause);
            let detail = format!("{} cannot be reached: {cause}", settings.upstream);
            vec![Finding::problem("upstream", detail, mend)]
        }
    }
}

/// The sentence for why no answer came. A clock that is far off shows here first: by it, no
/// certificate is valid.
fn unreached_mend(cause: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    if says(&["expired", "not valid yet"]) {
        "synchronise this machine's clock (NTP); if it is right, the upstream's certificate is not"
    } else if says(&["certificate"]) {
        "check CLAUDE_API_BASE_URL; where a proxy reads TLS, name its authority in NEXUS_UPSTREAM_CA"
    } else {
        "check CLAUDE_API_BASE_URL, the network and HTTPS_PROXY"
    }
}

fn client(settings: &Settings) -> anyhow::Result<reqwest::Client> {
    let mut builder = outside(settings)?
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_millis(settings.upstream_connect_timeout_ms.get()));
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

/// Paths that clients add by themselves. Some upstreams refuse a request without a key before they
/// look at its path, so the answer alone does not tell.
const OF_CLIENTS: [&str; 2] = ["/v1", "/v1/messages"];

/// Whether it is the API that answered.
async fn who(settings: &Settings, answer: Response) -> Finding {
    let (url, status) = (&settings.upstream, answer.status());
    let path = url.path().trim_end_matches('/');
    if let Some(added) = OF_CLIENTS.into_iter().find(|added| path.ends_with(*added)) {
        return Finding::problem(
            "upstream",
            format!("{url} ends with {added}, which clients add once more"),
            format!("set CLAUDE_API_BASE_URL to the API's address, without {added}"),
        );
    }
    if answer.headers().contains_key("x-nexus-request-id") {
        return Finding::problem(
            "upstream",
            format!("{url} is a gateway of Nexus, perhaps this one"),
            "set CLAUDE_API_BASE_URL to the API itself: https://api.anthropic.com",
        );
    }
    let body = answer.json::<Value>().await.unwrap_or_default();
    if status == StatusCode::NOT_FOUND && body["type"] == "error" {
        return Finding::warning(
            "upstream",
            format!("{url} answers, but knows no /v1/models"),
            "check the path in CLAUDE_API_BASE_URL: it is the API's address, without /v1",
        );
    }
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
fn cause(error: &reqwest::Error) -> String {
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

    /// The words are those of rustls.
    #[test]
    fn a_certificate_that_is_refused_points_to_the_clock_or_to_its_authority() {
        let mend = |cause: &str| unreached_mend(&format!("invalid peer certificate: {cause}"));
        let early = "certificate not valid yet: verification time 1577836800 (UNIX), but …";
        let late = "certificate expired: verification time 2208988800 (UNIX), but …";
        assert!(mend(early).contains("NTP") && mend(late).contains("NTP"));
        assert!(mend("UnknownIssuer").contains("NEXUS_UPSTREAM_CA"));
    }

    #[test]
    fn a_clock_that_is_off_is_a_problem() {
        let now = "2026-11-23T10:00:00Z".parse().expect("a time");
        let verdict = |date| skew(date, now).map(|finding| finding.verdict);
        assert_eq!(verdict("Mon, 23 Nov 2026 10:00:05 GMT"), Some(Verdict::Ok));
        assert_eq!(verdict("Mon, 23 Nov 2026 11:00:00 GMT"), Some(Verdict::Problem));
        assert_eq!(verdict("yesterday"), None);
    }
}
