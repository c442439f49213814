//! Opening, beginning, closing.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use nexus_contract::Clock;
use serde::Serialize;

use crate::{
    error::{JournalError, JournalFull},
    folder,
    reader::{Live, Reader},
    record::RequestHead,
    recording::Recording,
    segment,
    shared::{Position, Shared},
    space::{Plan, Space},
    stats::{Counts, LossReason},
    sync, writer,
};

/// What to do with an exchange for which there is no room (`NEXUS_CAPTURE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capture {
    /// Serve it; leave a tombstone and count.
    Available,
    /// Refuse it.
    Required,
}

/// Settings of one gateway instance's journal.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// Folder of all instances' journals on this machine; each has a folder of its own in it.
    pub dir: PathBuf,
    /// Name of the gateway instance: the folder's name, and `gateway` in its events.
    pub instance: String,
    /// Size of a segment file; at least 64 KiB.
    pub segment_bytes: u64,
    /// Bound of all segments together; at least two segments.
    pub max_bytes: u64,
    /// Bound of what waits in memory for the writer, and of the tombstones that wait for room.
    pub queue_bytes: usize,
    /// How long a write may stay unsynced.
    pub sync_interval: Duration,
    /// Segment files reserved ahead: what can still be written when a neighbour fills the disk.
    pub ready_segments: usize,
    pub capture: Capture,
    /// Random bits. They mark the frames, so that no client can write bytes that look like some.
    pub seed: u64,
}

impl JournalConfig {
    /// 16 MiB a segment, 1 GiB altogether, 32 MiB in memory, synced every 25 ms.
    pub fn new(dir: impl Into<PathBuf>, instance: impl Into<String>, seed: u64) -> Self {
        Self {
            dir: dir.into(),
            instance: instance.into(),
            segment_bytes: 16 << 20,
            max_bytes: 1 << 30,
            queue_bytes: 32 << 20,
            sync_interval: Duration::from_millis(25),
            ready_segments: 4,
            capture: Capture::Available,
            seed,
        }
    }

