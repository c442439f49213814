//! Strings as JavaScript writes them.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// A JSON string, borrowed when it holds no escapes.
///
/// JavaScript cuts strings in the middle of surrogate pairs and writes the halves as escapes
/// (`"\ud83d"`), which are no Unicode text; each such half is read as U+FFFD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for JsonText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As bytes, because as text serde_json refuses lone surrogates.
        deserializer.deserialize_bytes(Lossy)
    }
}

struct Lossy;

impl<'de> Visitor<'de> for Lossy {
    type Value = JsonText<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(JsonText(lossy(Cow::Borrowed(bytes))))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(JsonText(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(JsonText(Cow::Owned(text.to_owned())))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(JsonText(lossy(Cow::Owned(bytes.to_vec()))))
    }
}

fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        // Looking for what to replace takes ten times as long as seeing that there is nothing.
        Cow::Borrowed(bytes) => {
            std::str::from_utf8(bytes).map_or_else(|_| replace_halves(bytes), Cow::Borrowed)
        }
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Cow::Owned(text),
            Err(error) => Cow::Owned(replace_halves(error.as_bytes()).into_owned()),
        },
    }
}

/// A half is three bytes in serde_json's reading (as UTF-8 would encode it); one mark stands for it.
fn replace_halves(bytes: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(bytes) {
        Cow::Owned(text) => Cow::Owned(text.replace("\u{fffd}\u{fffd}\u{fffd}", "\u{fffd}")),
        borrowed @ Cow::Borrowed(_) => borrowed,
    }
}
