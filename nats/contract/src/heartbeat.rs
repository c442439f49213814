//! What a process says of itself, every few seconds, on the live subjects.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The data of a live event about [`Heartbeat`](crate::LiveTopic::Heartbeat).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// The process's name; two processes with one name are shown as one.
    pub instance: String,
    /// What it does: `gateway`, `linker`, ….
    pub roles: Vec<String>,
    pub version: String,
    pub started_at: Timestamp,
    /// Of a process that captures.
    pub journal: Option<JournalFigures>,
}

/// How full a gateway's journal is, and what it could not keep since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JournalFigures {
    /// In whole segments; a few are always held.
    pub used_bytes: u64,
    pub max_bytes: u64,
    /// Waiting in memory for the disk.
    pub queued_bytes: u64,
    /// Whether new exchanges find no room.
    pub full: bool,
    /// Exchanges that were accepted.
    pub begun: u64,
    /// Exchanges that left nothing behind.
    pub lost: u64,
    /// Exchanges of which only the fact is known that they were.
    pub tombstones: u64,
    /// Exchanges released to the client before the journal had all of them.
    pub late: u64,
    /// Frames that could not be read again.
    pub damaged: u64,
}

impl JournalFigures {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            used_bytes: self.used_bytes + other.used_bytes,
            max_bytes: self.max_bytes + other.max_bytes,
            queued_bytes: self.queued_bytes + other.queued_bytes,
            full: self.full || other.full,
            begun: self.begun + other.begun,
            lost: self.lost + other.lost,
            tombstones: self.tombstones + other.tombstones,
            late: self.late + other.late,
            damaged: self.damaged + other.damaged,
        }
    }
}
