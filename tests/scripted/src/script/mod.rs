//! Scripts: what a prompt asks the stand-in to do.
//!
//! A script stands in the text of the last human prompt, or in the header `x-script`. It is a row
//! of directives `[[name key=value word: text]]`; other text between them is ignored, and the text
//! of a directive may hold directives of its own (the prompt of a sub-agent, say).
//!
//! Each *block* directive is one answer of the model, in order: the n-th request after the prompt
//! gets the n-th answer. Blocks joined by `+` stand in one answer. *Modifier* directives change the
//! answer that follows them. The full list is in the crate's `README.md`.

mod parse;
mod select;

pub use parse::parse;
pub use select::{human_text, select};

/// One `[[…]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directive {
    pub name: String,
    /// `key=value` pairs in order; a bare word is a key with an empty value.
    pub args: Vec<(String, String)>,
    /// What follows the colon, trimmed.
    pub text: String,
}

/// One answer: its content, and what happens to it on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    pub modifiers: Vec<Directive>,
    pub blocks: Vec<Directive>,
}

impl Directive {
    /// The value of `key=value`.
    pub fn arg(&self, key: &str) -> Option<&str> {
        self.args.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// A numeric argument.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.arg(key)?.parse().ok()
    }

    /// The first bare word.
    pub fn word(&self) -> Option<&str> {
        self.args.iter().find(|(_, value)| value.is_empty()).map(|(key, _)| key.as_str())
    }
}

impl Turn {
    /// The first modifier of this name.
    pub fn modifier(&self, name: &str) -> Option<&Directive> {
        self.modifiers.iter().find(|directive| directive.name == name)
    }
}
