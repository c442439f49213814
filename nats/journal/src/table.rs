//! The exchanges that are not acknowledged yet, as places of their frames. Pure: no I/O.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nexus_contract::ExchangeId;

use crate::frame::{FrameHeader, FrameKind, Side};

/// Where a frame stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub segment: u64,
    pub offset: u64,
    pub header: FrameHeader,
}

/// An event that can be put together.
#[derive(Debug)]
pub struct Ready {
    pub(crate) id: ExchangeId,
    pub(crate) side: Side,
    /// The exchange's first frame; `None` when it was lost and a tombstone stands for it.
    pub(crate) head: Option<Place>,
    /// The side's frames in order, each once, up to the first gap.
    pub(crate) frames: Vec<Place>,
    /// A frame in the middle is missing.
    pub(crate) gap: bool,
    /// The tombstone, when there is one.
    pub(crate) tombstone: Option<Place>,
    /// When the last frame was written, microseconds since the epoch.
    pub(crate) last_micros: u64,
}

impl Ready {
    /// Bytes of the frames: about what putting it together takes in memory.
    pub fn weight(&self) -> u64 {
        self.frames.iter().map(|place| place.header.stride()).sum()
    }
}

#[derive(Default)]
pub(crate) struct Table {
    open: HashMap<ExchangeId, Open>,
    /// How many exchanges have a frame in which segment.
    pins: BTreeMap<u64, usize>,
}

#[derive(Default)]
struct Open {
    head: Option<Place>,
    sides: [Vec<Place>; 2],
    taken: [bool; 2],
    acknowledged: [bool; 2],
    segments: BTreeSet<u64>,
    last_micros: u64,
}

impl Table {
    /// Takes note of a frame; says which events it makes ready. `None` when the frame belongs to no
    /// exchange: its head was acknowledged before, or is damaged.
    pub fn add(&mut self, place: Place) -> Option<Vec<Ready>> {
        let header = place.header;
        let begins = matches!(
            header.kind,
            FrameKind::RequestHead | FrameKind::RequestShipped | FrameKind::Tombstone
        );
        if !begins && !self.open.contains_key(&header.id) {
            return None;
        }
        let open = self.open.entry(header.id).or_default();
        open.add(place);
        if open.segments.insert(place.segment) {
            *self.pins.entry(place.segment).or_default() += 1;
        }
        if header.carried {
            self.release(header.id);
        }
        let Some(open) = self.open.get_mut(&header.id) else { return Some(Vec::new()) };
        Some(match header.kind {
            FrameKind::RequestEnd => open.take(header.id, Side::Request).into_iter().collect(),
            FrameKind::Finish | FrameKind::Tombstone => open.take_both(header.id),
            _ => Vec::new(),
        })
    }

    /// All that is open ends here: the process that wrote it is gone.
    pub fn abort(&mut self) -> Vec<Ready> {
        let mut ids: Vec<_> = self.open.keys().copied().collect();
        ids.sort_unstable();
        ids.into_iter()
            .filter_map(|id| Some(self.open.get_mut(&id)?.take_both(id)))
            .flatten()
            .collect()
    }

    /// The frames that keep a segment from being freed, when they could be written once more to
    /// that end: all of them belong to exchanges that are still going on. `None` when some wait for
    /// the stream, which copying would not speed up.
    pub fn movable(&self, segment: u64) -> Option<Vec<Place>> {
        let mut places = Vec::new();
        for open in self.open.values() {
            if open.segments.contains(&segment) {
                places.extend(open.movable(segment)?);
            }
        }
        Some(places)
    }

    /// Gives up the segments in which nothing of the exchange is needed any more.
    fn release(&mut self, id: ExchangeId) {
        let Some(open) = self.open.get_mut(&id) else { return };
        if !open.is_going_on() {
            return;
        }
        let needed: BTreeSet<u64> = open.needed().map(|place| place.segment).collect();
        let released: Vec<u64> = open.segments.difference(&needed).copied().collect();
        open.segments = needed;
        for segment in released {
            self.unpin(segment);
        }
    }

