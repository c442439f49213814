//! The headers that every answer of the API has.

use jiff::{SignedDuration, Timestamp};

use crate::http::Answer;
use crate::script::Directive;

const REQUESTS_PER_MINUTE: u64 = 4000;

/// Adds ids and rate-limit windows. `limits` sets the subscription's windows: `five_hour=0.4
/// seven_day=0.1 status=allowed_warning`.
pub fn with_headers(
    answer: Answer,
    request_id: &str,
    organization: &str,
    used: u64,
    limits: Option<&Directive>,
    now: Timestamp,
) -> Answer {
    let minute = now + SignedDuration::from_secs(60);
    let limit = REQUESTS_PER_MINUTE;
    let left = limit - used % limit;
    let answer = answer
        .header("request-id", request_id)
        .header("anthropic-organization-id", organization)
        .header("anthropic-ratelimit-requests-limit", limit.to_string())
        .header("anthropic-ratelimit-requests-remaining", left.to_string())
        .header("anthropic-ratelimit-requests-reset", seconds(minute));
    windows(answer, limits, used, now)
}

/// The windows of a subscription, as shares of their limits.
fn windows(answer: Answer, limits: Option<&Directive>, used: u64, now: Timestamp) -> Answer {
    let share = |key: &str| limits.and_then(|limits| limits.arg(key)).map(str::to_owned);
    // A share that grows with use, and starts again.
    let grown = |step: u64| format!("0.{:04}", used * step % 9000);
    let status = share("status").unwrap_or_else(|| "allowed".to_owned());
    let five = share("five_hour").unwrap_or_else(|| grown(20));
    let seven = share("seven_day").unwrap_or_else(|| grown(3));
    let reset = |hours: i64| (now.as_second() / (hours * 3600) + 1) * hours * 3600;
    answer
        .header("anthropic-ratelimit-unified-status", status.clone())
        .header("anthropic-ratelimit-unified-5h-status", status.clone())
        .header("anthropic-ratelimit-unified-5h-utilization", five)
        .header("anthropic-ratelimit-unified-5h-reset", reset(5).to_string())
        .header("anthropic-ratelimit-unified-7d-status", status)
        .header("anthropic-ratelimit-unified-7d-utilization", seven)
        .header("anthropic-ratelimit-unified-7d-reset", reset(7 * 24).to_string())
        .header("anthropic-ratelimit-unified-representative-claim", "five_hour")
        .header("anthropic-ratelimit-unified-reset", reset(5).to_string())
}

fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
