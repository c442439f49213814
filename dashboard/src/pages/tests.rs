//! Every template is rendered with every sample of its context.

use super::*;
use crate::{
    assets::Assets,
    view::{Chrome, Fragment, Place, SAMPLE_SCOPE, Views, escape},
};

/// Renders pages with every sample, to be checked.
pub(super) struct Renderer<'a> {
    views: &'a Views,
    check: fn(template: &str, html: &str),
}

impl Renderer<'_> {
    pub fn render<F: Fragment>(&mut self) {
        let chrome = Chrome::sample(Place::Overview);
        let samples = F::samples();
        assert!(!samples.is_empty(), "{} has no sample", F::TEMPLATE);
        for (number, sample) in samples.iter().enumerate() {
            let html = self.views.render(sample, &chrome).unwrap_or_else(|error| {
                panic!("{} with sample {number}: {error:?}", F::TEMPLATE);
            });
            (self.check)(F::TEMPLATE, &html);
        }
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

/// Pages of which every link and form keeps the scope.
fn render_in_scope(all: &mut Renderer<'_>) {
    all.render::<overview::OverviewPage>();
    all.render::<overview::OverviewFragment>();
    all.render::<prompts::PromptsPage>();
    all.render::<prompt::PromptPage>();
    all.render::<pipeline::PipelinePage>();
    all.render::<pipeline::PipelineFragment>();
    all.render::<pipeline::LetterPage>();
    all.render::<setup::SetupPage>();
    conversation::render_samples(all);
}

#[test]
fn every_template_renders_with_every_sample() {
    let assets = Assets::load().expect("built");
    let views = Views::load(&assets).expect("valid templates");
    let mut all = Renderer { views: &views, check };
    render_in_scope(&mut all);
    all.render::<conversations::ConversationsPage>();
    all.render::<requests::RequestsPage>();
    all.render::<request::RequestPage>();
    all.render::<live::LivePage>();
    all.render::<live::TailFragment>();
    all.render::<live::RunningFragment>();
    all.render::<usage::UsagePage>();
    all.render::<analyses::AnalysesPage>();
    all.render::<feedback::Thanks>();
    all.render::<feedback::GivenFragment>();
    all.render::<login::LoginPage>();
}

/// Files, what holds no link, and the end of a session.
const NO_PAGES: [&str; 5] = ["assets/", "/export.", "/head", "fragments/feedback", "logout"];

/// What leads to a page, or fetches a part of one, carries the scope.
fn keeps_scope(template: &str, html: &str) {
    let scope = escape(SAMPLE_SCOPE);
    for lead in ["href=\"/", "hx-get=\"/", "method=\"post\" action=\"/"] {
        for rest in html.split(lead).skip(1) {
            let address = rest.split('"').next().unwrap_or_default();
            let is_page = !NO_PAGES.iter().any(|part| address.contains(part));
            assert!(!is_page || address.contains(&scope), "{template} leads to /{address}");
        }
    }
    for form in html.split("<form").skip(1) {
        let form = form.split("</form>").next().unwrap_or_default();
        let is_kept = !form.contains("method=\"get\"") || form.contains("name=\"domain\"");
        assert!(is_kept, "{template} has a form without the scope: {form}");
    }
}

#[test]
fn links_and_forms_carry_the_scope() {
    let assets = Assets::load().expect("built");
    let views = Views::load(&assets).expect("valid templates");
    let mut all = Renderer { views: &views, check: keeps_scope };
    render_in_scope(&mut all);
}

#[test]
fn live_says_what_hides_the_finished() {
    let assets = Assets::load().expect("built");
    let views = Views::load(&assets).expect("valid templates");
    let chrome = Chrome::sample(Place::Live);
    let shown = live::TailFragment::samples().into_iter();
    let html = shown.map(|tail| views.render(&tail, &chrome).expect("rendered"));
    let html: [String; 5] = html.collect::<Vec<_>>().try_into().expect("five samples");
    let [rows, nothing, hidden, cut_short, common] = html;
    assert!(rows.contains("<table") && nothing.contains("Nothing yet"));
    assert!(hidden.contains("No request matches") && hidden.contains("href=\"/live\""));
    assert!(!hidden.contains("Nothing yet"));
    assert!(cut_short.contains("Nothing found yet") && cut_short.contains("Only the newest"));
    assert!(!cut_short.contains("No request matches"));
    assert!(common.contains("<table") && common.contains("only the newest 3,000"));
    for html in [cut_short, common] {
        assert!(html.contains("href=\"/requests?q=a%20b\""), "the search that goes on: {html}");
    }
    assert!(!rows.contains("newest"));
}

#[test]
fn a_search_that_left_something_out_says_so() {
    fn says<F: Fragment>(views: &Views) -> Vec<[bool; 4]> {
        let chrome = Chrome::sample(Place::Requests);
        let html = F::samples().into_iter().map(|page| views.render(&page, &chrome));
        let says = |html: String| {
            let parts = ["goes on from there", "Search on", "Nothing found yet", "newest 3,000"];
            parts.map(|part| html.contains(part))
        };
        html.map(|html| says(html.expect("rendered"))).collect()
    }
    let assets = Assets::load().expect("built");
    let views = Views::load(&assets).expect("valid templates");
    let [nothing, next, older] =
        [[false; 4], [true, true, true, false], [false, false, false, true]];
    assert_eq!(says::<requests::RequestsPage>(&views), [nothing, nothing, next, older]);
    let conversations = says::<conversations::ConversationsPage>(&views);
    assert_eq!(conversations, [nothing, nothing, nothing, next, older]);
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
