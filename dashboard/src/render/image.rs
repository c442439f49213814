//! Images, shown only when their bytes are what they say.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

/// Larger ones are named, not shown.
const MAX: usize = 12 << 20;

/// An image block's bytes with their true type.
#[derive(Debug, PartialEq, Eq)]
pub struct Picture {
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// The picture in a block's `source`; `None` for remote ones, unknown types, SVG, and wrong bytes.
pub fn picture(source: &Value) -> Option<Picture> {
    let is_base64 = source.get("type").and_then(Value::as_str) == Some("base64");
    let data = source.get("data").and_then(Value::as_str).filter(|_| is_base64)?;
    if data.len() > MAX {
        return None;
    }
    let bytes = BASE64_STANDARD.decode(data.trim()).ok()?;
    Some(Picture { content_type: content_type(&bytes)?, bytes })
}

/// The type by the first bytes, whatever the sender says.
fn content_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_an_image_is_one() {
        let source = |bytes: &[u8], claimed: &str| serde_json::json!({"type": "base64", "media_type": claimed, "data": BASE64_STANDARD.encode(bytes)});
        let png = picture(&source(b"\x89PNG\r\n\x1a\nrest", "text/html")).expect("an image");
        assert_eq!(png.content_type, "image/png");
        for wrong in [&b"<svg onload=alert(1)>"[..], b"<html>", b"", b"%PDF"] {
            assert_eq!(picture(&source(wrong, "image/png")), None);
        }
        assert_eq!(
            picture(&serde_json::json!({"type": "url", "url": "https://evil.example/x.png"})),
            None
        );
    }
}
