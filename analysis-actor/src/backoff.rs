//! When to try again.

use std::time::Duration;

/// Longest wait that is our own choice.
const MAX_WAIT: Duration = Duration::from_mins(5);
/// Longest wait that Gemini may ask for.
const MAX_ASKED: Duration = Duration::from_hours(24);

/// The wait after the failed attempt number `attempt` (from 1): `base`, doubled with each attempt,
/// of which the upper half is left to chance, so that many jobs don't come back at once; and never
/// less than what was asked for.
pub(crate) fn wait(base: Duration, attempt: u32, asked: Option<Duration>, random: u64) -> Duration {
    let doubled = base.saturating_mul(1_u32 << attempt.saturating_sub(1).min(20)).min(MAX_WAIT);
    #[expect(clippy::cast_precision_loss, reason = "chance needs no 64 bits")]
    let chance = 0.5 + random as f64 / u64::MAX as f64 / 2.0;
    doubled.mul_f64(chance).max(asked.unwrap_or_default().min(MAX_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(2);

    #[test]
    fn it_doubles_up_to_a_bound() {
        assert_eq!(wait(BASE, 1, None, u64::MAX), BASE);
        assert_eq!(wait(BASE, 2, None, u64::MAX), BASE * 2);
        assert_eq!(wait(BASE, 3, None, 0), BASE * 2);
        assert_eq!(wait(BASE, 4_000, None, u64::MAX), MAX_WAIT);
    }

    #[test]
    fn what_is_asked_for_is_the_least() {
        let asked = Duration::from_mins(1);
        assert_eq!(wait(BASE, 1, Some(asked), 0), asked);
        assert_eq!(wait(BASE, 1, Some(Duration::MAX), 0), MAX_ASKED);
    }
}
