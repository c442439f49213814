//! Masked before it is cut: a cut could leave a part of a secret that no longer looks like one.

use nexus_contract::mask::mask_secrets;
use nexus_messages::text::preview;

/// A body's beginning as text, at most `max` characters.
pub fn capped(body: &[u8], max: usize) -> String {
    // Masks make a text shorter; what lies further behind can't come into view.
    let text = String::from_utf8_lossy(&body[..body.len().min(8 * max)]);
    mask_secrets(&text).chars().take(max).collect()
}

/// A text on one line, at most `max` characters.
pub fn line(text: &str, max: usize) -> String {
    preview(&mask_secrets(text), max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_across_the_cut_is_gone() {
        let text = format!("{} sk-ant-api03-{}", "word ".repeat(3), "A".repeat(40));
        for max in 16..text.len() {
            assert!(!line(&text, max).contains("sk-ant"), "{max}");
            assert!(!capped(text.as_bytes(), max).contains("sk-ant"), "{max}");
        }
        assert_eq!(line("one\n two", 20), "one two");
    }
}
