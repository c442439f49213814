//! What a transcript consists of.

use serde::Serialize;
use serde_json::Value;

/// One block of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Permanent name of the block: the exchange's id and where the block stands in it, `-q<n>` for
    /// the n-th block of its request (from 0), `-a<n>` of its answer, `-s` for the system prompt,
    /// `-e` for its error. A text and the reminders cut out of it share the block: `-q3.1`.
    pub id: String,
    #[serde(flatten)]
    pub content: Content,
}

/// What a block says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Content {
    /// Text of the user's side, without reminders.
    Human { text: String },
    /// Text of the model, Markdown, with what it cites as the API gave it.
    Assistant { text: String, citations: Vec<Value> },
    /// The model's thinking; empty when it came redacted.
    Thinking { text: String, redacted: bool },
    /// A tool call with its result, as soon as a request brought one.
    ToolCall {
        call_id: String,
        name: String,
        input: Value,
        /// Whether the API ran the tool itself (web search, code execution, an MCP connector).
        server: bool,
        outcome: Option<ToolOutcome>,
    },
    /// A result whose call isn't part of the reading.
    ToolResult { call_id: String, outcome: ToolOutcome },
    /// An image: the block's `source` as it came.
    Image { source: Value },
    /// A document: the block's `source` as it came.
    Document { title: Option<String>, source: Value },
    /// Text inside a tool's result.
    Text { text: String },
    /// One found page or passage of a search.
    Source { title: String, url: String, text: String },
    /// The system prompt; only where it is new or differs from the parent's.
    SystemPrompt { text: String, blocks: usize },
    /// Reminders and system messages that the client put in, one after the other, to be folded.
    Reminders { texts: Vec<String> },
    /// Here the history before was replaced by a summary.
    Compaction { summary: String },
    /// The exchange's end was not a good one.
    Error { kind: String, message: String, status: Option<u16> },
    /// A block of a type that this version doesn't know, or of a shape that it doesn't expect.
    Unknown { role: String, raw: Value },
}

/// What a tool gave back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolOutcome {
    /// Permanent name of the result's own block.
    pub id: String,
    pub is_error: bool,
    pub content: Vec<Content>,
}

impl ToolOutcome {
    /// The texts of the result, joined by line breaks.
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter_map(Content::text).collect::<Vec<_>>();
        texts.join("\n")
    }
}

impl Content {
    /// The plain text of a human, a model or a result's part.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Human { text }
            | Self::Assistant { text, .. }
            | Self::Text { text }
            | Self::Source { text, .. }
            | Self::Thinking { text, .. } => Some(text),
            _ => None,
        }
    }
}
