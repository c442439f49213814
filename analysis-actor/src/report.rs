//! What Gemini's answer says: data when it keeps to the schema, else text.

mod data;
mod markdown;

use serde_json::Value;

pub use data::Report;

/// An answer, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Markdown: rendered from the data, or the answer as it came.
    pub content: String,
    /// `{"analysis": {…}}`, when the answer keeps to the schema.
    pub data: Option<Value>,
}

/// Said below an answer that was cut.
const CUT: &str = "\n\n*(The model reached its limit of tokens: the answer is cut here.)*";

/// Reads an answer. Nothing in it can fail: what isn't data is text.
pub fn read(text: &str, is_cut: bool) -> Reading {
    match parse(text) {
        Some(report) => {
            Reading { content: markdown::render(&report.analysis), data: report.to_value() }
        }
        None => Reading {
            content: format!("{}{}", text.trim(), if is_cut { CUT } else { "" }),
            data: None,
        },
    }
}

fn parse(text: &str) -> Option<Report> {
    let report = serde_json::from_str::<Report>(unfenced(text.trim())).ok()?;
    report.is_in_range().then_some(report)
}

/// Models like to put JSON into a fence, asked or not.
fn unfenced(text: &str) -> &str {
    let Some(inside) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else {
        return text;
    };
    inside.trim_start_matches(|char: char| char.is_ascii_alphanumeric()).trim()
}

#[cfg(test)]
mod tests;
