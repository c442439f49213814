//! An exchange, parsed once, and what readers ask of it.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    block::{self, Block, str_of, text_of},
    reminder::{self, Part},
    turn::Exchange,
};

/// An exchange, parsed once.
pub(super) struct Body<'a> {
    pub exchange: &'a Exchange,
    /// `None` when the request isn't JSON.
    pub json: Option<Value>,
}

impl<'a> Body<'a> {
    pub fn of(exchange: &'a Exchange) -> Self {
        Self { exchange, json: serde_json::from_slice(&exchange.request).ok() }
    }

    pub fn blocks(&self) -> Vec<Block<'_>> {
        self.json.as_ref().map(block::of_request).unwrap_or_default()
    }

    /// Whether the request holds only what is new, the API keeping the history (message threads).
    pub fn is_thread_continuation(&self) -> bool {
        let thread = self.json.as_ref().and_then(|json| json.get("thread"));
        thread.is_some_and(|thread| str_of(thread, "type") == Some("continue"))
    }

    /// Everything in it that a client put in beside the conversation.
    pub fn reminders(&self) -> HashSet<&str> {
        let mut found = HashSet::new();
        for block in self.blocks() {
            reminders_of(block.role, block.value, &mut found);
        }
        found
    }

    pub fn system(&self) -> Option<System> {
        System::of(self.json.as_ref()?.get("system")?)
    }
}

fn reminders_of<'a>(role: &str, value: &'a Value, found: &mut HashSet<&'a str>) {
    if let Some(text) = text_of(value) {
        if role == "system" {
            found.insert(text.trim());
        }
        found.extend(reminder::split(text).into_iter().filter_map(|part| match part {
            Part::Reminder(text) => Some(text),
            Part::Plain(_) => None,
        }));
    } else if let Some(content) = value.get("content") {
        let parts = content.as_array().map_or(std::slice::from_ref(content), Vec::as_slice);
        parts.iter().filter(|part| text_of(part).is_some()).for_each(|part| {
            reminders_of("user", part, found);
        });
    }
}

/// A system prompt without what changes from request to request.
#[derive(PartialEq)]
pub(super) struct System {
    pub texts: Vec<String>,
}

impl System {
    /// The client's version line, which is no prompt.
    const BILLING: &str = "x-anthropic-billing-header:";

    fn of(system: &Value) -> Option<Self> {
        let blocks = system.as_array().map_or(std::slice::from_ref(system), Vec::as_slice);
        let texts = blocks.iter().filter_map(text_of).map(str::trim);
        let texts = texts.filter(|text| !text.is_empty() && !text.starts_with(Self::BILLING));
        let texts = texts.map(str::to_owned).collect::<Vec<_>>();
        (!texts.is_empty()).then_some(Self { texts })
    }
}
