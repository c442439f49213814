//! Feedback on recommendations, passed on to Spark with its key.

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Bytes, Data, Path},
};
use reqwest::Method;
use secrecy::ExposeSecret;
use url::Url;

use super::answer::Answer;
use crate::{config::SparkConfig, deps::Dashboard, error::PageError};

const TIMEOUT: Duration = Duration::from_secs(15);
const MAX_BODY: usize = 256 * 1024;
const MAX_ANSWER: usize = 4 * 1024 * 1024;

pub async fn send(dashboard: Data<Dashboard>, body: Bytes) -> Answer {
    pass(&dashboard, Method::POST, &["feedback"], Some(body)).await
}

pub async fn batch(dashboard: Data<Dashboard>, body: Bytes) -> Answer {
    pass(&dashboard, Method::POST, &["feedback", "batch"], Some(body)).await
}

pub async fn session(dashboard: Data<Dashboard>, id: Path<String>) -> Answer {
    pass(&dashboard, Method::GET, &["sessions", &id, "feedback"], None).await
}

async fn pass(dashboard: &Dashboard, method: Method, path: &[&str], body: Option<Bytes>) -> Answer {
    let not_set = PageError::Unavailable("Spark is not configured: set SPARK_API_KEY");
    let spark = dashboard.config.spark.as_ref().ok_or(not_set)?;
    if body.as_ref().is_some_and(|body| body.len() > MAX_BODY) {
        return Err(PageError::BadRequest("the body is larger than 256 KiB".into()));
    }
    if body
        .as_ref()
        .is_some_and(|body| serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err())
    {
        return Err(PageError::BadRequest("the body must be JSON".into()));
    }
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(PageError::internal)?;
    let mut request = client
        .request(method, address(spark, path)?)
        .bearer_auth(spark.key.expose_secret())
        .header("content-type", "application/json");
    if let Some(body) = body {
        request = request.body(body);
    }
    let answer = request.send().await.map_err(|error| unreachable(&error))?;
    relay(answer).await
}

async fn relay(mut answer: reqwest::Response) -> Answer {
    let status = StatusCode::from_u16(answer.status().as_u16()).map_err(PageError::internal)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(PageError::Unavailable("Spark's answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse::build(status).content_type("application/json").body(body))
}

/// The segments are escaped, so that an id cannot lead elsewhere.
fn address(spark: &SparkConfig, path: &[&str]) -> Result<Url, PageError> {
    let mut address = Url::parse(&spark.url).map_err(PageError::internal)?;
    address
        .path_segments_mut()
        .map_err(|()| PageError::internal("SPARK_API_URL cannot have a path"))?
        .pop_if_empty()
        .extend(path);
    Ok(address)
}

fn unreachable(error: &reqwest::Error) -> PageError {
    tracing::warn!(error = %error.without_url_ref(), "Spark did not answer");
    PageError::Unavailable("Spark does not answer at the moment")
}

/// An error's text without the address, which may hold an id.
trait WithoutUrl {
    fn without_url_ref(&self) -> String;
}

impl WithoutUrl for reqwest::Error {
    fn without_url_ref(&self) -> String {
        if self.is_timeout() { "time-out".into() } else { "no connection".into() }
    }
}
