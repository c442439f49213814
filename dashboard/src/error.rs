//! What can go wrong, and the one table from that to a status and a sentence.

use std::time::Duration;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use thiserror::Error;

/// Why the dashboard could not be made or served.
#[derive(Debug, Error)]
pub enum DashboardError {
    #[error("the asset {0} is missing from the binary")]
    Asset(String),
    #[error("a template is wrong: {0}")]
    Template(#[from] tera::Error),
    #[error("the dashboard's port failed: {0}")]
    Serve(#[from] std::io::Error),
}

/// Why a page was not shown. Messages are for people and hold no internals.
#[derive(Debug, Error)]
pub enum PageError {
    #[error("{0}")]
    BadRequest(String),
    /// Nobody is logged in: pages lead to the login form, scripts get 401.
    #[error("log in first")]
    LoginNeeded,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("there is no {0} here")]
    NotFound(String),
    #[error("this route has another method")]
    Method,
    #[error("too many requests; try again in {}", crate::view::format::wait(.0))]
    TooMany(Duration),
    /// Something that this answer needs is not there now.
    #[error("{0}")]
    Unavailable(&'static str),
    /// A service behind this one refused or failed.
    #[error("{message}")]
    Elsewhere { status: StatusCode, message: String },
    /// The cause is logged, not shown.
    #[error("the dashboard could not make this answer")]
    Internal(String),
}

impl PageError {
    /// An error nobody but the operator can mend.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::LoginNeeded => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Elsewhere { status, .. } => *status,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        if let Self::TooMany(wait) = self {
            answer.insert_header(("retry-after", wait.as_secs().max(1).to_string()));
        }
        answer
            .json(serde_json::json!({"error": {"code": self.code(), "message": self.to_string()}}))
    }
}

impl PageError {
    /// The data API's name of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::LoginNeeded => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::Method => "method_not_allowed",
            Self::TooMany(_) => "too_many_requests",
            Self::Unavailable(_) => "unavailable",
            Self::Elsewhere { .. } => "elsewhere",
            Self::Internal(_) => "internal",
        }
    }
}
