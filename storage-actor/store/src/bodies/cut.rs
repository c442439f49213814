//! Cuts a body where its messages, system blocks and tools begin, so that what two bodies have in
//! common is stored once.
//!
//! The messages become a list of pieces, and everything around them a frame, whose system blocks and
//! tools are pieces of their own. `cache_control` members wander from message to message with every
//! turn; they are taken out of their piece and kept beside it ([`Piece::patch`]).
//! Joining frame and list again gives the body byte for byte, whatever it was.

use super::{
    patch,
    scan::{self, Item},
};

/// A body of more pieces than this is kept whole: nobody's history is that long.
const MAX_PIECES: usize = 50_000;

/// Bytes that are stored once, wherever they occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Without what was taken out.
    pub bytes: Vec<u8>,
    /// What was taken out, and where; empty when nothing was.
    pub patch: Vec<u8>,
}

/// A body in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// Not a Messages request: one piece.
    Whole(Vec<u8>),
    Framed(Framed),
}

/// The frame's first `hole` pieces, then the list, then the frame's other pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Framed {
    pub frame: Vec<Piece>,
    pub hole: usize,
    pub list: Vec<Piece>,
}

/// Cuts `body`. The order of the members, white space, duplicates and escapes stay as they are.
pub fn cut(body: &[u8]) -> Cut {
    framed(body).map_or_else(|| Cut::Whole(body.to_vec()), Cut::Framed)
}

fn framed(body: &[u8]) -> Option<Framed> {
    let open = scan::skip_space(body, 0);
    if body.get(open)? != &b'{' {
        return None;
    }
    let (members, _) = scan::items(body, open, MAX_PIECES)?;
    let mut cutter = Cutter { body, done: 0, listed: false, framed: Framed::default() };
    for member in members {
        if body.get(member.value) == Some(&b'[') {
            cutter.member(member)?;
        }
    }
    cutter.listed.then(|| cutter.finish())
}

struct Cutter<'a> {
    body: &'a [u8],
    /// Up to here the body is in pieces.
    done: usize,
    listed: bool,
    framed: Framed,
}

impl Cutter<'_> {
    fn member(&mut self, member: Item) -> Option<()> {
        match &self.body[member.at..member.value] {
            key if key.starts_with(br#""messages""#) && !self.listed => self.messages(member),
            key if key.starts_with(br#""system""#) || key.starts_with(br#""tools""#) => {
                self.blocks(member)
            }
            _ => Some(()),
        }
    }

    /// The first member `messages` is the list that the frame is around.
    fn messages(&mut self, member: Item) -> Option<()> {
        let (elements, close) = scan::items(self.body, member.value, MAX_PIECES)?;
        self.frame_up_to(member.value + 1);
        self.framed.hole = self.framed.frame.len();
        self.framed.list = self.pieces(&elements, close);
        self.listed = true;
        Some(())
    }

    fn blocks(&mut self, member: Item) -> Option<()> {
        let (elements, close) = scan::items(self.body, member.value, MAX_PIECES)?;
        self.frame_up_to(member.value + 1);
        let pieces = self.pieces(&elements, close);
        self.framed.frame.extend(pieces);
        Some(())
    }

    /// Each element with the comma before it, the last one with the space behind it.
    fn pieces(&mut self, elements: &[Item], close: usize) -> Vec<Piece> {
        let ends = elements.iter().skip(1).map(|next| next.start).chain([close]);
        let pieces = elements.iter().zip(ends).map(|(one, end)| self.piece(one.start, one.at, end));
        let pieces = pieces.collect();
        self.done = elements.last().map_or(self.done, |_| close);
        pieces
    }

    fn piece(&self, start: usize, at: usize, end: usize) -> Piece {
        let taken = patch::cache_controls(self.body, at, end);
        let (bytes, patch) = patch::take(self.body, start, end, &taken);
        Piece { bytes, patch }
    }

    fn frame_up_to(&mut self, end: usize) {
        let bytes = self.body[self.done..end].to_vec();
        self.framed.frame.push(Piece { bytes, patch: Vec::new() });
        self.done = end;
    }

    fn finish(mut self) -> Framed {
        self.frame_up_to(self.body.len());
        self.framed
    }
}

impl Cut {
    /// The body again.
    pub fn join(&self) -> Vec<u8> {
        match self {
            Self::Whole(bytes) => bytes.clone(),
            Self::Framed(Framed { frame, hole, list }) => {
                let (before, after) = frame.split_at(*hole);
                let mut body = Vec::new();
                for piece in before.iter().chain(list).chain(after) {
                    // A patch that this module made always applies.
                    let applied = patch::apply(&piece.bytes, &piece.patch, &mut body);
                    debug_assert!(applied.is_some());
                }
                body
            }
        }
    }
}
