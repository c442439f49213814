//! Shortening one text.

use super::tokens::{tokens, weight, weight_of, weight_of_tokens};

/// The weight that a cut's mark may take.
const MARK_TOKENS: u64 = 20;

/// `text` in at most `max_tokens`: its beginning and its end, with a mark between that says how much
/// is missing. A limit too small for a mark leaves nothing but the mark.
pub(crate) fn cut_middle(text: &str, max_tokens: u64) -> String {
    let whole = weight(text);
    if tokens(whole) <= max_tokens {
        return text.to_owned();
    }
    let room = weight_of_tokens(max_tokens.saturating_sub(MARK_TOKENS));
    let head = prefix(text.chars(), room / 2);
    let tail = prefix(text[head..].chars().rev(), room - weight(&text[..head]));
    let (head, tail) = (&text[..head], &text[text.len() - tail..]);
    let gone = tokens(whole - weight(head) - weight(tail));
    format!("{}\n[… about {gone} tokens cut …]\n{}", head.trim_end(), tail.trim_start())
}

/// How many bytes of the characters weigh at most `room`.
fn prefix(chars: impl Iterator<Item = char>, mut room: u64) -> usize {
    let mut bytes = 0;
    for char in chars {
        let Some(left) = room.checked_sub(weight_of(char)) else { break };
        room = left;
        bytes += char.len_utf8();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_middle_is_cut_and_said_to_be() {
        let text = format!("begin {} end", "x".repeat(4_000));
        let cut = cut_middle(&text, 100);
        assert!(cut.starts_with("begin") && cut.ends_with("end") && cut.contains("tokens cut"));
        assert_eq!(cut_middle("short", 5), "short");
    }

    proptest! {
        #[test]
        fn a_cut_is_within_its_limit(text in "\\PC{0,2000}", max in 20_u64..500) {
            prop_assert!(tokens(weight(&cut_middle(&text, max))) <= max);
        }
    }
}
