//! The gateway's own errors, in the API's shape. One table from error to response.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use serde_json::json;

/// Header with the exchange's id.
pub const REQUEST_ID: &str = "x-nexus-request-id";

/// Headers that say how the gateway's own rate limit stands: requests a window, and what is left.
pub const RATE_LIMIT: &str = "x-ratelimit-limit";
pub const RATE_REMAINING: &str = "x-ratelimit-remaining";

/// What the gateway answers by itself. The messages say nothing of its inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    InvalidRequest(&'static str),
    /// The same answer whether or not the domain exists.
    Authentication,
    /// The dashboard's key is wrong or missing.
    DashboardKey,
    NotFound,
    TooLarge {
        max: u64,
    },
    /// The client took too long over its request.
    SlowRequest,
    RateLimited {
        /// Requests a window.
        limit: u32,
        retry_after: Duration,
    },
    /// The upstream could not be reached, or what it said was no answer.
    Upstream(&'static str),
    Timeout(&'static str),
    Overloaded {
        retry_after: Duration,
    },
}

impl Problem {
    /// Status, the API's name of it, and the sentence for the client.
    pub fn describe(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::InvalidRequest(why) => {
                (StatusCode::BAD_REQUEST, "invalid_request_error", (*why).to_owned())
            }
            Self::Authentication => {
                (StatusCode::UNAUTHORIZED, "authentication_error", "invalid client key".to_owned())
            }
            Self::DashboardKey => (
                StatusCode::UNAUTHORIZED,
                "authentication_error",
                "invalid dashboard key".to_owned(),
            ),
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "not_found_error", "there is nothing here".to_owned())
            }
            Self::TooLarge { max } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "request_too_large",
                format!("the request is larger than {max} bytes"),
            ),
            Self::SlowRequest => (
                StatusCode::REQUEST_TIMEOUT,
                "timeout_error",
                "the request's body took too long".to_owned(),
            ),
            Self::RateLimited { .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limit_error",
                "too many requests; try again later".to_owned(),
            ),
            Self::Upstream(why) => (StatusCode::BAD_GATEWAY, "api_error", (*why).to_owned()),
            Self::Timeout(why) => (StatusCode::GATEWAY_TIMEOUT, "timeout_error", (*why).to_owned()),
            Self::Overloaded { .. } => (
                overloaded(),
                "overloaded_error",
                "the gateway is overloaded; try again later".to_owned(),
            ),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Overloaded { retry_after } => {
                Some(*retry_after)
            }
            _ => None,
        }
    }

    /// The API's error object.
    pub fn body(&self, request_id: &str) -> String {
        let (_, kind, message) = self.describe();
        json!({
            "type": "error",
            "error": { "type": kind, "message": message },
            "request_id": request_id,
        })
        .to_string()
    }

    /// The error as the last event of a stream that has begun.
    pub fn event(&self, request_id: &str) -> String {
        format!("event: error\ndata: {}\n\n", self.body(request_id))
    }

    pub fn response(&self, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.describe().0);
        response.insert_header((REQUEST_ID, request_id));
        response.insert_header((header::CONTENT_TYPE, "application/json"));
        if matches!(self, Self::Authentication | Self::DashboardKey) {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"nexus\""));
        }
        if let Some(after) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, whole_seconds(after).to_string()));
        }
        if let Self::RateLimited { limit, .. } = self {
            response.insert_header((RATE_LIMIT, *limit));
            response.insert_header((RATE_REMAINING, 0));
        }
        response.body(self.body(request_id))
    }
}

/// Rounded up, and never 0: a client that obeys must not come at once.
pub fn whole_seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1)
}

/// 529 is the API's own status for overload.
fn overloaded() -> StatusCode {
    StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_shape_of_the_api() {
        let problem = Problem::RateLimited { limit: 5, retry_after: Duration::from_millis(1200) };
        let response = problem.response("id");
        assert_eq!(response.status(), 429);
        for (name, value) in [("retry-after", "2"), (RATE_LIMIT, "5"), (RATE_REMAINING, "0")] {
            assert_eq!(response.headers().get(name).expect("present"), value);
        }
        let body: serde_json::Value = serde_json::from_str(&problem.body("id")).expect("JSON");
        assert_eq!(body["error"]["type"], "rate_limit_error");
        assert_eq!(body["request_id"], "id");
        assert_eq!(Problem::Overloaded { retry_after: Duration::ZERO }.describe().0.as_u16(), 529);
    }
}
