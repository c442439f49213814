//! The pages. Each file is one: its typed context, where it gets it from, its handler.

mod analyses;
mod conversation;
mod conversations;
mod export;
mod feedback;
mod flow;
mod live;
mod login;
mod media;
mod names;
mod overview;
mod palette;
mod pipeline;
mod prompt;
mod prompts;
mod quality;
mod refresh;
mod request;
mod requests;
mod setup;
mod usage;
mod zones;

use actix_web::{middleware::from_fn, web};
pub use conversation::KeptGraphs;
pub use flow::LastTold;
pub use names::Names;
use nexus_store::StoreError;

use crate::{error::PageError, security};

/// Every page; the login form is the only one that anybody may see.
pub fn routes(service: &mut web::ServiceConfig) {
    service.service(web::resource("/login").get(login::form).post(login::log_in)).service(
        web::scope("")
            .wrap(from_fn(security::pages))
            .configure(lists)
            .configure(details)
            .route("/logout", web::post().to(login::log_out))
            .default_service(web::to(missing)),
    );
}

fn lists(service: &mut web::ServiceConfig) {
    service
        .route("/", web::get().to(overview::page))
        .route("/fragments/overview", web::get().to(overview::fragment))
        .route("/fragments/running", web::get().to(live::running))
        .route("/fragments/watch/{id}", web::get().to(live::watch))
        .route("/fragments/feedback", web::get().to(feedback::given))
        .route("/fragments/palette", web::get().to(palette::find))
        .route("/conversations", web::get().to(conversations::page))
        .route("/requests", web::get().to(requests::page))
        .route("/live", web::get().to(live::page))
        .route("/fragments/live", web::get().to(live::tail))
        .route("/usage", web::get().to(usage::page))
        .route("/usage.csv", web::get().to(usage::csv))
        .route("/analyses", web::get().to(analyses::page))
        .route("/prompts", web::get().to(prompts::page))
        .route("/prompts/sync", web::post().to(prompts::sync))
        .route("/prompts/{name}", web::get().to(prompt::page))
        .route("/pipeline", web::get().to(pipeline::page))
        .route("/fragments/pipeline", web::get().to(pipeline::fragment))
        .route("/pipeline/dead-letters/{id}", web::get().to(pipeline::dead_letter))
        .route("/pipeline/dead-letters/{id}/requeue", web::post().to(pipeline::requeue))
        .route("/pipeline/dead-letters/{id}/drop", web::post().to(pipeline::discard))
        .route("/setup", web::get().to(setup::page));
}

fn details(service: &mut web::ServiceConfig) {
    service
        .route("/requests/{id}", web::get().to(request::page))
        .route("/requests/{id}/raw/{part}", web::get().to(request::raw))
        .route("/feedback/{session}", web::post().to(feedback::send))
        .route("/media/{block}", web::get().to(media::image))
        .route("/conversations/{id}/export.{format}", web::get().to(export::download))
        .configure(conversation::routes);
}

async fn missing() -> Result<&'static str, PageError> {
    Err(PageError::NotFound("page".into()))
}

/// The store's errors are the operator's: logged with their cause, shown without it.
pub(crate) fn store(error: StoreError) -> PageError {
    PageError::internal(error)
}

/// An id in an address; a wrong one is an address at which nothing is.
fn id(text: &str, what: &str) -> Result<nexus_contract::ExchangeId, PageError> {
    text.parse().map_err(|_no_id| PageError::NotFound(what.into()))
}

#[cfg(test)]
mod tests;
