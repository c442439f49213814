//! Typed pages: a struct, its template, samples of it.

use rust_embed::RustEmbed;
use serde::Serialize;
use tera::{Context, Tera};

use super::{
    chrome::{Chrome, Crumb, Place},
    filters,
    scope::Range,
};
use crate::{DashboardError, assets::Assets, error::PageError};

#[derive(RustEmbed)]
#[folder = "templates"]
struct Templates;

/// Part of a page with a template of its own, also fetched alone by htmx.
pub trait Fragment: Serialize {
    const TEMPLATE: &'static str;

    /// Contexts that show every branch of the template; a test renders them all.
    #[cfg(test)]
    fn samples() -> Vec<Self>
    where
        Self: Sized;
}

/// A whole page.
pub trait Page: Fragment {
    const PLACE: Place;
    /// How far back it looks until a range is chosen.
    const RANGE: Range = Range::Day;

    /// What the browser's tab says.
    fn title(&self) -> String;

    /// What the way to the page ends with.
    fn here(&self) -> String {
        self.title()
    }

    /// What the search field holds.
    fn query(&self) -> &str {
        Default::default()
    }

    /// The way from the place to the page.
    fn crumbs(&self) -> Vec<Crumb> {
        Vec::new()
    }
}

/// The parsed templates.
#[derive(Debug)]
pub struct Views(Tera);

impl Views {
    /// Parses every embedded template.
    pub fn load(assets: &Assets) -> Result<Self, DashboardError> {
        let mut tera = Tera::new();
        filters::register(&mut tera, assets);
        let read = |name: std::borrow::Cow<'static, str>| {
            let file =
                Templates::get(&name).ok_or_else(|| DashboardError::Asset(name.to_string()))?;
            Ok((name.to_string(), String::from_utf8_lossy(&file.data).into_owned()))
        };
        let sources = Templates::iter().map(read).collect::<Result<Vec<_>, DashboardError>>()?;
        tera.add_raw_templates(sources)?;
        Ok(Self(tera))
    }

    /// A fragment in the frame `chrome`, which a fragment fetched alone needs for times and links.
    pub fn render<F: Fragment>(&self, fragment: &F, chrome: &Chrome) -> Result<String, PageError> {
        let mut context = Context::new();
        context.insert("page", fragment);
        context.insert("chrome", chrome);
        self.0.render(F::TEMPLATE, &context).map_err(|error| {
            // The engine's message quotes the template, which is what one needs to mend it.
            PageError::internal(format!("{}: {error}", F::TEMPLATE))
        })
    }
}
