//! Parameters of a query string; a mistake names the parameter and says what would do.

use std::{future::Ready, ops::RangeInclusive, str::FromStr};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use nexus_contract::ExchangeId;
use nexus_store::queries::{Cursor, Paging, Search};

use crate::error::PageError;

/// What stands behind the `?`. Of a parameter given twice the last counts; an empty one is absent.
#[derive(Debug)]
pub struct Params(Vec<(String, String)>);

impl FromRequest for Params {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self::parse(request.query_string())))
    }
}

impl Params {
    pub fn parse(query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        // PostgreSQL takes every character in a text but NUL; nothing stored has one.
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.replace('\0', "\u{fffd}")))
                .collect(),
        )
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        let mut named = self.0.iter().rev().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// The value as `read` understands it.
    pub fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, PageError> {
        let wrong = || PageError::BadRequest(format!("`{name}` must be {expected}"));
        self.text(name).map(|value| read(value).ok_or_else(wrong)).transpose()
    }

    pub fn number(
        &self,
        name: &str,
        range: RangeInclusive<u32>,
        usual: u32,
    ) -> Result<u32, PageError> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let read = |value: &str| value.parse().ok().filter(|number| range.contains(number));
        Ok(self.read(name, &expected, read)?.unwrap_or(usual))
    }

    pub fn flag(&self, name: &str) -> Result<bool, PageError> {
        let read = |value: &str| match value {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _other => None,
        };
        Ok(self.read(name, "true or false", read)?.unwrap_or(false))
    }

    pub fn id(&self, name: &str) -> Result<Option<ExchangeId>, PageError> {
        self.read(name, "a UUID", |value| value.parse().ok())
    }

    /// `tz`, UTC when absent.
    pub fn zone(&self) -> Result<TimeZone, PageError> {
        let zone =
            self.read("tz", "a time zone such as Europe/Berlin", |name| TimeZone::get(name).ok())?;
        Ok(zone.unwrap_or(TimeZone::UTC))
    }

    /// An instant, or a day, which stands for its first instant in `tz`.
    pub fn instant(&self, name: &str) -> Result<Option<Timestamp>, PageError> {
        let zone = self.zone()?;
        let expected = "an instant such as 2026-11-23T09:00:00Z, or a day such as 2026-11-23";
        self.read(name, expected, |value| instant(value, &zone))
    }

    pub fn paging(&self) -> Result<Paging, PageError> {
        Ok(Paging {
            limit: self.number("limit", 1..=Paging::MAX, Paging::USUAL)?,
            cursor: self.read("cursor", "a cursor that this API gave", |text| {
                Cursor::from_str(text).ok()
            })?,
            offset: self.number("offset", 0..=100_000, 0)?,
        })
    }

    /// `q`, the search field.
    pub fn search(&self) -> Result<Search, PageError> {
        let text = self.text("q").unwrap_or_default();
        Search::parse(text, &self.zone()?)
            .map_err(|error| PageError::BadRequest(format!("`q`: {error}")))
    }
}

fn instant(value: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(instant) = value.parse::<Timestamp>() {
        return stored(instant);
    }
    let day: Date = value.parse().ok()?;
    day.to_zoned(zone.clone()).ok().and_then(|midnight| stored(midnight.timestamp()))
}

/// Within what the store can hold and sums can be taken over.
fn stored(instant: Timestamp) -> Option<Timestamp> {
    (0..=253_402_300_799).contains(&instant.as_second()).then_some(instant)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(error: &PageError) -> String {
        error.to_string()
    }

    #[test]
    fn mistakes_name_the_parameter() {
        let params = Params::parse("limit=0&cursor=x&from=soon&tz=Mars/North&q=has:wings&id=7");
        let wrong = |error: PageError| message(&error);
        assert!(wrong(params.paging().expect_err("a mistake")).starts_with("`limit` must be"));
        assert!(wrong(params.zone().expect_err("a mistake")).contains("`tz`"));
        assert!(wrong(params.id("id").expect_err("a mistake")).contains("`id` must be a UUID"));
        let params = Params::parse("from=soon&q=has:wings");
        assert!(wrong(params.instant("from").expect_err("a mistake")).contains("`from`"));
        assert!(wrong(params.search().expect_err("a mistake")).contains("`q`: `has:wings`"));
    }

    #[test]
    fn an_empty_value_is_absent_and_the_last_one_counts() {
        let params = Params::parse("domain=&limit=3&limit=4");
        assert_eq!(params.text("domain"), None);
        assert_eq!(params.paging().expect("a page").limit, 4);
    }

    proptest! {
        #[test]
        fn nothing_panics(query in "\\PC{0,60}", value in "[0-9TZ:+. -]{0,30}") {
            let params = Params::parse(&query);
            let _either = (params.paging().is_ok(), params.search().is_ok());
            let _either = Params::parse(&format!("from={value}")).instant("from").is_ok();
        }
    }
}
