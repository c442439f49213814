//! One conversation, in tabs.

mod analysis;
mod compare;
mod cost;
mod data;
mod detail;
mod export_tab;
mod graph;
mod head;
mod kept;
mod kind;
mod path;
#[cfg(test)]
mod sample;
mod timeline;
mod transcript;

use actix_web::web;

pub(super) use data::load;
pub use kept::KeptGraphs;
pub(super) use path::{branch_path, windowed};

/// The tabs and their fragments.
pub fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/conversations/{id}", web::get().to(graph::page))
        .route("/conversations/{id}/head", web::get().to(head::fragment))
        .route("/conversations/{id}/graph", web::get().to(graph::window))
        .route("/conversations/{id}/detail/{node}", web::get().to(detail::fragment))
        .route("/conversations/{id}/timeline", web::get().to(timeline::page))
        .route("/conversations/{id}/transcript", web::get().to(transcript::page))
        .route("/conversations/{id}/transcript/more", web::get().to(transcript::more))
        .route("/conversations/{id}/cost", web::get().to(cost::page))
        .route("/conversations/{id}/compare", web::get().to(compare::page))
        .route("/conversations/{id}/compare/more", web::get().to(compare::more))
        .route("/conversations/{id}/analysis", web::get().to(analysis::page))
        .route("/conversations/{id}/analysis/status", web::get().to(analysis::fragment))
        .route("/conversations/{id}/analysis", web::post().to(analysis::request))
        .route("/conversations/{id}/export", web::get().to(export_tab::page));
}

/// Renders every tab with every sample.
#[cfg(test)]
pub(super) fn render_samples(renderer: &mut super::tests::Renderer<'_>) {
    renderer.render::<graph::GraphPage>();
    renderer.render::<head::HeadFragment>();
    renderer.render::<detail::DetailFragment>();
    renderer.render::<transcript::TranscriptPage>();
    renderer.render::<transcript::TranscriptFragment>();
    renderer.render::<timeline::TimelinePage>();
    renderer.render::<cost::CostPage>();
    renderer.render::<compare::ComparePage>();
    renderer.render::<compare::CompareFragment>();
    renderer.render::<analysis::AnalysisPage>();
    renderer.render::<analysis::AnalysisFragment>();
    renderer.render::<export_tab::ExportPage>();
}
