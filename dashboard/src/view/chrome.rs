//! The frame around a page: where one is, who one is, what is filtered.

use jiff::Timestamp;
use serde::Serialize;

use super::scope::{Range, Scope};

/// The places of the sidebar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Overview,
    Conversations,
    Requests,
    Live,
    Usage,
    Analyses,
    Prompts,
    Pipeline,
    /// Reached from elsewhere: set-up, errors.
    None,
}

impl Place {
    pub const ALL: [Self; 8] = [
        Self::Overview,
        Self::Conversations,
        Self::Requests,
        Self::Live,
        Self::Usage,
        Self::Analyses,
        Self::Prompts,
        Self::Pipeline,
    ];

    /// Whether its lists and sums are of a domain, an account and a time range.
    pub const fn is_scoped(self) -> bool {
        use Place::{Analyses, Conversations, Live, Overview, Requests, Usage};
        matches!(self, Overview | Conversations | Requests | Live | Usage | Analyses)
    }

    const fn entry(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Overview => ("Overview", "/", "layout-dashboard", "g o"),
            Self::Conversations => ("Conversations", "/conversations", "messages-square", "g c"),
            Self::Requests => ("Requests", "/requests", "list", "g r"),
            Self::Live => ("Live", "/live", "radio", "g l"),
            Self::Usage => ("Usage", "/usage", "chart-column", "g u"),
            Self::Analyses => ("Analyses", "/analyses", "sparkles", "g a"),
            Self::Prompts => ("Prompts", "/prompts", "book-open", "g p"),
            Self::Pipeline => ("Pipeline", "/pipeline", "workflow", "g i"),
            Self::None => ("", "", "", ""),
        }
    }
}

/// One entry of the sidebar.
#[derive(Debug, Clone, Serialize)]
pub struct NavEntry {
    pub label: &'static str,
    pub href: String,
    pub icon: &'static str,
    pub keys: &'static str,
    pub current: bool,
}

/// One step of the way to a page.
#[derive(Debug, Clone, Serialize)]
pub struct Crumb {
    pub label: String,
    pub href: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// Everything that the frame shows.
#[derive(Debug, Clone, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "switches that the template reads one by one")]
pub struct Chrome {
    pub title: String,
    /// `light`, `dark` or empty for the system's preference.
    pub theme: String,
    pub side_folded: bool,
    pub path: String,
    pub nav: Vec<NavEntry>,
    pub crumbs: Vec<Crumb>,
    /// What the way ends with.
    pub here: String,
    pub csrf: String,
    pub read_only: bool,
    pub signed_in: bool,
    pub now: Timestamp,
    /// The viewer's zone; empty as long as the browser has not told it.
    pub zone: String,
    /// Whether the page heeds the domain, the account and the time range.
    pub is_scoped: bool,
    pub domains: Vec<Choice>,
    pub accounts: Vec<Choice>,
    pub ranges: Vec<Choice>,
    pub domain: String,
    pub account: String,
    /// The chosen one; empty for the page's usual one.
    pub range: String,
    /// Further parameters of the address, which a change of the scope keeps.
    pub kept: Vec<(String, String)>,
    /// The scope as a query, to append to links.
    pub scope: String,
    pub query: String,
    pub version: &'static str,
}

/// The scope of a frame for tests.
#[cfg(test)]
pub const SAMPLE_SCOPE: &str = "domain=example.com&range=7d";

#[cfg(test)]
impl Chrome {
    /// A frame for template tests.
    pub fn sample(place: Place) -> Self {
        let now = Timestamp::UNIX_EPOCH;
        let scope =
            Scope { domain: Some("example.com".into()), account: None, range: Some(Range::Week) };
        Self {
            title: "Sample".into(),
            theme: "dark".into(),
            side_folded: false,
            path: "/".into(),
            nav: nav(place, &scope),
            crumbs: vec![Crumb { label: "Conversations".into(), href: "/conversations".into() }],
            here: "Sample".into(),
            csrf: "token".into(),
            read_only: true,
            signed_in: true,
            now,
            zone: "UTC".into(),
            is_scoped: true,
            domains: choices(&["example.com".into()], Some("example.com")),
            accounts: choices(&["acc_1".into()], None),
            ranges: ranges(None, Range::Day),
            domain: "example.com".into(),
            account: String::new(),
            range: "7d".into(),
            kept: vec![("q".into(), "has:error".into())],
            scope: SAMPLE_SCOPE.into(),
            query: String::new(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// The sidebar, with the scope carried along.
pub fn nav(current: Place, scope: &Scope) -> Vec<NavEntry> {
    let query = scope.query();
    Place::ALL
        .into_iter()
        .map(|place| {
            let (label, path, icon, keys) = place.entry();
            let href = if query.is_empty() { path.into() } else { format!("{path}?{query}") };
            NavEntry { label, href, icon, keys, current: place == current }
        })
        .collect()
}

/// The entries of a filter; a chosen one that is not in the list is still shown as chosen.
pub fn choices(known: &[String], chosen: Option<&str>) -> Vec<Choice> {
    let strange =
        chosen.filter(|chosen| !known.iter().any(|name| name == chosen)).map(str::to_owned);
    known
        .iter()
        .cloned()
        .chain(strange)
        .map(|name| Choice { selected: chosen == Some(&name), label: name.clone(), value: name })
        .collect()
}

/// The ranges, of which a page's usual one stands for no choice, so that a form which is sent for
/// another field's sake chooses none; unless just that one was chosen, which then stays.
pub fn ranges(chosen: Option<Range>, usual: Range) -> Vec<Choice> {
    let choice = |range: Range| {
        let is_no_choice = range == usual && chosen != Some(usual);
        Choice {
            value: if is_no_choice { String::new() } else { range.as_str().into() },
            label: range.label().into(),
            selected: range == chosen.unwrap_or(usual),
        }
    };
    Range::ALL.into_iter().map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a form with these entries sends.
    fn sent(chosen: Option<Range>, usual: Range) -> String {
        let selected = ranges(chosen, usual).into_iter().filter(|choice| choice.selected);
        selected.map(|choice| choice.value).collect::<Vec<_>>().join(" and ")
    }

    #[test]
    fn a_form_sends_the_range_that_was_chosen_and_no_other() {
        assert_eq!(sent(None, Range::All), "");
        assert_eq!(sent(Some(Range::Day), Range::All), "24h");
        assert_eq!(sent(Some(Range::All), Range::All), "all");
        let away = ranges(Some(Range::Week), Range::Day);
        assert_eq!(away.iter().filter(|choice| choice.value.is_empty()).count(), 1, "a way back");
    }
}
