//! Feedback on a Spark recommendation, from the card's form.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

use crate::{
    api,
    error::PageError,
    view::{Ctx, Fragment},
};

const MAX_COMMENT: usize = 2000;

/// What the form sends.
#[derive(Debug, Deserialize)]
pub struct Feedback {
    rating: u8,
    #[serde(default)]
    comment: String,
}

/// What stands in the form's place afterwards.
#[derive(Debug, Serialize)]
pub struct Thanks {
    rating: u8,
    accepted: bool,
}

impl Fragment for Thanks {
    const TEMPLATE: &'static str = "fragments/thanks.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self { rating: 5, accepted: true }, Self { rating: 1, accepted: false }]
    }
}

/// `POST /feedback/{session}`
pub async fn send(
    ctx: Ctx,
    session: web::Path<String>,
    feedback: web::Form<Feedback>,
) -> Result<HttpResponse, PageError> {
    let rating = feedback.rating;
    if !(1..=5).contains(&rating) {
        return Err(PageError::BadRequest("a rating is a number from 1 to 5".into()));
    }
    let comment: String = feedback.comment.chars().take(MAX_COMMENT).collect();
    let overall = serde_json::json!({"rating": rating, "comments": comment});
    let body = serde_json::json!({
        "session_id": session.into_inner(),
        "feedback": {"recommendation_feedback": {"overall_feedback": overall}},
    });
    let answer = api::send_feedback(ctx.dashboard.clone(), body.to_string().into()).await;
    let accepted = match answer {
        Ok(_) => true,
        Err(PageError::Elsewhere { message, .. }) => {
            tracing::warn!(message, "feedback was not taken");
            false
        }
        Err(error) => return Err(error),
    };
    ctx.fragment(&Thanks { rating, accepted })
}
