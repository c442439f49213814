//! Which messages of a transcript are sent, and how much of each.
//!
//! The end matters most: it is chosen first. A transcript within the target is sent as it is. Of a
//! longer one its end and its beginning are kept, each by its number of tokens and at least by its
//! number of messages, with a marker in between; a message that alone is larger than its part is cut
//! in the middle. When that is still more than the limit, all messages are cut to the largest size
//! at which they fit, and at last messages next to the gap are left out.

use super::{
    cut::cut_middle,
    entries::Entry,
    tokens::{tokens, weight, weight_of_tokens},
};
use crate::config::Truncation;

/// Weight of what stands around a message: its head line and the line breaks.
const FRAME_TOKENS: u64 = 24;
/// Below this size a message says nothing any more.
pub(crate) const MIN_MESSAGE_TOKENS: u64 = 40;

/// What is left of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Truncated {
    pub head: Vec<Entry>,
    pub gap: Option<Gap>,
    /// Behind the gap; everything when there is none.
    pub tail: Vec<Entry>,
}

/// What was left out between head and tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub messages: usize,
    pub tokens: u64,
}

impl Gap {
    pub fn marker(&self) -> String {
        format!("[… {} messages (about {} tokens) left out …]", self.messages, self.tokens)
    }
}

/// The estimate for a list of messages, with what stands around each.
pub(crate) fn size(entries: &[Entry]) -> u64 {
    tokens(entries.iter().map(framed).sum())
}

fn framed(entry: &Entry) -> u64 {
    weight(&entry.text) + weight_of_tokens(FRAME_TOKENS)
}

/// Chooses of `entries` what fits into `limit` tokens under the rules of `config`.
pub(crate) fn truncate(entries: Vec<Entry>, config: &Truncation, limit: u64) -> Truncated {
    let limit = limit.saturating_sub(FRAME_TOKENS);
    if size(&entries) <= config.target_tokens.min(limit) {
        return Truncated { head: Vec::new(), gap: None, tail: entries };
    }
    let tail = kept(entries.iter().rev(), config.last_tokens, config.tail_messages);
    let before = entries.len() - tail;
    let head = kept(entries[..before].iter(), config.first_tokens, config.head_messages);
    let mut chosen = Chosen::new(entries, head, tail);
    chosen.cap(config);
    chosen.fit(limit);
    chosen.finish()
}

/// How many messages fit into `budget`, and at least `least`.
fn kept<'a>(entries: impl Iterator<Item = &'a Entry>, budget: u64, least: usize) -> usize {
    let mut room = weight_of_tokens(budget);
    let mut count = 0;
    for entry in entries {
        let fits = room.checked_sub(framed(entry));
        if fits.is_none() && count >= least {
            break;
        }
        room = fits.unwrap_or_default();
        count += 1;
    }
    count
}

struct Chosen {
    head: Vec<Weighed>,
    /// Nearest to the gap first.
    left_out: Vec<Entry>,
    tail: Vec<Weighed>,
}

/// A message with its weight, which is counted once.
struct Weighed {
    entry: Entry,
    weight: u64,
}

impl Weighed {
    fn new(entry: Entry) -> Self {
        Self { weight: weight(&entry.text), entry }
    }

    /// What it weighs with its frame when it is no larger than `cap` tokens.
    fn capped(&self, cap: u64) -> u64 {
        self.weight.min(weight_of_tokens(cap)) + weight_of_tokens(FRAME_TOKENS)
    }

    fn cap(&mut self, max_tokens: u64) {
        if tokens(self.weight) > max_tokens {
            self.entry.text = cut_middle(&self.entry.text, max_tokens);
            self.weight = weight(&self.entry.text);
        }
    }
}

impl Chosen {
    fn new(mut entries: Vec<Entry>, head: usize, tail: usize) -> Self {
        let tail = entries.split_off(entries.len() - tail);
        let left_out = entries.split_off(head);
        let weighed = |entries: Vec<Entry>| entries.into_iter().map(Weighed::new).collect();
        Self { head: weighed(entries), left_out, tail: weighed(tail) }
    }

    /// Cuts what alone is larger than its part. A message that is kept for its number's sake says
    /// something even where its part is nothing.
    fn cap(&mut self, config: &Truncation) {
        let first = config.first_tokens.max(MIN_MESSAGE_TOKENS);
        let last = config.last_tokens.max(MIN_MESSAGE_TOKENS);
        self.head.iter_mut().for_each(|message| message.cap(first));
        self.tail.iter_mut().for_each(|message| message.cap(last));
    }

    fn fit(&mut self, limit: u64) {
        let limit = weight_of_tokens(limit);
        if self.sum(u64::MAX) <= limit {
            return;
        }
        let mut least = self.sum(MIN_MESSAGE_TOKENS);
        while least > limit {
            let Some(gone) = self.leave_one_out() else { break };
            least -= gone.capped(MIN_MESSAGE_TOKENS);
            self.left_out.push(gone.entry);
        }
        let largest = self.largest_that_fits(limit);
        self.head.iter_mut().chain(&mut self.tail).for_each(|message| message.cap(largest));
    }

    /// The whole weight when no message is larger than `cap` tokens.
    fn sum(&self, cap: u64) -> u64 {
        self.head.iter().chain(&self.tail).map(|message| message.capped(cap)).sum()
    }

    fn largest_that_fits(&self, limit: u64) -> u64 {
        let (mut fits, mut too_large) = (0, tokens(limit));
        while fits + 1 < too_large {
            let middle = fits.midpoint(too_large);
            if self.sum(middle) <= limit { fits = middle } else { too_large = middle }
        }
        fits
    }

    /// First the head's messages, from the gap on, then the tail's; the last message stays.
    fn leave_one_out(&mut self) -> Option<Weighed> {
        self.head.pop().or_else(|| (self.tail.len() > 1).then(|| self.tail.remove(0)))
    }

    fn finish(self) -> Truncated {
        let gap = (!self.left_out.is_empty())
            .then(|| Gap { messages: self.left_out.len(), tokens: size(&self.left_out) });
        let entries = |list: Vec<Weighed>| list.into_iter().map(|message| message.entry).collect();
        Truncated { head: entries(self.head), gap, tail: entries(self.tail) }
    }
}

#[cfg(test)]
mod tests;
