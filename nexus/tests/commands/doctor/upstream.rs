//! The upstream, and the clock by its answers.

use super::{API_ERROR, Doctor, answering, http, upstream};

#[test]
fn a_wrong_upstream() {
    let wrong = |url: String, detail: &str, mend: &str| {
        Doctor::new().with("CLAUDE_API_BASE_URL", url).finds("problem", "upstream", detail, mend);
    };
    wrong("http://127.0.0.1:9".to_owned(), "cannot be reached", "CLAUDE_API_BASE_URL");
    let page = answering(http("200 OK", "content-type: text/html\r\n", "<html>"));
    wrong(format!("http://{page}"), "not as the Anthropic API", "without /v1");
    let itself = answering(http("401 Unauthorized", "x-nexus-request-id: 1\r\n", API_ERROR));
    wrong(format!("http://{itself}"), "gateway of Nexus", "https://api.anthropic.com");
    for added in ["/v1", "/v1/", "/v1/messages"] {
        wrong(upstream() + added, "clients add once more", "without /v1");
    }
    let not_found = r#"{"type":"error","error":{"type":"not_found_error","message":"Not found"}}"#;
    let astray = answering(http("404 Not Found", "", not_found));
    Doctor::new().with("CLAUDE_API_BASE_URL", format!("http://{astray}/claude")).finds(
        "warning",
        "upstream",
        "knows no /v1/models",
        "check the path",
    );
    Doctor::new().with("NEXUS_UPSTREAM_CA", "/missing.pem").finds(
        "problem",
        "upstream",
        "/missing.pem",
        "NEXUS_UPSTREAM_CA",
    );
}

#[test]
fn a_clock_that_is_off() {
    let late = http("401 Unauthorized", "date: Mon, 23 Nov 2020 10:00:00 GMT\r\n", API_ERROR);
    let url = format!("http://{}", answering(late));
    Doctor::new().with("CLAUDE_API_BASE_URL", url).finds("problem", "clock", "off", "NTP");
}
