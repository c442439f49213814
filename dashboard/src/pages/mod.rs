//! The pages.

mod login;

use actix_web::{middleware::from_fn, web};

use crate::{error::PageError, security};

/// Every page; the login form is the only one that anybody may see.
pub fn routes(service: &mut web::ServiceConfig) {
    service.service(web::resource("/login").get(login::form).post(login::log_in)).service(
        web::scope("")
            .wrap(from_fn(security::pages))
            .route("/logout", web::post().to(login::log_out))
            .default_service(web::to(missing)),
    );
}

async fn missing() -> Result<&'static str, PageError> {
    Err(PageError::NotFound("page".into()))
}
