//! The place in a text where searched words stand, with the words marked.

use super::{
    types::SnippetPart,
    words::{phrase, without_accents},
};

/// Characters before and behind the first match.
const AROUND: usize = 60;
const BEHIND: usize = 120;

/// A word of a text: how it is compared, in lower case without accents, and where it stands.
struct Word {
    plain: String,
    start: usize,
    end: usize,
}

/// The surroundings of the first match; the beginning of the text where there is none.
pub(super) fn cut(text: &str, searched: &[String]) -> Vec<SnippetPart> {
    let phrases: Vec<Vec<String>> = searched
        .iter()
        .filter_map(|word| phrase(word))
        .map(|phrase| without_accents(&phrase).split(' ').map(str::to_owned).collect())
        .collect();
    let words = words(text);
    let matches = matches(&words, &phrases);
    let first = matches.first().map_or(0, |(start, _)| *start);
    let from = before(text, first, AROUND);
    let to = behind(text, first, BEHIND);
    parts(text, from, to, &matches)
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, char) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        match (start, char.is_alphanumeric()) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                let plain = without_accents(&text[from..at].to_lowercase());
                words.push(Word { plain, start: from, end: at });
                start = None;
            }
            _within => {}
        }
    }
    words
}

/// Where the phrases stand, in order, without overlaps.
fn matches(words: &[Word], phrases: &[Vec<String>]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let length =
            phrases.iter().filter(|phrase| stands(phrase, &words[at..])).map(Vec::len).max();
        match length {
            Some(length) => {
                found.push((words[at].start, words[at + length - 1].end));
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

fn stands(phrase: &[String], words: &[Word]) -> bool {
    phrase.len() <= words.len() && phrase.iter().zip(words).all(|(a, b)| *a == b.plain)
}

fn parts(text: &str, from: usize, to: usize, matches: &[(usize, usize)]) -> Vec<SnippetPart> {
    let mut parts = Vec::new();
    let mut push = |text: String, is_match| {
        if !text.is_empty() {
            parts.push(SnippetPart { text, is_match });
        }
    };
    let mut at = from;
    let mut lead = if from > 0 { "…" } else { "" };
    for (start, end) in matches.iter().filter(|(start, end)| *start >= from && *end <= to) {
        push(format!("{lead}{}", collapsed(&text[at..*start])), false);
        push(text[*start..*end].to_owned(), true);
        at = *end;
        lead = "";
    }
    let tail = if to < text.len() { "…" } else { "" };
    push(format!("{lead}{}{tail}", collapsed(&text[at..to])), false);
    parts
}

/// Runs of white space as one space each.
fn collapsed(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        if !char.is_whitespace() {
            line.push(char);
        } else if !line.ends_with(' ') {
            line.push(' ');
        }
    }
    line
}

/// The start of the window: `chars` characters before `at`.
fn before(text: &str, at: usize, chars: usize) -> usize {
    text[..at].char_indices().rev().take(chars).last().map_or(at, |(start, _)| start)
}

fn behind(text: &str, at: usize, chars: usize) -> usize {
    text[at..].char_indices().nth(chars).map_or(text.len(), |(end, _)| at + end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, searched: &[&str]) -> String {
        let searched: Vec<_> = searched.iter().map(|word| (*word).to_owned()).collect();
        let parts = cut(text, &searched);
        let mark = |part: SnippetPart| {
            if part.is_match { format!("[{}]", part.text) } else { part.text }
        };
        parts.into_iter().map(mark).collect()
    }

    #[test]
    fn words_and_phrases_are_marked() {
        assert_eq!(
            shown("Open  src/main.rs\nand FIX it", &["fix", "main.rs"]),
            "Open src/[main.rs] and [FIX] it"
        );
        assert_eq!(shown("nothing of it", &["fix"]), "nothing of it");
        assert_eq!(shown("Ein Café, ein cafe", &["café"]), "Ein [Café], ein [cafe]");
    }

    #[test]
    fn the_window_lies_around_the_first_match() {
        let text = format!("{} needle {}", "é ".repeat(100), "ü ".repeat(100));
        let shown = shown(&text, &["needle"]);
        assert!(shown.starts_with("…é") || shown.starts_with("… é"), "{shown}");
        assert!(shown.contains("[needle]") && shown.ends_with('…'), "{shown}");
        assert!(shown.chars().count() < 200);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,300}", word in "\\PC{1,8}") {
            cut(&text, &[word]);
        }
    }
}
