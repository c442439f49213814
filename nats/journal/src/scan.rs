//! Walks the frames of one segment and finds its way behind damaged bytes.

use std::{fs::File, io};

use crate::{
    frame::{ALIGN, FrameHeader, HEADER, Peek},
    segment::{self, START},
};

/// Bytes read at a time: headers of small frames come along, payloads of large ones don't.
const WINDOW: usize = 16 << 10;

pub(crate) struct Scanner {
    file: File,
    salt: u32,
    offset: u64,
    window: Vec<u8>,
    window_at: u64,
    /// Bytes since the last good frame look damaged.
    damaged: bool,
}

/// What the walk came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Frame {
        header: FrameHeader,
        offset: u64,
    },
    /// Bytes that should be frames and are not. Said once for a stretch of them.
    Damage,
    /// The limit.
    End,
}

impl Scanner {
    pub fn open(file: File) -> io::Result<Self> {
        let (salt, whole) = segment::read_salt(&file)?;
        let window = Vec::new();
        Ok(Self { file, salt, offset: START, window, window_at: 0, damaged: !whole })
    }

    pub fn file_len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// The next step towards `limit`, up to which the segment is written.
    pub fn step(&mut self, limit: u64) -> io::Result<Step> {
        let from = self.offset;
        let header = self.find(limit)?;
        // Where only zeroes or an earlier use of the file follow, nothing is damaged.
        let skipped = header.is_some() && self.offset != from;
        if std::mem::take(&mut self.damaged) || skipped {
            return Ok(Step::Damage);
        }
        let Some(header) = header else { return Ok(Step::End) };
        let offset = self.offset;
        self.offset += header.stride();
        Ok(Step::Frame { header, offset })
    }

    /// Moves to the next frame that fits below `limit`.
    fn find(&mut self, limit: u64) -> io::Result<Option<FrameHeader>> {
        while self.offset + HEADER as u64 <= limit {
            let salt = self.salt;
            match FrameHeader::peek(self.bytes(limit)?, salt) {
                Peek::Frame(header) if self.offset + header.stride() <= limit => {
                    return Ok(Some(header));
                }
                Peek::Frame(_) | Peek::Damaged => self.damaged = true,
                Peek::Nothing => {}
            }
            self.offset += ALIGN as u64;
        }
        Ok(None)
    }

    /// The bytes of a header at the current offset.
    fn bytes(&mut self, limit: u64) -> io::Result<&[u8]> {
        let held = self.window_at..self.window_at + self.window.len() as u64;
        let wanted = self.offset + HEADER as u64;
        if !held.contains(&self.offset) || wanted > held.end {
            let size = usize::try_from(limit - self.offset).unwrap_or(WINDOW).min(WINDOW);
            self.window.resize(size, 0);
            let read = segment::read_at_most(&self.file, &mut self.window, self.offset)?;
            self.window.truncate(read);
            self.window_at = self.offset;
        }
        let from = usize::try_from(self.offset - self.window_at).unwrap_or(usize::MAX);
        Ok(self.window.get(from..from + HEADER).unwrap_or_default())
    }
}
