//! What part of the record a page shows: domain, account, time. Lives in the address.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};

/// The filters that follow a person from page to page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Scope {
    #[serde(default)]
    pub domain: Option<String>,
    #[serde(default)]
    pub account: Option<String>,
    /// The range that was chosen; `None` leaves it to each page.
    #[serde(default, deserialize_with = "chosen_range")]
    pub range: Option<Range>,
}

/// How far back a page looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    Hour,
    Day,
    Week,
    Month,
    All,
}

/// An empty field chooses none, nor does what is no range: the rest of the scope holds all the same.
fn chosen_range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Range>, D::Error> {
    let name = String::deserialize(deserializer)?;
    Ok(Range::ALL.into_iter().find(|range| range.as_str() == name))
}

impl Range {
    pub const ALL: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::All];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::All => "all",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "Last hour",
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::Month => "Last 30 days",
            Self::All => "All time",
        }
    }

    /// Its length; `None` for all time.
    pub const fn length(self) -> Option<SignedDuration> {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 24 * 7,
            Self::Month => 24 * 30,
            Self::All => return None,
        };
        Some(SignedDuration::from_hours(hours))
    }

    /// Its beginning; `None` for all time.
    pub fn from(self, now: Timestamp) -> Option<Timestamp> {
        now.checked_sub(self.length()?).ok()
    }
}

impl Scope {
    /// Its parameters in an address.
    pub const NAMES: [&'static str; 3] = ["domain", "account", "range"];

    /// What was chosen, as a query string without `?`; empty when nothing was.
    pub fn query(&self) -> String {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        if let Some(domain) = self.domain() {
            pairs.append_pair("domain", domain);
        }
        if let Some(account) = self.account() {
            pairs.append_pair("account", account);
        }
        if let Some(range) = self.range {
            pairs.append_pair("range", range.as_str());
        }
        pairs.finish()
    }

    /// The chosen domain; an empty field of the form is none.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref().filter(|text| !text.is_empty())
    }

    pub fn account(&self) -> Option<&str> {
        self.account.as_deref().filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::web::Query;

    use super::*;

    fn read(query: &str) -> Scope {
        Query::<Scope>::from_query(query).expect("valid").into_inner()
    }

    #[test]
    fn a_scope_goes_through_an_address_unchanged() {
        for range in Range::ALL {
            let scope = Scope { domain: Some("a b&c".into()), account: None, range: Some(range) };
            assert_eq!(scope.query(), format!("domain=a+b%26c&range={}", range.as_str()));
            assert_eq!(read(&scope.query()), scope);
        }
        assert_eq!(Scope::default().query(), "");
    }

    #[test]
    fn a_range_that_is_none_takes_nothing_else_away() {
        for range in ["", "&range=", "&range=2y"] {
            let scope = read(&format!("domain=d&account=a{range}"));
            assert_eq!((scope.domain(), scope.account()), (Some("d"), Some("a")), "{range}");
            assert_eq!(scope.range, None, "{range}");
        }
    }
}
