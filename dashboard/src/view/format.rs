//! Numbers, money, sizes and durations as people read them. Pure.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

/// `1.2 K`, `3.4 M`; exact below a thousand.
pub fn compact(value: f64) -> String {
    let magnitude = value.abs();
    let (scale, unit) = match magnitude {
        m if m >= 999_500_000.0 => (1e9, " B"),
        m if m >= 999_500.0 => (1e6, " M"),
        m if m >= 999.5 => (1e3, " K"),
        _ => return trim(value, 1),
    };
    let scaled = value / scale;
    let digits = usize::from(scaled.abs() < 99.95);
    format!("{}{unit}", trim(scaled, digits))
}

/// `1,234,567`.
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// US dollars: cents where they matter, more digits for less than a cent.
pub fn usd(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    match value.abs() {
        0.0 => "$0.00".into(),
        v if v < 0.000_1 => "<$0.0001".into(),
        v if v < 0.01 => format!("{sign}${v:.4}"),
        v if v < 1000.0 => format!("{sign}${v:.2}"),
        v => format!("{sign}${}", compact(v)),
    }
}

/// `320 ms`, `4.2 s`, `3 m 05 s`, `2 h 10 m`, `3 d 4 h`.
pub fn duration(ms: f64) -> String {
    let seconds = ms / 1000.0;
    match seconds {
        s if s < 0.9995 => format!("{ms:.0} ms"),
        s if s < 59.95 => format!("{} s", trim(s, 1)),
        s => long_duration(s.round()),
    }
}

fn long_duration(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped above")]
    let whole = seconds.clamp(0.0, 1e12) as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} m {:02} s", whole % 60),
        (0, hours) => format!("{hours} h {minutes:02} m"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

/// `512 B`, `1.5 KiB`, `12 MiB`.
pub fn bytes(value: f64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if value.abs() < 1024.0 {
        return format!("{value:.0} B");
    }
    let mut scaled = value / 1024.0;
    let mut unit = 0;
    while scaled.abs() >= 1023.5 && unit + 1 < units.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{} {}", trim(scaled, usize::from(scaled < 99.95)), units[unit])
}

/// `42 %`, `0.4 %`.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let digits = usize::from(value != 0.0 && value.abs() < 9.95);
    format!("{} %", trim(value, digits))
}

/// A change by a share: `48 %`, and from ten times as much on `× 76`.
pub fn change(share: f64) -> String {
    if share < 9.0 {
        percent(share.abs())
    } else {
        format!("× {}", compact((share + 1.0).round()))
    }
}

/// A model's name without what all of them begin with, and without its date.
pub fn model(name: &str) -> &str {
    let name = name.strip_prefix("claude-").unwrap_or(name);
    match name.rsplit_once('-') {
        Some((plain, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => plain,
        _ => name,
    }
}

/// Called tools, each once, with the number of its calls: `Bash ×3, Read`.
pub fn tools(called: &[String]) -> String {
    let mut counted: Vec<(&str, usize)> = Vec::new();
    for name in called {
        match counted.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => *count += 1,
            None => counted.push((name, 1)),
        }
    }
    let texts = counted
        .into_iter()
        .map(|(name, count)| if count > 1 { format!("{name} ×{count}") } else { name.to_owned() });
    texts.collect::<Vec<_>>().join(", ")
}

/// The time of day where the viewer is; in UTC, which it says, as long as that is not known.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let form = if zone.is_unknown() { "%H:%M:%S UTC" } else { "%H:%M:%S" };
    at.to_zoned(zone.clone()).strftime(form).to_string()
}

/// The same, with its day when that is not `now`'s. The page's script writes it alike (`time.js`).
pub fn dated_clock(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (here, clock) = (at.to_zoned(zone.clone()), clock(at, zone));
    if here.date() == now.to_zoned(zone.clone()).date() {
        clock
    } else {
        format!("{}, {clock}", here.strftime("%b %-d"))
    }
}

