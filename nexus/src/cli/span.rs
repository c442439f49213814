//! Times as operators give them: an instant, or a length back from now.

use jiff::{SignedDuration, Timestamp};
use nexus_contract::{Clock, SystemClock};

use crate::settings::{FromSetting, Period};

/// `2026-01-31T00:00:00Z`, or `7d` for seven days ago.
pub fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    before(text)
        .map_err(|_no_age| "this is neither a time (2026-01-31T00:00:00Z) nor an age (7d)".into())
}

/// The instant that lies an age before now.
pub fn before(age: &str) -> Result<Timestamp, String> {
    let Period(age) = Period::from_setting(age).map_err(|wrong| format!("the age {wrong}"))?;
    let age = SignedDuration::try_from(age).map_err(|error| error.to_string())?;
    SystemClock.now().checked_sub(age).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_ages_are_told_apart() {
        let week = SignedDuration::from_hours(7 * 24);
        let (at, now) = (since("7d").expect("an age"), SystemClock.now());
        assert!((now.duration_since(at) - week).abs() < SignedDuration::from_mins(1));
        assert!(since("2026-02-01T00:00:00Z").is_ok());
        assert!(since("yesterday").is_err() && before("2026-02-01T00:00:00Z").is_err());
    }
}
