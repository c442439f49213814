//! Reminders inside texts: what a client, not a human, wrote.

use crate::text::next_reminder;

/// A text, cut at its reminders.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Trimmed, never empty.
    Plain(&'a str),
    /// What stands between the tags, trimmed.
    Reminder(&'a str),
}

/// Cuts `text` into its plain parts and its reminders, in order. An unclosed reminder is plain text.
pub(super) fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, inside, after)) = next_reminder(rest) {
        push_plain(&mut parts, before);
        parts.push(Part::Reminder(inside.trim()));
        rest = after;
    }
    push_plain(&mut parts, rest);
    parts
}

/// The plain parts of `text`, joined by line breaks, with CRLF as LF.
pub(super) fn plain(text: &str) -> String {
    let parts = split(text).into_iter().filter_map(|part| match part {
        Part::Plain(plain) => Some(plain.replace("\r\n", "\n")),
        Part::Reminder(_) => None,
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn push_plain<'a>(parts: &mut Vec<Part<'a>>, text: &'a str) {
    let text = text.trim();
    if !text.is_empty() {
        parts.push(Part::Plain(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_reminders() {
        let text = " one <system-reminder>\nr\n</system-reminder>\n two<system-reminder>open";
        assert_eq!(
            split(text),
            [Part::Plain("one"), Part::Reminder("r"), Part::Plain("two<system-reminder>open")]
        );
        assert_eq!(plain("<system-reminder>x</system-reminder>"), "");
        assert_eq!(plain("a\r\nb"), "a\nb");
    }
}
