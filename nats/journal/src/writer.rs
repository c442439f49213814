//! The writer thread: takes what was appended, frames it, and writes it in batches.

use std::{collections::HashSet, fs::File, io::IoSlice, sync::Arc, time::Duration};

use bytes::Bytes;
use nexus_contract::ExchangeId;
use serde::Serialize;

use crate::{
    claim::Claim,
    frame::{FrameHeader, FrameKind, HEADER, padded},
    queue::Weigh,
    record::Tombstone,
    recording::{Carried, Item, Payload, Pending},
    segment::{self, START},
    shared::Shared,
    stats::LossReason,
    waiting::Waiting,
};

/// Who waits for one batch where the writer rests after it: the requests come so close together that
/// waking it for each, and it each of them, would cost more than they do. They wait so much longer.
const CROWD: usize = 2;
const REST: Duration = Duration::from_micros(100);

/// Bytes of a batch after which it is written out, so that a reader can follow.
const FLUSH_BYTES: u64 = 4 << 20;

pub(crate) struct Writer {
    shared: Arc<Shared>,
    segment_bytes: u64,
    current: Option<Current>,
    next_sequence: u64,
    framed: Vec<Framed>,
    waiting: Waiting,
    /// Exchanges with a head in the journal and no end yet.
    going_on: HashSet<ExchangeId>,
}

struct Current {
    file: Arc<File>,
    salt: u32,
    sequence: u64,
    /// Where the next frame goes, with those of `framed` counted.
    offset: u64,
}

/// A frame that has its place.
struct Framed {
    header: [u8; HEADER],
    payload: Bytes,
    /// Who is to be told of a loss. A carried frame has its old place still.
    source: Option<Pending>,
    kind: FrameKind,
    /// What it holds of the queue's room.
    weight: usize,
}

/// Runs until the queue is closed and empty.
pub(crate) fn run(shared: &Arc<Shared>, segment_bytes: u64, next_sequence: u64) {
    let mut writer = Writer {
        shared: shared.clone(),
        segment_bytes,
        current: None,
        next_sequence,
        framed: Vec::new(),
        waiting: Waiting::new(shared.queue.max_bytes()),
        going_on: HashSet::new(),
    };
    while let Some(mut batch) = shared.queue.take() {
        let at = u64::try_from(shared.clock.now().as_microsecond()).unwrap_or(0);
        writer.retry(at);
        for item in batch.items.drain(..) {
            let weight = item.weight();
            match item {
                Item::Pending(pending) => writer.add(pending, at, weight),
                Item::Carried(carried) => writer.carry(carried, weight),
            }
        }
        writer.flush();
        shared.set_waiting(writer.waiting.len() as u64);
        shared.set_written(batch.appended);
        let is_crowded = batch.waiters.len() >= CROWD;
        shared.queue.done(batch);
        if is_crowded {
            std::thread::sleep(REST);
        }
    }
    shared.stats.lost(writer.waiting.len() as u64);
    shared.set_waiting(0);
}

impl Writer {
    /// Takes up the ends that wait, until one finds no room.
    fn retry(&mut self, at_micros: u64) {
        let mut left = self.waiting.len();
        while let Some(end) = self.waiting.pop() {
            // Its room in the queue was given back with the batch in which it came.
            self.add(end, at_micros, 0);
            if self.waiting.len() >= left {
                return;
            }
            left = self.waiting.len();
        }
    }

    fn add(&mut self, pending: Pending, at_micros: u64, weight: usize) {
        let (kind, payload) = encode(&pending);
        let claim = Claim::of(&pending);
        let header = FrameHeader {
            id: pending.ticket.head.id,
            seq: pending.seq,
            kind,
            at_micros,
            len: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            payload_crc: crc32c::crc32c(&payload),
            carried: false,
        };
        match self.make_room(header.stride(), claim) {
            Ok(()) => self.place(header, payload, Some(pending), weight),
            Err(reason) => self.lose(pending, reason),
        }
    }

    /// Without room the frame stays where it is. Nothing may follow an exchange's end: it would look
    /// like the beginning of another one.
    fn carry(&mut self, carried: Carried, weight: usize) {
        let header = FrameHeader { carried: true, ..carried.header };
        let goes_on = self.going_on.contains(&header.id);
        if goes_on && self.make_room(header.stride(), Claim::Part).is_ok() {
            self.place(header, carried.payload, None, weight);
        }
    }

    fn place(
        &mut self,
        header: FrameHeader,
        payload: Bytes,
        source: Option<Pending>,
        weight: usize,
    ) {
        let Some(current) = &mut self.current else { return };
        current.offset += header.stride();
        let kind = header.kind;
        match kind {
            FrameKind::RequestHead => {
                self.going_on.insert(header.id);
                if let Some(head) = &source {
                    head.ticket.set_in_journal(true);
                }
            }
            FrameKind::Finish | FrameKind::Tombstone => drop(self.going_on.remove(&header.id)),
            _ => {}
        }
        let header = header.encode(current.salt);
        self.framed.push(Framed { header, payload, source, kind, weight });
        if self.framed_bytes() > FLUSH_BYTES {
            self.flush();
        }
    }

    fn framed_bytes(&self) -> u64 {
        let written = self.shared.position.borrow().offset;
        self.current.as_ref().map_or(0, |current| current.offset.saturating_sub(written))
    }