    fn check(&self) -> Result<(), JournalError> {
        if self.segment_bytes < 64 << 10 {
            return Err(JournalError::Settings("a segment has at least 64 KiB"));
        }
        if self.max_bytes < 2 * self.segment_bytes {
            return Err(JournalError::Settings("there is room for at least two segments"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.instance.is_empty()
            || self.instance.starts_with('.')
            || !self.instance.chars().all(plain)
        {
            return Err(JournalError::Settings(
                "an instance's name has only a-z, 0-9, '-', '_', '.'",
            ));
        }
        Ok(())
    }
}

/// The journal of one gateway instance, open for recording.
pub struct Journal {
    config: JournalConfig,
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    syncer: Option<JoinHandle<()>>,
    /// Segments of a process before, and the first of this one; until the reader takes them.
    unread: Mutex<Option<(Vec<u64>, u64)>>,
    dir: PathBuf,
    /// The reader holds it as well: who adopted the folder would ship what is being shipped.
    lock: Arc<File>,
}

impl Journal {
    /// Opens the instance's journal, creating it when absent. What a process before left stays for
    /// the reader; recording goes on in a new segment.
    ///
    /// While someone else holds the folder, who adopted it after a crash perhaps, the instance takes
    /// another one beside it.
    ///
    /// # Errors
    /// [`JournalError::InUse`] when all of its folders are held.
    pub fn open(config: JournalConfig, clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        config.check()?;
        let (dir, lock) = folder::take(&config.dir, &config.instance)?;
        let left = segment::list(&dir).map_err(JournalError::at(&dir))?;
        let next_sequence = left.last().map_or(1, |last| last + 1);
        let shared = Arc::new(shared(&config, &dir, left.len(), next_sequence, clock)?);
        shared.space.prepare().map_err(JournalError::at(&dir))?;
        let (writer, syncer) =
            spawn(&config, &shared, next_sequence).map_err(JournalError::at(&dir))?;
        Ok(Self {
            config,
            shared,
            writer: Some(writer),
            syncer: Some(syncer),
            unread: Mutex::new(Some((left, next_sequence))),
            dir,
            lock: Arc::new(lock),
        })
    }

    /// The one reader of this journal: first what a process before left, then behind the writer.
    /// `None` when it was taken before.
    pub fn reader(&self) -> Option<Reader> {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, next) = unread.take()?;
        Some(Reader::live(
            self.dir.clone(),
            self.config.instance.clone(),
            Live::new(self.shared.clone(), self.lock.clone()),
            left,
            next,
        ))
    }

    /// Begins to record an exchange. Never waits.
    ///
    /// # Errors
    /// When the journal is full, or its disk gives no room, and [`Capture::Required`] is set.
    /// Otherwise a full journal gives a recording whose [`loss`](Recording::loss) says so and of
    /// which only a tombstone will stay.
    pub fn begin(&self, head: RequestHead) -> Result<Recording, JournalFull> {
        let loss = self.has_no_room();
        let has_room = loss.is_none() && !self.shared.disk_fails();
        if !has_room && self.config.capture == Capture::Required {
            self.shared.look_for_room();
            return Err(JournalFull);
        }
        self.shared.stats.begun(1);
        Ok(Recording::begin(self.shared.clone(), head, loss))
    }

    /// How the journal stands.
    pub fn status(&self) -> JournalStatus {
        JournalStatus {
            instance: self.config.instance.clone(),
            used_bytes: self.shared.space.live_bytes(),
            max_bytes: self.shared.space.max_bytes(),
            queued_bytes: self.shared.queue.held() as u64,
            full: self.shared.is_full() || self.shared.disk_fails(),
            waiting: self.shared.waiting(),
            counts: self.shared.stats.counts(),
        }
    }

    fn has_no_room(&self) -> Option<LossReason> {
        let queue_is_full = || self.shared.queue.held() >= self.config.queue_bytes;
        if self.shared.is_full() {
            Some(LossReason::Full)
        } else {
            queue_is_full().then_some(LossReason::Queue)
        }
    }
}

impl Drop for Journal {
    /// Writes and syncs what was appended.
    fn drop(&mut self) {
        self.shared.queue.close();
        join(self.writer.take());
        self.shared.dirty.stop();
        join(self.syncer.take());
        self.shared.position.send_modify(|position| position.is_final = true);
    }
}

/// How a journal stands, for `/api/pipeline`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalStatus {
    pub instance: String,
    /// Segments that are not freed yet, in whole segments.
    pub used_bytes: u64,
    pub max_bytes: u64,
    /// Bytes that wait in memory for the writer.
    pub queued_bytes: u64,
    /// True when new exchanges find no room.
    pub full: bool,
    /// Exchanges of which frames were lost and whose tombstone waits for room. With `ended`,
    /// `tombstones` and `lost` they are all that were begun and have ended, once what was appended
    /// is written.
    pub waiting: u64,
    #[serde(flatten)]
    pub counts: Counts,
}

fn shared(
    config: &JournalConfig,
    dir: &Path,
    live: usize,
    next_sequence: u64,
    clock: Arc<dyn Clock>,
) -> Result<Shared, JournalError> {
    let max_segments = usize::try_from(config.max_bytes / config.segment_bytes).unwrap_or(2);
    let plan = Plan {
        dir,
        segment_bytes: config.segment_bytes,
        max_segments,
        ready: config.ready_segments,
        seed: config.seed,
        live,
    };
    let space = Space::new(&plan).map_err(JournalError::at(dir))?;
    let max_payload = usize::try_from(config.segment_bytes / 8).unwrap_or(usize::MAX);
    let start = Position { segment: next_sequence, ..Position::default() };
    Ok(Shared::new(config.queue_bytes, max_payload.min(256 << 10), space, clock, start))
}

fn spawn(
    config: &JournalConfig,
    shared: &Arc<Shared>,
    next_sequence: u64,
) -> std::io::Result<(JoinHandle<()>, JoinHandle<()>)> {
    let (bytes, interval) = (config.segment_bytes, config.sync_interval);
    let (for_writer, for_syncer) = (shared.clone(), shared.clone());
    let writer = thread::Builder::new()
        .name("journal-writer".into())
        .spawn(move || writer::run(&for_writer, bytes, next_sequence))?;
    let syncer = thread::Builder::new()
        .name("journal-sync".into())
        .spawn(move || sync::run(&for_syncer, interval))?;
    Ok((writer, syncer))
}

fn join(thread: Option<JoinHandle<()>>) {
    if let Some(Err(_panic)) = thread.map(JoinHandle::join) {
        tracing::error!("a thread of the journal panicked");
    }
}
