//! Numbers, money, sizes and durations as people read them. Pure.

mod spans;

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

pub use self::spans::{ago, duration, elapsed};

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
    counted(called).join(", ")
}

/// The first of them, at least one and otherwise as many as `most` characters hold, and how many more
/// there are: `Bash ×3, Read +2`. Not much longer than `most`, whatever the names are.
pub fn first_tools(called: &[String], most: usize) -> String {
    let counted = counted(called);
    let mut shown = String::new();
    for (index, text) in counted.iter().enumerate() {
        let joint = if index == 0 { "" } else { ", " };
        let length = shown.chars().count() + joint.len() + text.chars().count();
        if index > 0 && length > most {
            return format!("{shown} +{}", counted.len() - index);
        }
        shown.push_str(joint);
        shown.push_str(&beginning(text, most));
    }
    shown
}

fn counted(called: &[String]) -> Vec<String> {
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
    texts.collect()
}

/// At most so many characters of a text.
fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
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

/// `1 request`, `2 requests`.
pub fn plural(count: i64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// How long to wait, in whole seconds and at least one: `1 second`, `8 seconds`.
pub fn wait(pause: &Duration) -> String {
    plural(i64::try_from(pause.as_secs()).unwrap_or(i64::MAX).max(1), "second", "seconds")
}

fn is_long_id(text: &str) -> bool {
    text.len() >= 32 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The end of a long id; names that people gave stay whole.
pub fn short(text: &str) -> String {
    if is_long_id(text) {
        text[text.len() - 12..].trim_start_matches('-').to_owned()
    } else {
        text.to_owned()
    }
}

/// Both ends of a long id: the first is its time, the last tells it apart. Names stay whole.
pub fn ends(text: &str) -> String {
    if !is_long_id(text) {
        return text.to_owned();
    }
    format!("{}…{}", &text[..8], &text[text.len() - 8..])
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
    fn a_row_names_the_first_tools_and_counts_the_others() {
        let called = ["Bash", "Read", "Bash", "Edit"].map(str::to_owned);
        assert_eq!(first_tools(&called, 24), "Bash ×2, Read, Edit");
        assert_eq!(first_tools(&called, 13), "Bash ×2, Read +1");
        assert_eq!(first_tools(&called, 12), "Bash ×2 +2");
        assert_eq!(first_tools(&["mcp__öäü".to_owned()], 6), "mcp__ö…");
        assert_eq!(first_tools(&[], 6), "");
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
    fn money_sizes_shares() {
        assert_eq!(
            [usd(0.0), usd(0.001_23), usd(12.5), usd(-12.5), usd(12_300.0)],
            ["$0.00", "$0.0012", "$12.50", "−$12.50", "$12.3 K"]
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
        assert_eq!(ends("01a211db-5b13-705c-82c2-a683745ecfe3"), "01a211db…745ecfe3");
        assert_eq!(
            [ends("acc_team"), ends(&"ä".repeat(40))],
            ["acc_team".to_owned(), "ä".repeat(40)]
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
}
