//! Feedback on Spark's recommendations: what the card's form sends, and what was given before.

use actix_web::{HttpResponse, body::to_bytes, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    api,
    error::PageError,
    render::Shown,
    view::{Ctx, Fragment, format},
};

const MAX_COMMENT: usize = 2000;
/// Recommendations whose feedback is fetched at once.
const MAX_SESSIONS: usize = 100;
/// Where a person's word stands in a report, as Spark takes it and gives it back.
const OVERALL: &str = "/recommendation_feedback/overall_feedback";

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
    let body = serde_json::json!({
        "session_id": session.into_inner(),
        "feedback": report(rating, &comment),
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

/// A person's word in the form that Spark takes.
fn report(rating: u8, comment: &str) -> Value {
    let overall = serde_json::json!({"rating": rating, "comments": comment});
    serde_json::json!({"recommendation_feedback": {"overall_feedback": overall}})
}

/// The address that gives the feedback on all recommendations among `blocks`; `None` without one.
pub(super) fn source<'a>(blocks: impl Iterator<Item = &'a Shown>) -> Option<String> {
    let sessions = blocks.filter_map(|block| block.spark_session.as_deref()).take(MAX_SESSIONS);
    let asked: Vec<_> =
        sessions.map(|session| format!("session={}", format::encoded(session))).collect();
    (!asked.is_empty()).then(|| format!("/fragments/feedback?{}", asked.join("&")))
}

/// One person's word on a recommendation.
#[derive(Debug, Serialize)]
struct Given {
    rating: Option<u64>,
    comment: String,
}

/// What was given on one recommendation.
#[derive(Debug, Serialize)]
struct OfSession {
    anchor: String,
    given: Vec<Given>,
}

#[derive(Debug, Serialize)]
pub struct GivenFragment {
    sessions: Vec<OfSession>,
}

impl Fragment for GivenFragment {
    const TEMPLATE: &'static str = "fragments/feedback.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let given = || vec![Given { rating: Some(4), comment: "<b>".into() }];
        let of = |given| OfSession { anchor: "fb-1".into(), given };
        vec![Self { sessions: vec![of(given()), of(vec![])] }, Self { sessions: vec![] }]
    }
}

/// `GET /fragments/feedback?session=…&session=…`: one request to Spark for all of a page's cards. The
/// page is whole without it, so what Spark doesn't give is left out.
pub async fn given(ctx: Ctx, request: actix_web::HttpRequest) -> HttpResponse {
    if ctx.dashboard.config.spark.is_none() {
        return HttpResponse::NoContent().finish();
    }
    fetched(&ctx, &request).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "earlier feedback is not shown");
        HttpResponse::NoContent().finish()
    })
}

async fn fetched(ctx: &Ctx, request: &actix_web::HttpRequest) -> Result<HttpResponse, PageError> {
    let asked = url::form_urlencoded::parse(request.query_string().as_bytes());
    let ids: Vec<String> = asked
        .filter(|(name, _)| name == "session")
        .map(|(_, id)| id.into_owned())
        .take(MAX_SESSIONS)
        .collect();
    let body = serde_json::json!({ "session_ids": ids }).to_string();
    let answer = api::list_feedback(ctx.dashboard.clone(), body.into()).await?;
    let bytes = to_bytes(answer.into_body())
        .await
        .map_err(|_lost| PageError::Unavailable("Spark's answer did not come to its end"))?;
    let answer: Value = serde_json::from_slice(&bytes)
        .map_err(|_no_json| PageError::Unavailable("Spark's answer could not be read"))?;
    let sessions = ids.iter().map(|id| OfSession {
        anchor: format::anchor(id),
        given: list(&answer["results"][id.as_str()]["feedback"]),
    });
    ctx.fragment(&GivenFragment { sessions: sessions.collect() })
}

fn list(feedback: &Value) -> Vec<Given> {
    let each = feedback.as_array().into_iter().flatten();
    each.map(|one| {
        let overall = one.pointer(OVERALL).unwrap_or(&Value::Null);
        Given {
            rating: overall["rating"].as_u64(),
            comment: overall["comments"].as_str().unwrap_or_default().into(),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_cards_of_a_page_ask_once() {
        let mut block = crate::render::show(&nexus_messages::transcript::Item {
            id: "q0".into(),
            content: nexus_messages::transcript::Content::Human { text: "x".into() },
        });
        assert_eq!(source([&block].into_iter()), None);
        block.spark_session = Some("a&b".into());
        let asked = source([&block, &block].into_iter()).expect("two cards");
        assert_eq!(asked, "/fragments/feedback?session=a%26b&session=a%26b");
    }

    #[test]
    fn feedback_that_is_odd_is_shown_as_far_as_it_can_be() {
        let unrated = serde_json::json!({"recommendation_feedback": {"overall_feedback":
            {"rating": "x", "comments": "late"}}});
        let found = list(&serde_json::json!([report(5, "good"), unrated, {"rating": 4}, 3]));
        let found: Vec<_> = found.iter().map(|one| (one.rating, one.comment.as_str())).collect();
        assert_eq!(found, [(Some(5), "good"), (None, "late"), (None, ""), (None, "")]);
        assert!(list(&Value::Null).is_empty());
    }
}
