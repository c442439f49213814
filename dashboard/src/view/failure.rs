//! The pages that say what went wrong and what to do next.

use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use serde::Serialize;

use super::{Ctx, Fragment, Page, Place};
use crate::{deps::Dashboard, error::PageError};

/// One error, told to a person.
#[derive(Debug, Serialize)]
struct Failure {
    status: u16,
    heading: &'static str,
    message: String,
    next: &'static str,
}

impl Failure {
    fn of(error: &PageError) -> Self {
        let (heading, next) = match error {
            PageError::BadRequest(_) | PageError::Method => {
                ("This address makes no sense", "Check the address, or start from the overview.")
            }
            PageError::LoginNeeded => {
                ("Log in first", "Your session has ended. Reload the page to log in again.")
            }
            PageError::Forbidden(_) => {
                ("Not allowed", "Go back to where you were; nothing was changed.")
            }
            PageError::NotFound(_) => (
                "Not found",
                "It may have been removed by retention, or the address is cut. Search for it instead.",
            ),
            PageError::TooMany(_) => ("Too many requests", "Wait a little, then reload."),
            PageError::Unavailable(_) => {
                ("Not available now", "Reload in a moment; the pipeline page shows what is down.")
            }
            PageError::Elsewhere { .. } => {
                ("Another service failed", "Try again in a moment; nothing was changed here.")
            }
            PageError::Internal(_) => (
                "Something went wrong",
                "Reload the page. If it stays, look into the log of the dashboard; the error is there with its cause.",
            ),
        };
        Self { status: error.status_code().as_u16(), heading, message: error.to_string(), next }
    }
}

impl Fragment for Failure {
    const TEMPLATE: &'static str = "failure.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![
            Self::of(&PageError::NotFound("conversation".into())),
            Self::of(&PageError::TooMany(std::time::Duration::from_secs(3))),
            Self::of(&PageError::internal("cause")),
        ]
    }
}

impl Page for Failure {
    const PLACE: Place = Place::None;

    fn title(&self) -> String {
        self.heading.into()
    }
}

/// The page for `error`, with its status.
pub fn error_page(request: &HttpRequest, error: &PageError) -> HttpResponse {
    let mut plain = error.error_response();
    let Some(data) = request.app_data::<web::Data<Dashboard>>() else { return plain };
    let failure = Failure::of(error);
    let ctx = Ctx::new(data.clone(), request);
    let page = if request.headers().contains_key("hx-request") {
        ctx.fragment_with(&Fragile(&failure), error.status_code())
    } else {
        ctx.bare_page(&failure, error.status_code())
    };
    match page {
        Ok(mut page) => {
            if let Some(wait) = plain.headers_mut().remove("retry-after").next() {
                page.headers_mut().insert(actix_web::http::header::RETRY_AFTER, wait);
            }
            page
        }
        Err(worse) => {
            tracing::error!(cause = ?worse, "the error page failed");
            plain
        }
    }
}

/// The same inside a page.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Fragile<'a>(&'a Failure);

impl Fragment for Fragile<'_> {
    const TEMPLATE: &'static str = "fragments/failure.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        Vec::new()
    }
}
