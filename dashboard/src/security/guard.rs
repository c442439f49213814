//! Nothing behind it is reached without being allowed to: pages and API alike.

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
    web,
};

use super::{Visitor, identify, may_write};
use crate::{analyses, deps::Dashboard, error::PageError, view};

/// Guards `/api`: refusals are JSON.
pub async fn api(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match admit(&mut request).await {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(refused) => Ok(request.error_response(refused)),
    }
}

/// Guards the pages: refusals, and errors of the handlers, are pages.
pub async fn pages(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let answer = match admit(&mut request).await {
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            next.call(request).await?.map_into_boxed_body()
        }
        Err(refused) => request.error_response(refused),
    };
    Ok(readable(answer))
}

async fn admit(request: &mut ServiceRequest) -> Result<Visitor, PageError> {
    let dashboard = request
        .app_data::<web::Data<Dashboard>>()
        .cloned()
        .ok_or_else(|| PageError::internal("the dashboard is not mounted"))?;
    let visitor = identify(&dashboard, request.request())?;
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(visitor);
    }
    if let Err(refused) = may_write(&dashboard, &visitor, token(request).as_deref()) {
        analyses::write_down_refusal(&dashboard, &visitor, request).await;
        return Err(refused);
    }
    Ok(visitor)
}

/// htmx sends the token as a header; a form without JavaScript in its address.
fn token(request: &ServiceRequest) -> Option<String> {
    let header = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
    header.map(str::to_owned).or_else(|| {
        url::form_urlencoded::parse(request.query_string().as_bytes())
            .find(|(name, _)| name == "csrf")
            .map(|(_, value)| value.into_owned())
    })
}

/// Turns a [`PageError`] into a page, or into the way to the login form.
fn readable(answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let Some(error) = answer.response().error().and_then(Error::as_error::<PageError>) else {
        return answer;
    };
    let request = answer.request().clone();
    let fragment = request.headers().contains_key("hx-request");
    let page = match error {
        PageError::LoginNeeded if !fragment => {
            to_login(request.uri().path_and_query().map(ToString::to_string))
        }
        error => {
            if let PageError::Internal(cause) = error {
                tracing::error!(path = request.path(), cause, "page failed");
            }
            view::error_page(&request, error)
        }
    };
    answer.into_response(page)
}

fn to_login(from: Option<String>) -> HttpResponse {
    let next: String =
        url::form_urlencoded::byte_serialize(from.unwrap_or_default().as_bytes()).collect();
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, format!("/login?next={next}")))
        .finish()
}
