//! How synchronising goes.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

/// The state of the synchronisation with GitHub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncStatus {
    pub is_running: bool,
    pub last_attempt_at: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    /// Head of the branch that the folder stands at.
    pub commit: Option<String>,
    /// Prompts of the repository that are here.
    pub files: usize,
    /// Files that failed to arrive, and are tried again.
    pub failed: Vec<String>,
    pub error: Option<String>,
}

#[derive(Default)]
pub(super) struct Status(Mutex<SyncStatus>);

impl Status {
    pub fn read(&self) -> SyncStatus {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn change(&self, change: impl FnOnce(&mut SyncStatus)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
