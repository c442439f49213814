//! Feedback on recommendations, passed on to Spark with its key.
//!
//! Spark takes a report as `{"session_id", "feedback": {"recommendation_feedback":
//! {"overall_feedback": {"rating", "comments"}}}}`, answers many sessions at once to
//! `{"session_ids": […]}`, and says what is wrong as `{"detail": …}`.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Bytes, Data, Path},
};
use reqwest::{Client, Method, Response, redirect::Policy};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::answer::Answer;
use crate::{config::SparkConfig, deps::Dashboard, error::PageError};

const MAX_BODY: usize = 256 * 1024;
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// Longest part of Spark's own words that is passed on.
const MAX_DETAIL: usize = 500;

/// `POST /api/spark/feedback`
pub async fn send(dashboard: Data<Dashboard>, body: Bytes) -> Answer {
    pass(&dashboard, Method::POST, &["send_feedback"], Some(body)).await
}

/// `POST /api/spark/feedback/batch`
pub async fn batch(dashboard: Data<Dashboard>, body: Bytes) -> Answer {
    pass(&dashboard, Method::POST, &["feedback", "batch"], Some(body)).await
}

/// `GET /api/spark/sessions/{id}/feedback`
pub async fn session(dashboard: Data<Dashboard>, id: Path<String>) -> Answer {
    pass(&dashboard, Method::GET, &["sessions", &id, "feedback"], None).await
}

async fn pass(dashboard: &Dashboard, method: Method, path: &[&str], body: Option<Bytes>) -> Answer {
    let not_set = PageError::Unavailable("Spark is not configured: set SPARK_API_KEY");
    let spark = dashboard.config.spark.as_ref().ok_or(not_set)?;
    body.as_ref().map(check).transpose()?;
    let mut request = client(spark)?
        .request(method, address(spark, path)?)
        .bearer_auth(spark.key.expose_secret())
        .header("content-type", "application/json");
    if let Some(body) = body {
        request = request.body(body);
    }
    relay(request.send().await.map_err(|error| unreachable(&error))?).await
}

fn check(body: &Bytes) -> Result<(), PageError> {
    if body.len() > MAX_BODY {
        return Err(PageError::BadRequest("the body is larger than 256 KiB".into()));
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(body)
        .map(|_json| ())
        .map_err(|error| PageError::BadRequest(format!("the body must be JSON: {error}")))
}

fn client(spark: &SparkConfig) -> Result<Client, PageError> {
    nexus_bus::choose_cryptography();
    let client = Client::builder().no_proxy().timeout(spark.timeout).redirect(Policy::none());
    client.build().map_err(PageError::internal)
}

/// A session's id is one segment of the path, so that it cannot lead elsewhere.
fn address(spark: &SparkConfig, path: &[&str]) -> Result<Url, PageError> {
    if path.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return Err(PageError::BadRequest("that is no id of a session".into()));
    }
    let mut address = Url::parse(&spark.url).map_err(PageError::internal)?;
    address
        .path_segments_mut()
        .map_err(|()| PageError::internal("SPARK_API_URL cannot have a path"))?
        .pop_if_empty()
        .extend(path);
    Ok(address)
}

async fn relay(answer: Response) -> Answer {
    let status = answer.status();
    let body = bounded(answer).await?;
    if status.is_success() {
        let status = StatusCode::from_u16(status.as_u16()).map_err(PageError::internal)?;
        return Ok(HttpResponse::build(status).content_type("application/json").body(body));
    }
    Err(refusal(status.as_u16(), &body))
}

/// What is wrong with the request is the caller's to mend, all else is not: a 401 of Spark's would
/// read as if the dashboard's key were wrong.
fn refusal(status: u16, body: &[u8]) -> PageError {
    let (status, message) = match status {
        401 | 403 => {
            tracing::warn!(status, "Spark refused SPARK_API_KEY");
            (StatusCode::BAD_GATEWAY, "Spark refused SPARK_API_KEY".to_owned())
        }
        400..=499 => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, format!("Spark refused: {}", detail(body)))
        }
        _ => (StatusCode::BAD_GATEWAY, format!("Spark answered {status}")),
    };
    PageError::Elsewhere { status, message }
}

fn detail(body: &[u8]) -> String {
    let answer = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let text = match &answer["detail"] {
        Value::Null => "it did not say why".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(MAX_DETAIL).collect()
}

async fn bounded(mut answer: Response) -> Result<Vec<u8>, PageError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            let message = "Spark's answer is too large".to_owned();
            return Err(PageError::Elsewhere { status: StatusCode::BAD_GATEWAY, message });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error's own text holds the address, and with it an id: it is not logged.
fn unreachable(error: &reqwest::Error) -> PageError {
    let (status, message) = if error.is_timeout() {
        (StatusCode::GATEWAY_TIMEOUT, "Spark did not answer in time")
    } else {
        (StatusCode::BAD_GATEWAY, "Spark cannot be reached")
    };
    tracing::warn!("{message}");
    PageError::Elsewhere { status, message: message.to_owned() }
}