    /// The stream has the event.
    pub fn acknowledge(&mut self, id: ExchangeId, side: Side) {
        let Some(open) = self.open.get_mut(&id) else { return };
        open.acknowledged[side as usize] = true;
        if open.acknowledged == [true, true] {
            self.forget(id);
        }
    }

    /// Gives up on an exchange whose frames can't be read.
    pub fn forget(&mut self, id: ExchangeId) {
        for segment in self.open.remove(&id).map(|open| open.segments).unwrap_or_default() {
            self.unpin(segment);
        }
    }

    pub fn is_pinned(&self, segment: u64) -> bool {
        self.pins.contains_key(&segment)
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn unpin(&mut self, segment: u64) {
        if let Some(count) = self.pins.get_mut(&segment) {
            *count -= 1;
            if *count == 0 {
                self.pins.remove(&segment);
            }
        }
    }
}

impl Open {
    fn add(&mut self, place: Place) {
        let header = place.header;
        self.last_micros = self.last_micros.max(header.at_micros);
        match header.kind {
            FrameKind::RequestHead => self.head = Some(place),
            FrameKind::RequestShipped => {
                self.head = Some(place);
                self.taken[Side::Request as usize] = true;
                self.acknowledged[Side::Request as usize] = true;
                self.sides[Side::Request as usize].clear();
            }
            _ => {}
        }
        let side = header.kind.side() as usize;
        if self.taken[side] {
            return;
        }
        let same = |known: &&mut Place| known.header.seq == header.seq;
        let known = header.carried.then(|| self.sides[side].iter_mut().find(same)).flatten();
        match known {
            Some(known) => *known = place,
            None => self.sides[side].push(place),
        }
    }

    /// Whether its end is not there yet, and no event of it waits for the stream.
    fn is_going_on(&self) -> bool {
        let [request, response] = self.taken;
        !response && (!request || self.acknowledged[Side::Request as usize])
    }

    /// The frames from which the events to come are made.
    fn needed(&self) -> impl Iterator<Item = &Place> {
        self.head.iter().chain(self.sides.iter().flatten())
    }

    fn movable(&self, segment: u64) -> Option<Vec<Place>> {
        if !self.is_going_on() {
            return None;
        }
        let mut places: Vec<Place> =
            self.needed().filter(|place| place.segment == segment).copied().collect();
        // The head stands among the request's frames as well until those are taken.
        places.dedup();
        if self.taken[Side::Request as usize] {
            let is_head = |place: &&mut Place| place.header.kind == FrameKind::RequestHead;
            places.iter_mut().filter(is_head).for_each(|head| {
                head.header.kind = FrameKind::RequestShipped;
            });
        }
        Some(places)
    }

    fn take_both(&mut self, id: ExchangeId) -> Vec<Ready> {
        [Side::Request, Side::Response].into_iter().filter_map(|side| self.take(id, side)).collect()
    }

    fn take(&mut self, id: ExchangeId, side: Side) -> Option<Ready> {
        if std::mem::replace(&mut self.taken[side as usize], true) {
            return None;
        }
        let is_tombstone = |place: &&Place| place.header.kind == FrameKind::Tombstone;
        let tombstone = self.sides[Side::Response as usize].iter().find(is_tombstone).copied();
        let (frames, gap) = in_order(std::mem::take(&mut self.sides[side as usize]));
        Some(Ready {
            id,
            side,
            head: self.head,
            frames,
            // Behind a tombstone's gap stands the reason.
            gap: gap && tombstone.is_none(),
            tombstone,
            last_micros: self.last_micros,
        })
    }
}

/// Each frame once, in order, up to the first that is missing; and whether one is. The end of the
/// answer counts wherever it stands.
fn in_order(mut frames: Vec<Place>) -> (Vec<Place>, bool) {
    frames.sort_by_key(|place| place.header.seq);
    frames.dedup_by_key(|place| place.header.seq);
    let whole = frames.iter().zip(0u32..).take_while(|(place, at)| place.header.seq == *at).count();
    let gap = whole < frames.len();
    let end = frames.last().filter(|last| last.header.kind == FrameKind::Finish).copied();
    frames.truncate(whole);
    if gap {
        frames.extend(end);
    }
    (frames, gap)
}
