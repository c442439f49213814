//! Values of statements as the log shows them: short, and without secrets.

use std::fmt::Write as _;

use duplicate::duplicate_item;
use nexus_contract::mask::mask_secrets;
use uuid::Uuid;

/// Bytes of a text that are shown.
const MAX_TEXT: usize = 100;

/// A value of a statement.
pub(crate) trait Parameter {
    /// Appends the value, or what it is like.
    fn show(&self, line: &mut String);
}

/// What people wrote to one another, in a form in which their secrets are no longer known as such.
#[derive(Debug, Clone, PartialEq, sqlx::Type)]
#[sqlx(transparent, no_pg_array)]
pub(crate) struct Content(pub(crate) String);

impl Parameter for Content {
    fn show(&self, line: &mut String) {
        self.0.as_bytes().show(line);
    }
}

impl Parameter for str {
    fn show(&self, line: &mut String) {
        line.push('\'');
        // The whole text: a secret may be known by its end, and where those before it are masked, one
        // from further back is shown.
        push_cut(line, &mask_secrets(self), MAX_TEXT);
        line.push('\'');
    }
}

impl Parameter for String {
    fn show(&self, line: &mut String) {
        self.as_str().show(line);
    }
}

impl Parameter for [u8] {
    fn show(&self, line: &mut String) {
        write!(line, "<{} bytes>", self.len()).expect("a string takes it");
    }
}

impl Parameter for Vec<u8> {
    fn show(&self, line: &mut String) {
        self.as_slice().show(line);
    }
}

#[duplicate_item(Plain; [bool]; [i16]; [i64]; [f64]; [Uuid])]
impl Parameter for Plain {
    fn show(&self, line: &mut String) {
        write!(line, "{self}").expect("a string takes it");
    }
}

impl<T: Parameter> Parameter for Option<T> {
    fn show(&self, line: &mut String) {
        match self {
            Some(value) => value.show(line),
            None => line.push_str("NULL"),
        }
    }
}

impl<T: Parameter + ?Sized> Parameter for &T {
    fn show(&self, line: &mut String) {
        (**self).show(line);
    }
}

/// Appends up to `max` bytes of the text.
pub(super) fn push_cut(line: &mut String, text: &str, max: usize) {
    let shown = &text[..text.floor_char_boundary(max)];
    line.push_str(shown);
    if shown.len() < text.len() {
        line.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &(impl Parameter + ?Sized)) -> String {
        let mut line = String::new();
        value.show(&mut line);
        line
    }

    #[test]
    fn small_values_are_shown_as_they_are() {
        let id = Uuid::from_u128(7);
        assert_eq!(shown(&-12_i64), "-12");
        assert_eq!(shown(&true), "true");
        assert_eq!(shown(&0.5), "0.5");
        assert_eq!(shown(&id), id.to_string());
        assert_eq!(shown(&Some("it's")), "'it's'");
        assert_eq!(shown(&None::<i64>), "NULL");
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        let whole = "é".repeat(MAX_TEXT / 2);
        assert_eq!(shown(&whole), format!("'{whole}'"));
        assert_eq!(shown(&format!("x{whole}")), format!("'x{}…'", "é".repeat(MAX_TEXT / 2 - 1)));
    }

    #[test]
    fn of_bytes_and_content_only_the_size_is_shown() {
        assert_eq!(shown(&vec![7_u8; 4_000]), "<4000 bytes>");
        assert_eq!(shown(&Some(&[1_u8, 2][..])), "<2 bytes>");
        assert_eq!(shown(&Content("what was said".to_owned())), "<13 bytes>");
    }

    #[test]
    fn a_secret_is_masked_before_its_end_is_cut_off() {
        // Without the `@` nobody could tell that it is a password.
        let url = format!("{}https://me:S3cretS3cret@host/", " ".repeat(MAX_TEXT - 20));
        assert!(!shown(&url).contains("S3cret"), "{}", shown(&url));
        let key = shown(&format!("my key is sk-ant-api03-{}", "A".repeat(40)));
        assert!(!key.contains("AAAA") && key.contains("my key is"), "{key}");
    }

    #[test]
    fn what_masks_move_to_the_front_is_masked_as_well() {
        for length in 1_000..1_040 {
            let text = shown(&format!("sk-{} https://me:S3cretS3cret@host/", "A".repeat(length)));
            assert_eq!(text, "'[masked] https://me:[masked]@host/'", "behind {length} bytes");
        }
    }
}
