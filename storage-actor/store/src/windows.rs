//! An account's rate-limit windows, as the upstream's answers report them.
//!
//! Headers look like `anthropic-ratelimit-<window>-<field>`: `requests`, `tokens`, `input-tokens` and
//! `output-tokens` with `limit`, `remaining` and an RFC 3339 `reset`; subscriptions have
//! `unified-5h`, `unified-7d` and the like with `status`, `utilization` and `reset` in seconds since
//! 1970 (docs.anthropic.com, "Rate limits"; the unified ones as observed). The list is open.

use jiff::Timestamp;
use nexus_contract::Headers;

const PREFIX: &str = "anthropic-ratelimit-";

/// More windows than this in one answer are not the upstream's.
const MAX_WINDOWS: usize = 32;

/// One window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Window {
    /// `tokens`, `unified-5h`, …; `unified` for what holds for all of them.
    pub name: String,
    pub status: Option<String>,
    pub limit: Option<i64>,
    pub remaining: Option<i64>,
    /// Used share, 1 for all of it.
    pub utilization: Option<f64>,
    /// When it starts anew, in microseconds since 1970.
    pub reset_at: Option<i64>,
}

/// The windows that an answer's headers name.
pub fn windows(headers: &Headers) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for (name, value) in headers.iter() {
        let Some((name, field)) = name.strip_prefix(PREFIX).and_then(|name| name.rsplit_once('-'))
        else {
            continue;
        };
        let known = windows.iter().any(|window| window.name == name);
        if !known && windows.len() < MAX_WINDOWS {
            windows.push(Window { name: name.to_owned(), ..Window::default() });
        }
        if let Some(window) = windows.iter_mut().find(|window| window.name == name) {
            window.take(field, value);
        }
    }
    windows.retain(|window| *window != Window { name: window.name.clone(), ..Window::default() });
    windows
}

impl Window {
    fn take(&mut self, field: &str, value: &str) {
        match field {
            "status" => self.status = Some(value.chars().take(64).collect()),
            "limit" => self.limit = value.parse().ok(),
            "remaining" => self.remaining = value.parse().ok(),
            "utilization" => {
                self.utilization = value.parse().ok().filter(|share: &f64| share.is_finite());
            }
            "reset" => self.reset_at = instant(value),
            _ => {}
        }
    }
}

fn instant(value: &str) -> Option<i64> {
    let at = match value.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok()?,
        Err(_no_number) => value.parse().ok()?,
    };
    Some(at.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_of_headers_are_read_and_others_are_not() {
        let headers = Headers::recorded([
            ("anthropic-ratelimit-requests-limit", b"50".as_slice()),
            ("anthropic-ratelimit-requests-remaining", b"49"),
            ("anthropic-ratelimit-requests-reset", b"2026-11-23T09:15:00Z"),
            ("anthropic-ratelimit-unified-5h-utilization", b"0.25"),
            ("anthropic-ratelimit-unified-5h-reset", b"1795428000"),
            ("anthropic-ratelimit-unified-5h-status", b"allowed"),
            ("anthropic-ratelimit-unified-representative-claim", b"five_hour"),
            ("retry-after", b"3"),
        ]);
        let windows = windows(&headers);
        assert_eq!(windows.len(), 2, "{windows:?}");
        assert_eq!((windows[0].limit, windows[0].remaining), (Some(50), Some(49)));
        assert_eq!(windows[0].reset_at, Some(1_795_425_300_000_000));
        assert_eq!(windows[1].name, "unified-5h");
        assert_eq!(windows[1].utilization, Some(0.25));
        assert_eq!(windows[1].reset_at, Some(1_795_428_000_000_000));
    }
}