/// How long ago, from `now`. The page goes on counting by the same rule (`time.js`).
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let distance = seconds.unsigned_abs();
    let (size, unit) = match distance {
        0..45 => return if seconds < -1 { "in a moment".into() } else { "just now".into() },
        45..5400 => (60, "m"),
        5400..129_600 => (3600, "h"),
        129_600..5_184_000 => (86_400, "d"),
        5_184_000..63_072_000 => (2_592_000, "mo"),
        _ => (31_536_000, "y"),
    };
    let count = (distance + size / 2) / size;
    if seconds < 0 { format!("in {count} {unit}") } else { format!("{count} {unit} ago") }
}

/// `1 request`, `2 requests`.
pub fn plural(count: i64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// How long to wait, in whole seconds and at least one: `1 second`, `8 seconds`.
pub fn wait(pause: &Duration) -> String {
    plural(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX).max(1), "second", "seconds")
}

/// The beginning of a long id; names that people gave stay whole.
pub fn short(text: &str) -> String {
    let is_id = text.len() >= 32 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if is_id { text[text.len() - 12..].trim_start_matches('-').to_owned() } else { text.to_owned() }
}

/// Markdown in one line without its marks, for labels.
pub fn plain(text: &str) -> String {
    let words =
        text.split_whitespace().filter(|word| !word.chars().all(|c| matches!(c, '#' | '-' | '|')));
    let line = words.collect::<Vec<_>>().join(" ");
    line.replace("**", "").replace('`', "")
}

