//! Addresses that differ from the current one in a single parameter.

use serde::Serialize;

/// One choice of several, as a link.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    pub href: String,
    pub label: String,
    pub icon: &'static str,
    pub current: bool,
}

/// The current address.
#[derive(Debug, Clone)]
pub struct Links {
    path: String,
    pairs: Vec<(String, String)>,
}

impl Links {
    pub fn new(path: &str, query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.filter(|(_, value)| !value.is_empty());
        Self {
            path: path.into(),
            pairs: pairs.map(|(n, v)| (n.into_owned(), v.into_owned())).collect(),
        }
    }

    /// With `name` set to `value`, or without it; always from the first page on.
    pub fn with(&self, name: &str, value: Option<&str>) -> String {
        let kept = self.pairs.iter().filter(|(known, _)| known != name && known != "cursor");
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept);
        if let Some(value) = value {
            query.append_pair(name, value);
        }
        match query.finish() {
            query if query.is_empty() => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The address with the scope behind it, so that it is known there without a script, too.
pub fn scoped(href: &str, scope: &str) -> String {
    if scope.is_empty() {
        return href.to_owned();
    }
    let (address, fragment) = href.split_at(href.find('#').unwrap_or(href.len()));
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{scope}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_changes_one_parameter_and_starts_over() {
        let links = Links::new("/requests", "q=a%20b&cursor=5&sort=cost&domain=");
        assert_eq!(links.with("sort", Some("time")), "/requests?q=a+b&sort=time");
        assert_eq!(links.with("q", None), "/requests?sort=cost");
        assert_eq!(Links::new("/x", "").with("q", None), "/x");
        assert_eq!(links.get("q"), Some("a b"));
    }

    #[test]
    fn a_scope_stands_behind_what_an_address_says_already() {
        assert_eq!(scoped("/requests/1", ""), "/requests/1");
        assert_eq!(scoped("/requests/1", "domain=d"), "/requests/1?domain=d");
        assert_eq!(scoped("/x?at=1#found", "domain=d&range=7d"), "/x?at=1&domain=d&range=7d#found");
    }
}
