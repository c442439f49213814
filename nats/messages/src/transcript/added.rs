//! What a request adds to its parent: a comparison of two histories, block by block.

use std::collections::HashMap;

use super::{
    block::{Block, Key},
    content::{summary_in, wrote_summary},
};

/// A block that is new, or the part of it that is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Added {
    /// The block's position in its request.
    pub index: usize,
    /// The new end of a text whose beginning the parent had already.
    pub tail: Option<String>,
}

/// The blocks of `child` that neither the parent's `request` nor its `answer` holds.
///
/// Where the child repeats the parent's request whole, everything behind it is new but for what of
/// the answer was sent back. Where it doesn't (a compaction, a rewritten history), what occurs
/// anywhere in the parent is old, except the summary that the parent's answer made.
pub(super) fn added(
    request: &[Block<'_>],
    answer: &[Block<'_>],
    child: &[Block<'_>],
) -> Vec<Added> {
    let summary = own_summary(answer, child);
    let mut child = Texts::new(child);
    let mut parent = Texts::new(request);
    if summary.is_none() {
        skip_common(&mut parent, &mut child);
    }
    if summary.is_none() && parent.at_end() {
        skip_answer(answer, &mut child);
        child.rest()
    } else {
        let mut known = Known::new(request.iter().chain(answer));
        let rest = child.rest().into_iter();
        rest.filter(|new| Some(new.index) == summary || !known.take(child.blocks[new.index]))
            .collect()
    }
}

/// The block of `child` that goes on from the summary in `answer`. It may be the same, word for
/// word, as one with which the parent began.
fn own_summary(answer: &[Block<'_>], child: &[Block<'_>]) -> Option<usize> {
    let (index, first) = child.iter().find_map(|block| Some((block.index, block.text()?)))?;
    let summary = summary_in(first)?;
    answer.iter().filter_map(Block::text).any(|said| wrote_summary(said, summary)).then_some(index)
}

/// The significant blocks of a history, walked through with a part of a text as the smallest step.
struct Texts<'a, 'b> {
    /// All blocks, by index.
    blocks: Vec<&'b Block<'a>>,
    /// Indices of those that have a key.
    significant: Vec<usize>,
    next: usize,
    /// What is left of the next block's text when its beginning was consumed.
    left: Option<String>,
}

impl<'a, 'b> Texts<'a, 'b> {
    fn new(blocks: &'b [Block<'a>]) -> Self {
        let significant = blocks.iter().filter(|block| block.key.is_some());
        Self {
            significant: significant.map(|block| block.index).collect(),
            blocks: blocks.iter().collect(),
            next: 0,
            left: None,
        }
    }

    fn at_end(&self) -> bool {
        self.next >= self.significant.len()
    }

    fn peek(&self) -> Option<&'b Block<'a>> {
        self.significant.get(self.next).map(|index| self.blocks[*index])
    }

    /// The text that comes next, when a text comes next.
    fn peek_text(&self) -> Option<String> {
        self.left.clone().or_else(|| self.peek()?.text().map(str::to_owned))
    }

    fn advance(&mut self) {
        self.next += 1;
        self.left = None;
    }

    /// Goes `length` bytes into the next text, and over the white space behind.
    fn advance_text(&mut self, text: &str, length: usize) {
        match text[length..].trim_start() {
            "" => self.advance(),
            left => self.left = Some(left.to_owned()),
        }
    }

    fn rest(&mut self) -> Vec<Added> {
        let mut tail = self.left.take();
        let rest = self.significant.get(self.next..).unwrap_or_default();
        rest.iter().map(|index| Added { index: *index, tail: tail.take() }).collect()
    }
}

fn skip_common(parent: &mut Texts<'_, '_>, child: &mut Texts<'_, '_>) {
    while let (Some(old), Some(new)) = (parent.peek(), child.peek()) {
        if old.role != new.role || !skip_one(parent, child, old, new) {
            return;
        }
    }
}

fn skip_one(
    parent: &mut Texts<'_, '_>,
    child: &mut Texts<'_, '_>,
    old: &Block<'_>,
    new: &Block<'_>,
) -> bool {
    let whole = parent.left.is_none() && child.left.is_none();
    if whole && old.key == new.key {
        parent.advance();
        child.advance();
        return true;
    }
    let (Some(old), Some(new)) = (parent.peek_text(), child.peek_text()) else { return false };
    match shared_lines(&old, &new) {
        Some(length) => {
            parent.advance_text(&old, length);
            child.advance_text(&new, length);
            true
        }
        None => false,
    }
}

/// The length of the shorter text when the longer one begins with it and goes on on a new line:
/// texts that one client version sends as one block and another as two.
fn shared_lines(a: &str, b: &str) -> Option<usize> {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let rest = long.strip_prefix(short)?;
    (rest.is_empty() || rest.starts_with('\n')).then_some(short.len())
}

/// Of the answer, a client may leave out blocks, but it keeps their order.
fn skip_answer(answer: &[Block<'_>], child: &mut Texts<'_, '_>) {
    let mut left = answer;
    while let Some(block) = child.peek() {
        let Some(at) = left.iter().position(|said| said.key == block.key) else { return };
        if block.role != "assistant" || child.left.is_some() {
            return;
        }
        left = &left[at + 1..];
        child.advance();
    }
}

/// Blocks that the parent holds, each to be found as often as it occurs.
struct Known<'a, 'b>(HashMap<usize, Vec<&'b Block<'a>>>);

impl<'a, 'b> Known<'a, 'b> {
    fn new(blocks: impl Iterator<Item = &'b Block<'a>>) -> Self
    where
        'a: 'b,
    {
        let mut known = HashMap::<_, Vec<_>>::new();
        for block in blocks.filter(|block| block.key.is_some()) {
            known.entry(bucket(block)).or_default().push(block);
        }
        Self(known)
    }

    fn take(&mut self, block: &Block<'_>) -> bool {
        let Some(alike) = self.0.get_mut(&bucket(block)) else { return false };
        let found = alike.iter().position(|old| old.role == block.role && old.key == block.key);
        found.map(|at| alike.swap_remove(at)).is_some()
    }
}

/// Equal keys share a bucket.
fn bucket(block: &Block<'_>) -> usize {
    match &block.key {
        Some(Key::Text(text)) => text.len(),
        Some(Key::Call(id) | Key::Result(id)) => {
            id.bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
        }
        Some(Key::Json(_)) | None => 0,
    }
}
