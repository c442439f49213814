//! Which segments exist. There is no ledger beside the files: a segment is there until all that
//! stands in it was acknowledged, and then its file serves again under another sequence.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use crate::segment;

/// Segments that stay in the system's memory for the reader.
const IN_MEMORY: usize = 4;

pub(crate) struct Space {
    dir: PathBuf,
    segment_bytes: u64,
    max_segments: usize,
    ready: usize,
    seed: u64,
    live: AtomicUsize,
    /// Those of them that the reader has not come through.
    unread: AtomicUsize,
    spares: Mutex<Spares>,
}

struct Spares {
    names: Vec<PathBuf>,
    next: u64,
}

/// What [`Space::new`] needs.
pub(crate) struct Plan<'a> {
    pub dir: &'a Path,
    pub segment_bytes: u64,
    pub max_segments: usize,
    /// Files kept reserved for the segments to come.
    pub ready: usize,
    pub seed: u64,
    /// Segments that a process before left.
    pub live: usize,
}

impl Space {
    /// Forgets the spare files that a process before left.
    pub fn new(plan: &Plan<'_>) -> io::Result<Self> {
        for entry in fs::read_dir(plan.dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "spare") {
                fs::remove_file(path)?;
            }
        }
        Ok(Self {
            dir: plan.dir.to_owned(),
            segment_bytes: plan.segment_bytes,
            max_segments: plan.max_segments,
            ready: plan.ready,
            seed: plan.seed,
            live: AtomicUsize::new(plan.live),
            unread: AtomicUsize::new(plan.live),
            spares: Mutex::new(Spares { names: Vec::new(), next: 0 }),
        })
    }

    /// Whether a frame may still be written: below the bound, or one that ends an exchange, for
    /// which one segment more is kept.
    pub fn admits(&self, end: bool) -> bool {
        self.live.load(Relaxed) <= self.max_segments + usize::from(end)
    }

    /// Whether another segment may begin for new exchanges.
    pub fn has_room(&self) -> bool {
        self.live.load(Relaxed) < self.max_segments
    }

    /// A new segment file; `None` when the bound is reached.
    pub fn begin(&self, sequence: u64, end: bool) -> io::Result<Option<File>> {
        if self.live.load(Relaxed) >= self.max_segments + usize::from(end) {
            return Ok(None);
        }
        let spare = self.lock().names.pop();
        let spare = spare.map_or_else(|| self.reserve(), Ok)?;
        let file = segment::begin(&spare, sequence, self.salt(sequence))?;
        fs::rename(&spare, segment::path(&self.dir, sequence))?;
        self.live.fetch_add(1, Relaxed);
        self.unread.fetch_add(1, Relaxed);
        Ok(Some(file))
    }

    /// The reader came through a segment.
    pub fn passed(&self) {
        self.unread.fetch_sub(1, Relaxed);
    }

    /// Gives the file of a segment back.
    pub fn free(&self, sequence: u64) -> io::Result<()> {
        let path = segment::path(&self.dir, sequence);
        let mut spares = self.lock();
        if spares.names.len() < self.ready && fs::metadata(&path)?.len() == self.segment_bytes {
            let spare = spares.name(&self.dir);
            fs::rename(path, &spare)?;
            spares.names.push(spare);
        } else {
            fs::remove_file(path)?;
        }
        self.live.fetch_sub(1, Relaxed);
        Ok(())
    }

    /// Reserves files for the segments to come. Off the writer's thread: reserving takes time.
    pub fn prepare(&self) -> io::Result<()> {
        while self.wants_spare() {
            let spare = self.reserve()?;
            self.lock().names.push(spare);
        }
        segment::sync_dir(&self.dir)
    }

    /// Whether the next segment needs nothing of the disk.
    pub fn has_spare(&self) -> bool {
        !self.lock().names.is_empty()
    }

    /// The marker of the segment's frames: never 0, which is what an unwritten block holds.
    pub fn salt(&self, sequence: u64) -> u32 {
        let mixed = (self.seed ^ sequence).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as u32 | 1
    }

    /// Whether the reader is so far behind that it won't come soon to what is written now. Keeping that in
    /// memory would push out what others need, and new memory costs the writer more than used one.
    pub fn is_long(&self) -> bool {
        self.unread.load(Relaxed) > IN_MEMORY
    }

    pub fn live_bytes(&self) -> u64 {
        self.live.load(Relaxed) as u64 * self.segment_bytes
    }

    pub fn max_bytes(&self) -> u64 {
        self.max_segments as u64 * self.segment_bytes
    }

    fn wants_spare(&self) -> bool {
        let spares = self.lock().names.len();
        spares < self.ready && self.live.load(Relaxed) + spares < self.max_segments + 1
    }

    fn reserve(&self) -> io::Result<PathBuf> {
        let path = self.lock().name(&self.dir);
        segment::reserve(&path, self.segment_bytes)?;
        Ok(path)
    }

    fn lock(&self) -> MutexGuard<'_, Spares> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spares {
    fn name(&mut self, dir: &Path) -> PathBuf {
        self.next += 1;
        dir.join(format!("{:016x}.spare", self.next))
    }
}
