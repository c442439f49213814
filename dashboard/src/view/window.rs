//! Rate-limit windows as people read them.

use jiff::{SignedDuration, Timestamp};
use nexus_store::queries::AccountWindow;
use serde::Serialize;

/// One window with what follows from it.
#[derive(Debug, Clone, Serialize)]
pub struct Window {
    pub account_id: String,
    pub name: String,
    pub utilization: Option<f64>,
    pub resets_at: Option<Timestamp>,
    /// The reset lies behind us: what was reported no longer holds.
    pub is_over: bool,
    pub status: Option<String>,
    pub reported_at: Timestamp,
    /// When it is used up at the pace so far, when that lies ahead and before the reset.
    pub exhausted_at: Option<Timestamp>,
}

impl Window {
    /// Whether it is one of the long ones that people plan by, not a limit per minute.
    pub fn is_long(window: &AccountWindow) -> bool {
        length(&window.name).is_some()
    }

    pub fn of(window: &AccountWindow, now: Timestamp) -> Self {
        let is_over = window.resets_at.is_some_and(|reset| reset <= now);
        Self {
            account_id: window.account_id.clone(),
            name: label(&window.name),
            utilization: window.utilization,
            resets_at: window.resets_at,
            is_over,
            status: window.status.clone(),
            reported_at: window.reported_at,
            exhausted_at: projected(window).filter(|at| *at > now),
        }
    }

    /// For template tests.
    #[cfg(test)]
    pub fn sample() -> Self {
        Self {
            account_id: "acc_1".into(),
            name: "5 hours".into(),
            utilization: Some(0.82),
            resets_at: Some(Timestamp::UNIX_EPOCH),
            is_over: false,
            status: Some("allowed_warning".into()),
            reported_at: Timestamp::UNIX_EPOCH,
            exhausted_at: Some(Timestamp::UNIX_EPOCH),
        }
    }
}

/// `unified-5h` is what the upstream calls the five-hour window of a subscription.
fn plain(name: &str) -> &str {
    name.strip_prefix("unified").map_or(name, |rest| rest.trim_start_matches(['-', '_']))
}

fn label(name: &str) -> String {
    match plain(name) {
        "5h" => "5 hours".into(),
        "7d" => "7 days".into(),
        "" => "all windows".into(),
        other => other.replace(['-', '_'], " "),
    }
}

fn length(name: &str) -> Option<SignedDuration> {
    match plain(name) {
        "5h" => Some(SignedDuration::from_hours(5)),
        name if name.starts_with("7d") => Some(SignedDuration::from_hours(7 * 24)),
        _ => None,
    }
}

/// A projection at the pace since the window began; none when it lasts to the reset.
fn projected(window: &AccountWindow) -> Option<Timestamp> {
    let (used, reset) = (window.utilization?, window.resets_at?);
    let began = reset.checked_sub(length(&window.name)?).ok()?;
    let passed = window.reported_at.duration_since(began).as_secs_f64();
    if used <= 0.05 || used >= 1.0 || passed <= 60.0 {
        return None;
    }
    let left = passed * (1.0 - used) / used;
    let at = window.reported_at.checked_add(SignedDuration::try_from_secs_f64(left).ok()?).ok()?;
    (at < reset).then_some(at)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn window(utilization: f64) -> AccountWindow {
        let reported_at = Timestamp::from_second(1_800_000_000).expect("valid");
        AccountWindow {
            account_id: "a".into(),
            name: "5h".into(),
            utilization: Some(utilization),
            limit: None,
            remaining: None,
            resets_at: Some(reported_at + 150.minutes()),
            status: None,
            reported_at,
        }
    }

    #[test]
    fn exhaustion_is_projected_only_when_it_comes_before_the_reset() {
        let now = window(0.8).reported_at;
        let at = Window::of(&window(0.8), now).exhausted_at.expect("too fast");
        assert_eq!(at.duration_since(now).as_secs(), 2250);
        assert_eq!(Window::of(&window(0.4), now).exhausted_at, None);
        let past = Window::of(&window(0.8), now + 40.minutes());
        assert_eq!((past.is_over, past.exhausted_at), (false, None), "no forecast of what is past");
        assert!(Window::of(&window(0.8), now + 3.hours()).is_over);
    }
}
