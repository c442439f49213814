//! Reads behind the writer, or what a process left behind.

use std::{
    collections::VecDeque,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::watch;

use crate::{
    assemble::{Assembled, Assembler, OpenSegment},
    error::JournalError,
    folder,
    recording::{Carried, Item},
    scan::{Scanner, Step},
    segment,
    shared::{Position, Shared},
    stats::{Counts, Stats},
    table::{Place, Ready, Table},
};

/// The events of one instance's journal, in the order in which they became complete.
///
/// Memory holds the places of frames, not their bytes; a body is read when its event is put
/// together. Take [`next_ready`](Self::next_ready) until it is `None`, [`assemble`](Self::assemble), publish,
/// [`acknowledge`](Self::acknowledge); then wait for [`Growth`]. All methods read files: run them
/// where blocking is allowed.
pub struct Reader {
    dir: PathBuf,
    gateway: String,
    source: Source,
    /// Segments of a process before, not read yet.
    left: VecDeque<u64>,
    /// The next one of the living writer.
    next_live: u64,
    current: Option<(u64, Scanner)>,
    /// Read to their end and not freed.
    read: VecDeque<u64>,
    table: Table,
    ready: VecDeque<Ready>,
    /// For putting events together.
    open: OpenSegment,
    aborted_left: bool,
    /// The segment of which the frames were written once more.
    relieved: Option<u64>,
}

enum Source {
    Live(Live),
    /// The lock is held as long as the folder is read.
    Left {
        _lock: File,
        stats: Box<Stats>,
    },
}

/// What the reader has of the journal that it reads.
pub(crate) struct Live {
    shared: Arc<Shared>,
    position: watch::Receiver<Position>,
    _lock: Arc<File>,
}

impl Live {
    pub fn new(shared: Arc<Shared>, lock: Arc<File>) -> Self {
        let position = shared.position.subscribe();
        Self { shared, position, _lock: lock }
    }
}

/// Tells when the writer wrote more.
pub struct Growth(Option<watch::Receiver<Position>>);

impl Growth {
    /// Waits until there is more to read. False when there never will be.
    pub async fn more(&mut self) -> bool {
        let Some(position) = &mut self.0 else { return false };
        let is_closed = position.borrow().is_final;
        let all_is_seen = !position.has_changed().unwrap_or(false);
        !(is_closed && all_is_seen) && position.changed().await.is_ok()
    }
}

impl Reader {
    pub(crate) fn live(
        dir: PathBuf,
        gateway: String,
        live: Live,
        left: Vec<u64>,
        next_live: u64,
    ) -> Self {
        Self::new(dir, gateway, Source::Live(live), left, next_live)
    }

    /// The journals of instances that are gone: every folder in `dir` whose lock is free. The caller
    /// publishes what they hold, and [removes](Self::remove_if_empty) them.
    pub fn adopt(dir: &Path) -> Result<Vec<Self>, JournalError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).map_err(JournalError::at(dir))? {
            let path = entry.map_err(JournalError::at(dir))?.path();
            if path.is_dir() {
                found.extend(Self::adopt_one(&path)?);
            }
        }
        Ok(found)
    }

    fn adopt_one(dir: &Path) -> Result<Option<Self>, JournalError> {
        let lock = match folder::lock(dir) {
            Ok(lock) => lock,
            Err(JournalError::InUse(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let left = segment::list(dir).map_err(JournalError::at(dir))?;
        let source = Source::Left { _lock: lock, stats: Box::default() };
        Ok(Some(Self::new(dir.to_owned(), folder::instance_of(dir), source, left, 0)))
    }

    fn new(dir: PathBuf, gateway: String, source: Source, left: Vec<u64>, next_live: u64) -> Self {
        Self {
            dir,
            gateway,
            source,
            left: left.into(),
            next_live,
            current: None,
            read: VecDeque::new(),
            table: Table::default(),
            ready: VecDeque::new(),
            open: None,
            aborted_left: false,
            relieved: None,
        }
    }

    /// Name of the instance whose journal this is.
    pub fn instance(&self) -> &str {
        &self.gateway
    }

    /// Tells when to call [`next_ready`](Self::next_ready) again.
    pub fn growth(&self) -> Growth {
        match &self.source {
            Source::Live(live) => Growth(Some(live.position.clone())),
            Source::Left { .. } => Growth(None),
        }
    }

    /// The next event that can be put together; `None` when there is none for now.
    pub fn next_ready(&mut self) -> Result<Option<Ready>, JournalError> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Ok(Some(ready));
            }
            if self.current.is_none() && !self.open_next()? {
                return Ok(None);
            }
            if self.current.is_some() && !self.advance()? {
                return Ok(None);
            }
        }
    }

    /// Reads the frames of `ready` and makes its event. Frames that can't be read are counted; an
    /// exchange that can't be named is given up.
    pub fn assemble(&mut self, ready: &Ready) -> Result<Assembled, JournalError> {
        let assembler = Assembler::new(&self.dir, &self.gateway, &mut self.open);
        let assembled = assembler.assemble(ready)?;
        self.stats().damaged(assembled.damaged);
        self.stats().aborted(u64::from(assembled.aborted));
        if assembled.event.is_none() {
            tracing::error!(id = %ready.id, "the journal's frames of the exchange are damaged");
            self.stats().headless(1);
            self.table.forget(ready.id);
            // Its other side can't be named either, and reads no segment that is freed here.
            self.ready.retain(|other| other.id != ready.id);
            self.free()?;
        }
        Ok(assembled)
    }

    /// The stream has the event that was made of `ready`; frees what nobody needs any more.
    pub fn acknowledge(&mut self, ready: &Ready) -> Result<(), JournalError> {
        self.table.acknowledge(ready.id, ready.side);
        self.free()
    }

    /// Whether everything written so far was acknowledged.
    pub fn is_drained(&self) -> bool {
        self.table.is_empty() && self.ready.is_empty() && self.left.is_empty()
    }

    /// What reading found, and for a living journal what writing did.
    pub fn counts(&self) -> Counts {
        self.stats().counts()
    }

    /// Frees the segment that a closed journal wrote last, when all that stands in it was acknowledged:
    /// otherwise the next start would ship it again.
    pub fn free_last(&mut self) -> Result<(), JournalError> {
        if !self.written().is_final {
            return Ok(());
        }
        if let Some(ready) = self.next_ready()? {
            self.ready.push_front(ready);
        }
        if !self.is_drained() {
            return Ok(());
        }
        match self.current.take() {
            Some((last, _)) => self.free_segment(last),
            None => Ok(()),
        }
    }

    /// Removes an adopted folder that holds nothing any more. False when it stays.
    pub fn remove_if_empty(self) -> Result<bool, JournalError> {
        if !matches!(self.source, Source::Left { .. }) {
            return Ok(false);
        }
        let removed = segment::list(&self.dir)
            .and_then(|left| if left.is_empty() { folder::remove(&self.dir) } else { Ok(false) });
        removed.map_err(JournalError::at(&self.dir))
    }

    /// Opens the next segment. False when there is nothing to read.
    fn open_next(&mut self) -> Result<bool, JournalError> {
        let sequence = match self.left.pop_front() {
            Some(sequence) => sequence,
            None if !self.aborted_left => {
                self.aborted_left = true;
                self.ready.extend(self.table.abort());
                return Ok(true);
            }
            None if self.written().segment >= self.next_live && self.written().offset > 0 => {
                self.next_live += 1;
                self.next_live - 1
            }
            None => return Ok(false),
        };
        let path = segment::path(&self.dir, sequence);
        let file = File::open(&path).map_err(JournalError::at(&path))?;
        let scanner = Scanner::open(file).map_err(JournalError::at(&path))?;
        self.current = Some((sequence, scanner));
        Ok(true)
    }

    /// One step in the current segment. False when the reader caught up with the writer.
    fn advance(&mut self) -> Result<bool, JournalError> {
        let written = self.written();
        let Some((sequence, scanner)) = &mut self.current else { return Ok(true) };
        let (sequence, at) = (*sequence, JournalError::at(&self.dir));
        let growing = written.segment == sequence;
        let limit = if growing { Ok(written.offset) } else { scanner.file_len() };
        match limit.and_then(|limit| scanner.step(limit)).map_err(at)? {
            Step::Frame { header, offset } => self.add(Place { segment: sequence, offset, header }),
            Step::Damage => self.stats().damaged(1),
            Step::End if growing => return Ok(false),
            Step::End => {
                self.current = None;
                self.read.push_back(sequence);
                if let Source::Live(live) = &self.source {
                    live.shared.space.passed();
                }
                self.free()?;
                self.relieve()?;
            }
        }
        Ok(true)
    }

    fn add(&mut self, place: Place) {
        match self.table.add(place) {
            Some(ready) => self.ready.extend(ready),
            None => self.stats().headless(1),
        }
    }

    /// Frees segments, oldest first: were one freed before an older one, a crash could leave the
    /// beginning of an exchange without the end that was acknowledged.
    fn free(&mut self) -> Result<(), JournalError> {
        while let Some(oldest) = self.read.front().copied()
            && !self.table.is_pinned(oldest)
        {
            self.free_segment(oldest)?;
            self.read.pop_front();
        }
        Ok(())
    }

    fn free_segment(&mut self, sequence: u64) -> Result<(), JournalError> {
        // A file that is open keeps its blocks when it is removed.
        drop(self.open.take_if(|(open, _)| *open == sequence));
        let freed = match &self.source {
            Source::Live(live) => live.shared.free(sequence),
            Source::Left { .. } => fs::remove_file(segment::path(&self.dir, sequence)),
        };
        freed.map_err(JournalError::at(&self.dir))
    }

    /// When segments get scarce: has the frames of the oldest one written once more, so that an
    /// exchange that goes on for long does not keep everything behind it.
    fn relieve(&mut self) -> Result<(), JournalError> {
        let Source::Live(Live { shared, .. }) = &self.source else { return Ok(()) };
        let Some(oldest) = self.read.front().copied() else { return Ok(()) };
        if !shared.is_tight() || self.relieved == Some(oldest) {
            return Ok(());
        }
        let Some(places) = self.table.movable(oldest) else { return Ok(()) };
        let mut assembler = Assembler::new(&self.dir, &self.gateway, &mut self.open);
        for place in places {
            // A damaged one stays where it is.
            let payload = assembler.payload(&place).map_err(JournalError::at(&self.dir))?;
            let Some(payload) = payload else { continue };
            let carried = Item::Carried(Carried { header: place.header, payload });
            if shared.queue.push(carried).is_err() {
                return Ok(());
            }
        }
        self.relieved = Some(oldest);
        Ok(())
    }

    /// Up to where the living writer wrote.
    fn written(&self) -> Position {
        match &self.source {
            Source::Live(live) => *live.position.borrow(),
            Source::Left { .. } => Position::default(),
        }
    }

    fn stats(&self) -> &Stats {
        match &self.source {
            Source::Live(live) => &live.shared.stats,
            Source::Left { stats, .. } => stats,
        }
    }
}
