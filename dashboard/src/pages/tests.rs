//! Every template is rendered with every sample of its context.

use super::*;
use crate::{
    assets::Assets,
    view::{Chrome, Fragment, Place, Views},
};

fn render_all<F: Fragment>(views: &Views) {
    let chrome = Chrome::sample(Place::Overview);
    let samples = F::samples();
    assert!(!samples.is_empty(), "{} has no sample", F::TEMPLATE);
    for (number, sample) in samples.iter().enumerate() {
        let html = views.render(sample, &chrome).unwrap_or_else(|error| {
            panic!("{} with sample {number}: {error:?}", F::TEMPLATE);
        });
        check(F::TEMPLATE, &html);
    }
}

/// What must never be in a page, whatever was captured.
fn check(template: &str, html: &str) {
    for bad in
        [" style=\"", "<style", " onclick=", "<script>", "<b>hi</b>", "<failing>", "\"undefined\""]
    {
        assert!(!html.contains(bad), "{template} holds {bad}");
    }
    assert!(!html.contains("href=\"\""), "{template} has a link to nowhere");
    assert!(!html.contains("#\"/></svg>"), "{template} has an icon without a name");
}

#[test]
fn every_template_renders_with_every_sample() {
    let assets = Assets::load().expect("built");
    let views = Views::load(&assets).expect("valid templates");
    render_all::<overview::OverviewPage>(&views);
    render_all::<overview::OverviewFragment>(&views);
    render_all::<conversations::ConversationsPage>(&views);
    render_all::<requests::RequestsPage>(&views);
    render_all::<request::RequestPage>(&views);
    render_all::<live::LivePage>(&views);
    render_all::<live::Tail>(&views);
    render_all::<live::RunningFragment>(&views);
    render_all::<usage::UsagePage>(&views);
    render_all::<analyses::AnalysesPage>(&views);
    render_all::<prompts::PromptsPage>(&views);
    render_all::<prompt::PromptPage>(&views);
    render_all::<pipeline::PipelinePage>(&views);
    render_all::<pipeline::PipelineFragment>(&views);
    render_all::<pipeline::LetterPage>(&views);
    render_all::<setup::SetupPage>(&views);
    render_all::<feedback::Thanks>(&views);
    render_all::<feedback::GivenFragment>(&views);
    render_all::<login::LoginPage>(&views);
    conversation::render_samples(&mut Renderer(&views));
}

/// Renders the pages of a private module.
pub(super) struct Renderer<'a>(&'a Views);

impl Renderer<'_> {
    pub fn render<F: Fragment>(&mut self) {
        render_all::<F>(self.0);
    }
}

#[test]
fn every_icon_that_a_template_names_is_in_the_sprite() {
    let icons = include_str!("../../assets/src/icons.txt");
    let known: Vec<&str> = icons.lines().collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let mut folders = vec![std::path::PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            for name in text.split("icon(name=\"").skip(1) {
                let name = name.split('"').next().unwrap_or_default();
                assert!(known.contains(&name), "{} names the icon {name}", path.display());
            }
        }
    }
}
