//! Terminal output with its colours.

use crate::view::escape;

/// The classes in force: one foreground, one background, bold, dim, italic, underlined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Pen {
    attributes: [bool; 4],
    foreground: Option<u8>,
    background: Option<u8>,
}

/// HTML of a terminal's text: colours as classes, every other control sequence left out.
pub fn ansi(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut pen = Pen::default();
    let mut rest = text;
    while let Some(start) = rest.find('\u{1b}') {
        push(&mut out, &rest[..start], &pen);
        let (codes, after) = sequence(&rest[start + 1..]);
        if let Some(codes) = codes {
            pen.apply(codes);
        }
        rest = after;
    }
    push(&mut out, rest, &pen);
    out
}

fn push(out: &mut String, text: &str, pen: &Pen) {
    if text.is_empty() {
        return;
    }
    let visible: String =
        text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    match pen.classes() {
        classes if classes.is_empty() => out.push_str(&escape(&visible)),
        classes => {
            out.push_str("<span class=\"");
            out.push_str(&classes);
            out.push_str("\">");
            out.push_str(&escape(&visible));
            out.push_str("</span>");
        }
    }
}

/// What follows an escape character: the codes when it sets colours, and the text behind it.
fn sequence(text: &str) -> (Option<&str>, &str) {
    if let Some(body) = text.strip_prefix('[') {
        let end = body.find(|c: char| ('@'..='~').contains(&c));
        return match end {
            Some(end) if body[end..].starts_with('m') => (Some(&body[..end]), &body[end + 1..]),
            Some(end) => (None, &body[end + 1..]),
            None => (None, ""),
        };
    }
    if let Some(body) = text.strip_prefix(']') {
        // A title or a link: ends with BEL or ESC backslash.
        let end = body.find('\u{7}').map(|at| at + 1);
        let other = body.find("\u{1b}\\").map(|at| at + 2);
        return match end.into_iter().chain(other).min() {
            Some(end) => (None, &body[end..]),
            None => (None, ""),
        };
    }
    let mut characters = text.chars();
    characters.next();
    (None, characters.as_str())
}

impl Pen {
    fn apply(&mut self, codes: &str) {
        let mut numbers = codes.split([';', ':']).map(|code| code.parse::<u16>().unwrap_or(0));
        while let Some(code) = numbers.next() {
            match code {
                0 => *self = Self::default(),
                1..=4 => self.attributes[usize::from(code) - 1] = true,
                22 => self.attributes[..2].fill(false),
                23 | 24 => self.attributes[usize::from(code) - 21] = false,
                30..=37 => self.foreground = u8::try_from(code).ok(),
                90..=97 => self.foreground = u8::try_from(code - 60).ok(),
                38 => self.foreground = palette(&mut numbers),
                39 => self.foreground = None,
                40..=47 => self.background = u8::try_from(code).ok(),
                100..=107 => self.background = u8::try_from(code - 60).ok(),
                48 => self.background = palette(&mut numbers).map(|colour| colour + 10),
                49 => self.background = None,
                _ => {}
            }
        }
    }

    fn classes(&self) -> String {
        let attributes = (1..=4u8).zip(self.attributes).filter(|(_, on)| *on).map(|(code, _)| code);
        let codes = attributes.chain(self.foreground).chain(self.background);
        codes.map(|code| format!("ansi-{code}")).collect::<Vec<_>>().join(" ")
    }
}

/// The first sixteen of 256 colours have names; others are shown in the text's own colour.
fn palette(numbers: &mut impl Iterator<Item = u16>) -> Option<u8> {
    match numbers.next()? {
        5 => numbers.next().filter(|n| *n < 16).and_then(|n| u8::try_from(30 + n % 8).ok()),
        2 => {
            numbers.nth(2);
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_text_is_escaped() {
        assert_eq!(
            ansi("a\u{1b}[1;31m<b>\u{1b}[0m c"),
            "a<span class=\"ansi-1 ansi-31\">&lt;b&gt;</span> c"
        );
        assert_eq!(ansi("\u{1b}[38;5;2mx\u{1b}[39my"), "<span class=\"ansi-32\">x</span>y");
        assert_eq!(ansi("\u{1b}[38;2;1;2;3mx"), "x");
    }

    #[test]
    fn other_sequences_vanish_and_broken_ones_do_no_harm() {
        assert_eq!(ansi("a\u{1b}[2Kb\u{1b}]0;title\u{7}c\u{1b}(d\rе"), "abcdе");
        for broken in
            ["\u{1b}", "\u{1b}[", "\u{1b}[31", "\u{1b}]8;;", "\u{1b}é", "\u{1b}[99999999999m"]
        {
            assert!(!ansi(broken).contains('\u{1b}'));
        }
    }
}