    /// Makes sure that a frame of `stride` bytes fits into the current segment.
    fn make_room(&mut self, stride: u64, claim: Claim) -> Result<(), LossReason> {
        let admits = self.shared.space.admits(claim.is_end())
            && !(claim == Claim::Mark && self.keeps_the_rest());
        if stride > self.segment_bytes - START || !admits {
            self.shared.set_full();
            return Err(LossReason::Full);
        }
        match &self.current {
            Some(current) if current.offset + stride <= self.segment_bytes => Ok(()),
            _ => self.roll(claim),
        }
    }

    /// Whether what is left of the last segment is for ends of exchanges that the journal holds.
    fn keeps_the_rest(&self) -> bool {
        let is_last = !self.shared.space.admits(false);
        let half = self.segment_bytes / 2;
        is_last && self.current.as_ref().is_some_and(|current| current.offset > half)
    }

    fn roll(&mut self, claim: Claim) -> Result<(), LossReason> {
        self.flush();
        let space = &self.shared.space;
        match space.begin(self.next_sequence, claim.is_end()) {
            Ok(Some(file)) => {
                let sequence = self.next_sequence;
                let salt = space.salt(sequence);
                let file = Arc::new(file);
                self.current = Some(Current { file, salt, sequence, offset: START });
                self.next_sequence += 1;
                self.publish();
                self.shared.set_disk_fails(false);
                self.shared.dirty.mark_begun();
                Ok(())
            }
            Ok(None) => {
                self.shared.set_full();
                Err(LossReason::Full)
            }
            Err(error) => {
                self.shared.stats.disk_errors(1);
                self.shared.set_disk_fails(true);
                tracing::error!(%error, "the journal can't begin a segment");
                Err(LossReason::Disk)
            }
        }
    }

    /// Writes the framed frames and lets the reader see them.
    fn flush(&mut self) {
        if self.framed.is_empty() {
            return;
        }
        let framed = std::mem::take(&mut self.framed);
        let Some(current) = &mut self.current else { return };
        if let Err(error) = write(&current.file, &framed) {
            tracing::error!(%error, "the journal could not be written");
            self.shared.stats.disk_errors(1);
            // What stands behind the last good frame is unknown: go on in another segment.
            self.current = None;
            for pending in framed.into_iter().filter_map(|frame| frame.source) {
                self.lose(pending, LossReason::Disk);
            }
            return;
        }
        self.shared.dirty.mark(&current.file);
        self.publish();
        self.count(&framed);
        let weight: usize = framed.iter().map(|frame| frame.weight).sum();
        self.framed = framed;
        self.framed.clear();
        self.shared.queue.progressed(weight);
    }

    fn publish(&self) {
        if let Some(current) = &self.current {
            self.shared.position.send_modify(|position| {
                (position.segment, position.offset) = (current.sequence, current.offset);
            });
        }
    }

    fn count(&self, framed: &[Framed]) {
        let stats = &self.shared.stats;
        let of = |kind| framed.iter().filter(|frame| frame.kind == kind).count() as u64;
        stats.ended(of(FrameKind::Finish));
        stats.tombstones(of(FrameKind::Tombstone));
        stats.frames(framed.len() as u64);
        stats.bytes(framed.iter().map(|frame| (HEADER + padded(frame.payload.len())) as u64).sum());
    }

    fn lose(&mut self, pending: Pending, reason: LossReason) {
        pending.ticket.lose(reason);
        match pending.payload {
            Payload::RequestHead => {
                self.going_on.remove(&pending.ticket.head.id);
                pending.ticket.set_in_journal(false);
            }
            Payload::Finish(_) => {
                let waits = self.waiting.push(pending);
                self.shared.stats.lost(u64::from(!waits));
            }
            _ => {}
        }
    }
}

/// The frame's kind and bytes. The end of an exchange that lost frames becomes its tombstone.
fn encode(pending: &Pending) -> (FrameKind, Bytes) {
    let kind = pending.payload.kind();
    let bytes = match &pending.payload {
        Payload::RequestHead => json(&pending.ticket.head),
        Payload::RequestChunk(bytes) | Payload::ResponseChunk(bytes) => bytes.clone(),
        Payload::RequestEnd(complete) => Bytes::copy_from_slice(&[u8::from(*complete)]),
        Payload::ResponseHead(head) => json(head),
        Payload::Finish(outcome) => match pending.ticket.loss() {
            None => json(outcome),
            Some(reason) => {
                let tombstone = Tombstone {
                    head: pending.ticket.head.clone(),
                    outcome: (**outcome).clone(),
                    reason: reason.as_str().to_owned(),
                };
                return (FrameKind::Tombstone, json(&tombstone));
            }
        },
    };
    (kind, bytes)
}

fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).map_or_else(
        |error| {
            // These types hold nothing that JSON can't say; a reader would count the frame.
            tracing::error!(%error, "a head could not be written as JSON");
            Bytes::new()
        },
        Bytes::from,
    )
}

fn write(file: &File, framed: &[Framed]) -> std::io::Result<()> {
    const ZEROES: [u8; 8] = [0; 8];
    let mut slices = Vec::with_capacity(framed.len() * 3);
    for frame in framed {
        slices.push(IoSlice::new(&frame.header));
        let padding = padded(frame.payload.len()) - frame.payload.len();
        let rest = [&frame.payload[..], &ZEROES[..padding]];
        slices.extend(rest.into_iter().filter(|part| !part.is_empty()).map(IoSlice::new));
    }
    segment::write_all(file, &mut slices)
}
