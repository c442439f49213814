//! What an exchange is found by: what is new in its request, and what its answer says.

use crate::{Answer, Block, Message, Request, text::without_reminders};

/// Text of one half; more would not be indexed.
const MAX_BYTES: usize = 64 * 1024;

/// The texts and tool results behind the model's last answer.
pub fn of_request(request: &Request<'_>) -> String {
    let mut text = Text::default();
    for message in new_messages(request) {
        message.blocks.iter().for_each(|block| text.add_block(block));
    }
    text.0
}

/// The texts and tool inputs.
pub fn of_answer(answer: &Answer) -> String {
    let mut text = Text::default();
    text.add(&answer.text());
    for call in answer.tool_uses() {
        text.add(call.name);
        text.add(&call.input.to_string());
    }
    if let Some(error) = &answer.error {
        text.add(&error.message);
    }
    text.0
}

/// The messages behind the last one of the model, without those of the system.
pub fn new_messages<'r, 'a>(request: &'r Request<'a>) -> impl Iterator<Item = &'r Message<'a>> {
    let new = request.messages.rsplit(|message| message.role == "assistant").next();
    new.unwrap_or_default().iter().filter(|message| message.role == "user")
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn add_block(&mut self, block: &Block<'_>) {
        match block {
            Block::Text(text) => self.add(&without_reminders(text)),
            Block::ToolResult { content, .. } => {
                for block in content {
                    self.add_block(block);
                }
            }
            Block::Thinking(_) | Block::ToolUse { .. } | Block::Media(_) | Block::Other { .. } => {}
        }
    }

    fn add(&mut self, text: &str) {
        let text = text.trim();
        let room = MAX_BYTES.saturating_sub(self.0.len());
        if !text.is_empty() && room > 1 {
            if !self.0.is_empty() {
                self.0.push('\n');
            }
            self.0.push_str(&text[..text.floor_char_boundary(room - 1)]);
        }
    }
}
