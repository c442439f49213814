//! A cut body with the hashes under which its parts are stored. Pure, and the costly part of storing
//! a body: it runs off the I/O threads.

use sha2::{Digest, Sha256};

use super::cut::{Cut, Framed, Piece, cut};

/// The first 16 bytes of a SHA-256: no two contents meet by accident, and who makes two of his own
/// meet (2⁶⁴ hashes) only damages these, which the body's full checksum then tells.
pub(super) const HASH: usize = 16;

pub(super) type Hash = Vec<u8>;

/// A body ready to be stored.
#[derive(Debug, Clone)]
pub struct KeyedBody {
    pub bytes: i64,
    pub sha256: [u8; 32],
    pub shape: Shape,
}

/// See [`Cut`].
#[derive(Debug, Clone)]
pub enum Shape {
    Whole(KeyedPiece),
    Framed { frame: KeyedFrame, list: Vec<KeyedNode> },
}

/// A segment with its hash, and what was taken out of it at this place.
#[derive(Debug, Clone)]
pub struct KeyedPiece {
    pub(super) hash: Hash,
    pub(super) bytes: Vec<u8>,
    pub(super) patch: Vec<u8>,
}

#[derive(Debug, Clone)]
pub struct KeyedFrame {
    pub(super) hash: Hash,
    pub(super) hole: i64,
    pub(super) pieces: Vec<KeyedPiece>,
}

/// `hash` covers this piece and all before it.
#[derive(Debug, Clone)]
pub struct KeyedNode {
    pub(super) hash: Hash,
    pub(super) piece: KeyedPiece,
}

impl KeyedBody {
    /// Cuts `body` and hashes its parts; `sha256` is that of the whole.
    pub fn of_request(body: &[u8], sha256: [u8; 32]) -> Self {
        let shape = match cut(body) {
            Cut::Whole(bytes) => Shape::Whole(KeyedPiece::new(Piece { bytes, patch: Vec::new() })),
            Cut::Framed(framed) => keyed(framed),
        };
        Self::new(body, sha256, shape)
    }

    /// An answer is stored in one piece: no two are alike.
    pub fn of_response(body: &[u8], sha256: [u8; 32]) -> Self {
        let piece = Piece { bytes: body.to_vec(), patch: Vec::new() };
        Self::new(body, sha256, Shape::Whole(KeyedPiece::new(piece)))
    }

    fn new(body: &[u8], sha256: [u8; 32], shape: Shape) -> Self {
        let bytes = i64::try_from(body.len()).unwrap_or(i64::MAX);
        Self { bytes, sha256, shape }
    }
}

fn keyed(framed: Framed) -> Shape {
    let pieces: Vec<_> = framed.frame.into_iter().map(KeyedPiece::new).collect();
    let mut digest = Sha256::new_with_prefix(b"frame");
    digest.update(framed.hole.to_le_bytes());
    for piece in &pieces {
        piece.feed(&mut digest);
    }
    let hole = i64::try_from(framed.hole).unwrap_or(i64::MAX);
    let frame = KeyedFrame { hash: short(digest), hole, pieces };
    Shape::Framed { frame, list: path(framed.list) }
}

fn path(list: Vec<Piece>) -> Vec<KeyedNode> {
    let mut before: Hash = Vec::new();
    let mut nodes = Vec::with_capacity(list.len());
    for piece in list.into_iter().map(KeyedPiece::new) {
        let mut digest = Sha256::new_with_prefix(b"node");
        digest.update(&before);
        piece.feed(&mut digest);
        let hash = short(digest);
        before.clone_from(&hash);
        nodes.push(KeyedNode { hash, piece });
    }
    nodes
}

impl KeyedPiece {
    fn new(piece: Piece) -> Self {
        let hash = content_hash(&piece.bytes);
        Self { hash, bytes: piece.bytes, patch: piece.patch }
    }

    /// `None` where nothing was taken out.
    pub(super) fn patch(&self) -> Option<&[u8]> {
        (!self.patch.is_empty()).then_some(&self.patch[..])
    }

    fn feed(&self, digest: &mut Sha256) {
        digest.update(&self.hash);
        digest.update(self.patch.len().to_le_bytes());
        digest.update(&self.patch);
    }
}

/// The hash under which `bytes` are stored.
pub(crate) fn content_hash(bytes: &[u8]) -> Hash {
    short(Sha256::new_with_prefix(bytes))
}

fn short(digest: Sha256) -> Hash {
    digest.finalize()[..HASH].to_vec()
}
