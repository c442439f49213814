//! What part of the record a page shows: domain, account, time. Lives in the address.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The filters that follow a person from page to page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default)]
    pub range: Range,
}

/// How far back a page looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    #[serde(rename = "1h")]
    Hour,
    #[default]
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
    #[serde(rename = "30d")]
    Month,
    #[serde(rename = "all")]
    All,
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
    /// The scope as a query string without `?`; empty when it is the default.
    pub fn query(&self) -> String {
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        if let Some(domain) = self.domain() {
            pairs.append_pair("domain", domain);
        }
        if let Some(account) = self.account() {
            pairs.append_pair("account", account);
        }
        if self.range != Range::default() {
            pairs.append_pair("range", self.range.as_str());
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
    use super::*;

    #[test]
    fn a_scope_goes_through_an_address_unchanged() {
        let scope = Scope { domain: Some("a b&c".into()), account: None, range: Range::Week };
        let back: Scope =
            serde_json::from_value(serde_json::json!({"domain": "a b&c", "range": "7d"}))
                .expect("valid");
        assert_eq!(scope.query(), "domain=a+b%26c&range=7d");
        assert_eq!(back, scope);
        assert_eq!(Scope::default().query(), "");
    }
}
