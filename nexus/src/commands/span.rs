//! Times as operators give them: an instant, or a length back from now.

use jiff::{SignedDuration, Timestamp};

use crate::{
    failure::WrongUsage,
    settings::{FromSetting, Period},
};

/// `2026-01-31T00:00:00Z`, or `7d` for seven days ago.
pub fn since(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    before(text, now).map_err(|_no_age| {
        WrongUsage::new(format!(
            "{text:?} is neither a time (2026-01-31T00:00:00Z) nor an age (7d)"
        ))
        .into()
    })
}

/// The instant that lies an age before now.
pub fn before(age: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    let Period(age) =
        Period::from_setting(age).map_err(|wrong| WrongUsage::new(format!("the age {wrong}")))?;
    Ok(now.checked_sub(SignedDuration::try_from(age)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_ages_are_told_apart() {
        let now: Timestamp = "2026-02-08T00:00:00Z".parse().expect("a time");
        let week = since("7d", now).expect("an age");
        assert_eq!(week, since("2026-02-01T00:00:00Z", now).expect("a time"));
        assert!(since("yesterday", now).is_err());
    }
}
