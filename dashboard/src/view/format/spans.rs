//! Durations and distances in time. Pure. The page's script goes on by the same rules (`spans.js`);
//! `spans.json` holds both to them.

use jiff::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// So few hours or days are told with the smaller unit: between 1 h and 2 h is too much.
const FEW: u64 = 3;

/// `320 ms`, `4.2 s`, `3 m 05 s`, `2 h 10 m`, `3 d 4 h`.
pub fn duration(ms: f64) -> String {
    let seconds = ms / 1000.0;
    match seconds {
        s if s < 0.9995 => format!("{ms:.0} ms"),
        s if s < 59.95 => format!("{} s", super::trim(s, 1)),
        s => long_duration(s),
    }
}

/// How long something has run, where it is counted on: with tenths always, so that a column keeps
/// its width.
pub fn elapsed(ms: f64) -> String {
    let seconds = ms.max(0.0) / 1000.0;
    // Halves go up, as in the page's script.
    if seconds < 59.95 {
        format!("{:.1} s", (seconds * 10.0).round() / 10.0)
    } else {
        long_duration(seconds)
    }
}

fn long_duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let whole = seconds.round().clamp(0.0, 1e12) as u64;
    let (days, hours, minutes) = (whole / DAY, whole / HOUR % 24, whole / MINUTE % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} m {:02} s", whole % MINUTE),
        (0, hours) => format!("{hours} h {minutes:02} m"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

/// How long ago, from `now`: `just now`, `14 m ago`, `1 h 15 m ago`, `in 5 h`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let distance = seconds.unsigned_abs();
    if distance < MINUTE {
        return if seconds < -1 { "in a moment".into() } else { "just now".into() };
    }
    let age = age(distance);
    if seconds < 0 { format!("in {age}") } else { format!("{age} ago") }
}

/// Each unit from one of it on, months and years from two; never more than has passed.
fn age(seconds: u64) -> String {
    let (hours, days) = (seconds / HOUR, seconds / DAY);
    match (days, hours) {
        (0, 0) => format!("{} m", seconds / MINUTE),
        (0, FEW..) => format!("{hours} h"),
        (0, _) => match seconds / MINUTE % 60 {
            0 => format!("{hours} h"),
            minutes => format!("{hours} h {minutes:02} m"),
        },
        (..FEW, _) => match hours % 24 {
            0 => format!("{days} d"),
            hours => format!("{days} d {hours} h"),
        },
        (..60, _) => format!("{days} d"),
        (..730, _) => format!("{} mo", days / 30),
        _ => format!("{} y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Milliseconds, or seconds that have passed, and what is written of them.
    #[derive(Deserialize)]
    struct Cases {
        durations: Vec<(f64, String)>,
        elapsed: Vec<(f64, String)>,
        ago: Vec<(i64, String)>,
    }

    fn cases() -> Cases {
        serde_json::from_str(include_str!("spans.json")).expect("cases")
    }

    #[test]
    fn durations_have_two_units() {
        for (ms, text) in cases().durations {
            assert_eq!(duration(ms), text, "{ms} ms");
        }
    }

    #[test]
    fn what_is_counted_on_keeps_its_tenths() {
        for (ms, text) in cases().elapsed {
            assert_eq!(elapsed(ms), text, "{ms} ms");
        }
    }

    #[test]
    fn distances_tell_the_smaller_unit_beside_few_of_the_larger() {
        let now = Timestamp::from_second(1_800_000_000).expect("valid");
        for (seconds, text) in cases().ago {
            let at = Timestamp::from_second(1_800_000_000 - seconds).expect("valid");
            assert_eq!(ago(at, now), text, "{seconds} s");
        }
    }
}