/// An error's text as a sentence begins: names keep their case, and what it quotes stands in quotes.
pub fn sentence(text: &str) -> String {
    let mut pieces = text.split('`');
    let mut quoted = pieces.next().unwrap_or_default().to_owned();
    for (index, piece) in pieces.enumerate() {
        quoted.push(if index % 2 == 0 { '“' } else { '”' });
        quoted.push_str(piece);
    }
    let mut rest = quoted.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// A text as a part of an address.
pub fn encoded(text: &str) -> String {
    // A plus would be itself in a path.
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A name for an element that belongs to a captured id, whatever that holds.
pub fn anchor(id: &str) -> String {
    use sha2::Digest as _;
    format!("fb-{}", hex::encode(&sha2::Sha256::digest(id.as_bytes())[..8]))
}

fn trim(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    match text.strip_suffix(".0") {
        Some(whole) => whole.into(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_share_until_it_is_a_multiple() {
        assert_eq!([0.48, -0.5, 8.0].map(change), ["48 %", "50 %", "800 %"]);
        assert_eq!([9.0, 763.6, 5_386.0].map(change), ["× 10", "× 765", "× 5.4 K"]);
    }

    #[test]
    fn a_model_is_told_without_maker_and_date() {
        let names = ["claude-haiku-4-5-20251001", "claude-opus-4-5", "gpt-4-turbo", "20251001"];
        assert_eq!(names.map(model), ["haiku-4-5", "opus-4-5", "gpt-4-turbo", "20251001"]);
    }

    #[test]
    fn tools_are_told_once_with_the_number_of_their_calls() {
        let called = ["Bash", "Read", "Bash", "Bash"].map(str::to_owned);
        assert_eq!(tools(&called), "Bash ×3, Read");
        assert_eq!(tools(&called[1..2]), "Read");
        assert_eq!(tools(&[]), "");
    }

    #[test]
    fn compact_numbers() {
        for (value, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (1000.0, "1 K"),
            (1234.0, "1.2 K"),
            (99_949.0, "99.9 K"),
            (123_456.0, "123 K"),
            (999_500.0, "1 M"),
            (3_400_000.0, "3.4 M"),
            (2e9, "2 B"),
            (-1500.0, "-1.5 K"),
        ] {
            assert_eq!(compact(value), text, "{value}");
        }
    }

    #[test]
    fn money_durations_sizes_shares() {
        assert_eq!(
            [usd(0.0), usd(0.001_23), usd(12.5), usd(-12.5), usd(12_300.0)],
            ["$0.00", "$0.0012", "$12.50", "−$12.50", "$12.3 K"]
        );
        assert_eq!(
            [
                duration(320.0),
                duration(4_210.0),
                duration(185_000.0),
                duration(7_800_000.0),
                duration(3e8)
            ],
            ["320 ms", "4.2 s", "3 m 05 s", "2 h 10 m", "3 d 11 h"]
        );
        assert_eq!(
            [bytes(512.0), bytes(1536.0), bytes(12.0 * 1_048_576.0)],
            ["512 B", "1.5 KiB", "12 MiB"]
        );
        assert_eq!([percent(0.42), percent(0.004), percent(0.0)], ["42 %", "0.4 %", "0 %"]);
        assert_eq!(
            [grouped(1_234_567), grouped(-999), grouped(1000)],
            ["1,234,567", "-999", "1,000"]
        );
        assert_eq!([plural(1, "turn", "turns"), plural(2, "turn", "turns")], ["1 turn", "2 turns"]);
        assert_eq!(
            [0, 1, 8].map(|seconds| wait(&Duration::from_secs(seconds))),
            ["1 second", "1 second", "8 seconds"]
        );
    }

    #[test]
    fn ids_are_shortened_and_labels_lose_their_marks() {
        assert_eq!(short("00000000-0000-4000-8000-0000000abcde"), "0000000abcde");
        assert_eq!(
            [short("acc_team"), short("a.very.long.name.of.an.account.example")].join(" "),
            "acc_team a.very.long.name.of.an.account.example"
        );
        assert_eq!(plain("## **Fixed.** The `loop`\n- one"), "Fixed. The loop one");
        assert_eq!(encoded("a b&c"), "a%20b%26c");
    }

    #[test]
    fn sentences_keep_names_and_quote() {
        assert_eq!(sentence("set `DASHBOARD_API_KEY`, in US"), "Set “DASHBOARD_API_KEY”, in US");
        assert_eq!([sentence("`tokens:x` is wrong"), sentence("")], ["“tokens:x” is wrong", ""]);
    }

    #[test]
    fn clocks_are_the_viewers() {
        let at = Timestamp::from_second(1_800_000_000).expect("valid");
        assert_eq!(clock(at, &TimeZone::UTC), "08:00:00");
        assert_eq!(clock(at, &TimeZone::fixed(jiff::tz::offset(-11))), "21:00:00");
        assert_eq!(clock(at, &TimeZone::unknown()), "08:00:00 UTC");
    }

    #[test]
    fn a_clock_of_another_day_names_it() {
        let at = Timestamp::from_second(1_800_000_000).expect("valid");
        let later = Timestamp::from_second(1_800_000_000 + 12 * 3600).expect("valid");
        let dated = |zone: TimeZone| dated_clock(at, later, &zone);
        assert_eq!(dated(TimeZone::UTC), "08:00:00");
        assert_eq!(dated(TimeZone::fixed(jiff::tz::offset(5))), "Jan 15, 13:00:00");
        assert_eq!(dated(TimeZone::unknown()), "08:00:00 UTC");
    }

    #[test]
    fn distances_in_time() {
        let now = Timestamp::from_second(1_800_000_000).expect("valid");
        let before = |seconds: i64| {
            ago(Timestamp::from_second(1_800_000_000 - seconds).expect("valid"), now)
        };
        assert_eq!(
            [before(3), before(44), before(-3), before(45), before(61), before(5_399)],
            ["just now", "just now", "in a moment", "1 m ago", "1 m ago", "90 m ago"]
        );
        assert_eq!(
            [before(5_400), before(7200), before(129_599), before(129_600), before(172_800)],
            ["2 h ago", "2 h ago", "36 h ago", "2 d ago", "2 d ago"]
        );
        assert_eq!(
            [before(5_184_000), before(63_072_000), before(-7200)],
            ["2 mo ago", "2 y ago", "in 2 h"]
        );
    }
}
