//! The choice of the time zone that days and hours are counted in.

use std::iter;

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use crate::{
    api::midnight,
    error::PageError,
    view::{Choice, Ctx, choices},
};

const HOUR: u32 = 60;
const QUARTER: u32 = 15;

/// What is offered without JavaScript, from west to east; the browser adds all others that it knows,
/// and an address may name any.
const OFFERED: [&str; 31] = [
    "UTC",
    "Pacific/Honolulu",
    "America/Anchorage",
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/Mexico_City",
    "America/New_York",
    "America/Toronto",
    "America/Bogota",
    "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires",
    "Atlantic/Azores",
    "Europe/London",
    "Africa/Lagos",
    "Europe/Paris",
    "Europe/Berlin",
    "Africa/Johannesburg",
    "Africa/Cairo",
    "Europe/Helsinki",
    "Africa/Nairobi",
    "Europe/Istanbul",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Pacific/Auckland",
];

/// The browser's own zone first, which is also what holds when none is chosen.
pub(super) fn offered(ctx: &Ctx) -> Vec<Choice> {
    let browser = ctx.browser_zone();
    let label = match browser.as_ref().and_then(TimeZone::iana_name) {
        Some(name) => format!("Browser’s zone: {name}"),
        None => "Browser’s zone".into(),
    };
    let chosen = ctx.chosen_zone();
    let own = Choice { value: String::new(), label, selected: chosen.is_none() };
    let known: Vec<String> = OFFERED.iter().map(|name| (*name).to_owned()).collect();
    let named = choices(&known, chosen.as_ref().and_then(TimeZone::iana_name));
    iter::once(own).chain(named).collect()
}

/// Minutes of the widest stretches of which none lies in two hours of the zone, and so in two days:
/// some zones are offset by half an hour or a quarter.
pub(super) fn stretch(zone: &TimeZone, from: Timestamp, now: Timestamp) -> u32 {
    let changes = zone.following(from).take_while(|change| change.timestamp() <= now);
    let mut offsets = iter::once(zone.to_offset(from)).chain(changes.map(|change| change.offset()));
    if offsets.all(|offset| offset.seconds() % 3600 == 0) { HOUR } else { QUARTER }
}

/// `from`, and the beginnings of the zone's days after it, up to the end of tomorrow: the clock of a
/// gateway may be ahead.
pub(super) fn day_edges(
    zone: &TimeZone,
    from: Timestamp,
    now: Timestamp,
) -> Result<Vec<Timestamp>, PageError> {
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let end = day(now).checked_add(2.days()).map_err(PageError::internal)?;
    let days = day(from).series(1.day()).skip(1).take_while(|day| *day <= end);
    iter::once(Ok(from)).chain(days.map(|day| midnight(day, zone))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_that_is_offered_exists_under_that_name() {
        for name in OFFERED {
            let zone = TimeZone::get(name).expect(name);
            assert_eq!(zone.iana_name(), Some(name));
        }
    }

    #[test]
    fn stretches_are_quarters_where_hours_would_lie_in_two_days() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let year = |name| {
            let zone = TimeZone::get(name).expect(name);
            stretch(&zone, at("2026-01-15T00:00:00Z"), at("2026-12-15T00:00:00Z"))
        };
        assert_eq!((year("UTC"), year("Europe/Berlin")), (60, 60));
        assert_eq!((year("Asia/Kolkata"), year("Asia/Kathmandu")), (15, 15));
        // Whole hours at both ends, half an hour in between.
        assert_eq!(year("Australia/Lord_Howe"), 15);
    }

    #[test]
    fn days_are_cut_where_the_zone_begins_them() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let zone = TimeZone::get("Asia/Kathmandu").expect("a zone");
        let edges = day_edges(&zone, at("2026-11-21T18:15:00Z"), at("2026-11-22T18:14:00Z"));
        let wanted = ["2026-11-21T18:15:00Z", "2026-11-22T18:15:00Z", "2026-11-23T18:15:00Z"];
        assert_eq!(edges.expect("edges"), wanted.map(at));
        // A day of 23 hours.
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let edges = day_edges(&zone, at("2026-03-28T23:00:00Z"), at("2026-03-29T11:00:00Z"));
        let wanted = ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"];
        assert_eq!(edges.expect("edges"), wanted.map(at));
    }
}
