//! What humans wrote in requests: reminders and the client's own marks removed, shortened for lists.

use std::{borrow::Cow, ops::RangeInclusive};

use memchr::memmem;

use crate::request::{Block, Message, Request};

/// How the tag begins that clients put around what they, not a human, wrote.
const REMINDER: &str = "<system-reminder";
/// Digits of the id with which newer clients stamp both tags of a reminder.
const STAMP: RangeInclusive<usize> = 16..=32;
/// Tags whose content the client puts into a human's message and no human wrote.
const CLIENT_TAGS: [&str; 6] = [
    "local-command-stdout",
    "local-command-stderr",
    "local-command-caveat",
    "command-contents",
    "bash-stdout",
    "bash-stderr",
];
/// Texts that stand in a human's place without one having written them.
const CLIENT_TEXTS: [&str; 3] =
    ["[Request interrupted by user", "Caveat: The messages below", "[SYSTEM NOTIFICATION"];

/// How every continuation from a summary begins.
pub const CONTINUED: &str = "This session is being continued from a previous conversation";
/// What newer clients may put before that.
const MARK: &str = "<artifact-content-authored-by-others/>";

/// What stands before, inside and after the first `<tag>…</tag>` of `text`. An unclosed tag is none.
pub fn next_tag<'a>(text: &'a str, tag: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let open = find(text, &format!("<{tag}>"))?;
    let inside = open + tag.len() + 2;
    let close = inside + find(&text[inside..], &format!("</{tag}>"))?;
    Some((&text[..open], &text[inside..close], &text[close + tag.len() + 3..]))
}

/// What stands before, inside and after the first reminder of `text`:
/// `<system-reminder>…</system-reminder>`, or both tags with the same ` id="…"`. An unclosed one is none.
pub fn next_reminder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, close, rest) = memmem::find_iter(text.as_bytes(), REMINDER).find_map(|open| {
        let (close, rest) = closing(&text[open + REMINDER.len()..])?;
        Some((&text[..open], close, rest))
    })?;
    let end = find(rest, &close)?;
    Some((before, &rest[..end], &rest[end + close.len()..]))
}

/// Where `part` stands first. Every text of a request is looked through, several times as fast as by
/// `str::find`.
fn find(text: &str, part: &str) -> Option<usize> {
    memmem::find(text.as_bytes(), part.as_bytes())
}

/// The closing tag that belongs to an opening one, and what follows that; `tag` is its end and the rest.
fn closing(tag: &str) -> Option<(String, &str)> {
    if let Some(rest) = tag.strip_prefix('>') {
        return Some(("</system-reminder>".to_owned(), rest));
    }
    let id = tag.strip_prefix(" id=\"")?;
    let digits = id.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
    let (id, rest) = id.split_at(digits);
    let rest = rest.strip_prefix("\">").filter(|_| STAMP.contains(&digits))?;
    Some((format!("</system-reminder id=\"{id}\">"), rest))
}

/// `text` without its [reminders](next_reminder). An unclosed one stays.
pub fn without_reminders(text: &str) -> Cow<'_, str> {
    without(Cow::Borrowed(text), next_reminder)
}

/// What goes on from a summary, as clients write it, from its first word; `None` for any other text.
pub fn continuation(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let text = text.strip_prefix(MARK).map_or(text, str::trim_start);
    text.starts_with(CONTINUED).then_some(text)
}

/// What a human wrote after the model's last answer, in one text; `None` when it was only tools.
///
/// A slash command reads as it was typed, `/review fast`; a command of the shell as `! ls`.
pub fn human_prompt(request: &Request<'_>) -> Option<String> {
    let new = request.messages.rsplit(|message| message.role == "assistant").next()?;
    join(new.iter().filter(|message| message.role == "user").flat_map(human_texts))
}

/// One line of at most `max_chars` characters: white space collapsed, the cut marked by `…`.
pub fn preview(text: &str, max_chars: usize) -> String {
    let mut line = String::new();
    let mut chars = 0;
    for word in text.split_whitespace() {
        if chars > 0 {
            line.push(' ');
            chars += 1;
        }
        for char in word.chars().filter(|char| !char.is_control()) {
            if chars >= max_chars {
                return mark_cut(line, max_chars);
            }
            line.push(char);
            chars += 1;
        }
    }
    line
}

fn mark_cut(mut line: String, max_chars: usize) -> String {
    if let Some((at, _)) = line.char_indices().nth(max_chars.saturating_sub(1)) {
        line.truncate(at);
    }
    line.truncate(line.trim_end().len());
    line.push('…');
    line
}

fn human_texts(message: &Message<'_>) -> Vec<String> {
    message.blocks.iter().filter_map(Block::text).filter_map(human_text).collect()
}

/// What a human wrote of one text block; `None` when a client wrote all of it. Commands read as they
/// were typed.
pub fn human_text(text: &str) -> Option<String> {
    let mut text = without_reminders(text);
    for tag in CLIENT_TAGS {
        text = without(text, |text| next_tag(text, tag));
    }
    let text = command(&text).map_or(text, Cow::Owned);
    let text = text.trim();
    let is_client = CLIENT_TEXTS.iter().any(|start| text.starts_with(start));
    (!text.is_empty() && !is_client).then(|| text.replace("\r\n", "\n"))
}

/// A command, as it was typed, from the tags that the client makes of it.
fn command(text: &str) -> Option<String> {
    if let Some((_, input, _)) = next_tag(text, "bash-input") {
        return Some(format!("! {}", input.trim()));
    }
    let (_, name, _) = next_tag(text, "command-name")?;
    let arguments = next_tag(text, "command-args").map_or("", |(_, arguments, _)| arguments);
    Some(format!("{} {}", name.trim(), arguments.trim()))
}

/// `text` without what `next` finds in it.
fn without(text: Cow<'_, str>, next: impl Fn(&str) -> Option<(&str, &str, &str)>) -> Cow<'_, str> {
    if next(&text).is_none() {
        return text;
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest: &str = &text;
    while let Some((before, _, after)) = next(rest) {
        kept.push_str(before);
        rest = after;
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

fn join(texts: impl IntoIterator<Item = String>) -> Option<String> {
    let texts: Vec<_> = texts.into_iter().collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

#[cfg(test)]
mod tests;
