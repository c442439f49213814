//! One ring of events for all browsers: new ones go to everybody, old ones to who comes back.

use std::{
    collections::VecDeque,
    io::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use nexus_bus::{Listener, LiveBus};
use nexus_contract::{LiveEvent, LiveTopic};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{
    instances::Instances,
    running::Running,
    slots::{Limits, Slots},
};

/// Events kept for browsers that come back within [`MADE_FOR`]. A minute at 30 events a second.
const RING: usize = 2048;
/// Bytes the ring may hold; the oldest go first.
const RING_BYTES: usize = 4 << 20;
/// Bytes that stay reserved for writing a frame.
const ROOM: usize = 16 << 10;
/// How long frames are made for those who may come back, after the last browser left. With nobody to read
/// them they would cost each request more than its own live events do.
const MADE_FOR: Duration = Duration::from_mins(5);
/// How far a browser may fall behind before it is dropped and told to reload.
const BEHIND: usize = 512;

/// An event as it goes to a browser.
#[derive(Debug, Clone)]
pub struct Frame {
    pub topic: &'static str,
    pub sequence: u64,
    /// The event in the stream's syntax, made once for all.
    pub bytes: Bytes,
}

/// Fans live events out. Memory is bounded whatever the browsers do.
pub struct Hub {
    /// Tells ids of this process from those of one before.
    epoch: i64,
    ring: Mutex<Ring>,
    sender: broadcast::Sender<Arc<Frame>>,
    /// How often something was stored or linked.
    changes: AtomicU64,
    pub running: Running,
    pub instances: Instances,
    pub slots: Slots,
}

/// What a browser gets when it connects.
pub struct Joined {
    /// What it missed, oldest first.
    pub missed: Vec<Arc<Frame>>,
    /// It missed more than the ring holds: what its page shows is old.
    pub lost: bool,
    pub receiver: broadcast::Receiver<Arc<Frame>>,
}

impl Hub {
    /// `epoch` has to differ between two processes.
    pub fn new(epoch: i64, limits: Limits) -> Self {
        Self {
            epoch,
            ring: Mutex::new(Ring::default()),
            sender: broadcast::Sender::new(BEHIND),
            changes: AtomicU64::new(0),
            running: Running::default(),
            instances: Instances::default(),
            slots: Slots::new(limits),
        }
    }

    /// Hands an event to everybody who listens.
    pub fn publish(&self, event: &LiveEvent) {
        match event.topic {
            // Wishes go to the gateways.
            LiveTopic::Watch => return,
            // The next one holds all of it: nobody has to get an old one.
            LiveTopic::Delta => {
                drop(self.sender.send(Arc::new(passing(event))));
                return;
            }
            _ => {}
        }
        self.running.note(event);
        if matches!(event.topic, LiveTopic::Stored | LiveTopic::Linked) {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
        self.instances.note(event);
        let mut ring = self.lock();
        if !ring.is_read(self.sender.receiver_count() > 0, Instant::now()) {
            ring.pass();
            return;
        }
        let frame = Arc::new(ring.frame(self.epoch, event));
        ring.push(Arc::clone(&frame));
        // Sent under the lock, so that a joining browser gets each event exactly once.
        drop(self.sender.send(frame));
    }

    /// Grows with everything that is stored or linked.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// From now on, and what came after `last_id`.
    pub fn join(&self, last_id: Option<&str>) -> Joined {
        let mut ring = self.lock();
        ring.read_at = Some(Instant::now());
        let receiver = self.sender.subscribe();
        let Some(last_id) = last_id.filter(|id| !id.is_empty()) else {
            return Joined { missed: Vec::new(), lost: false, receiver };
        };
        match self.sequence(last_id).and_then(|last| ring.after(last)) {
            Some(missed) => Joined { missed, lost: false, receiver },
            None => Joined { missed: Vec::new(), lost: true, receiver },
        }
    }

    fn sequence(&self, id: &str) -> Option<u64> {
        let (epoch, sequence) = id.split_once('-')?;
        (epoch == self.epoch.to_string()).then_some(())?;
        sequence.parse().ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Ring {
    frames: VecDeque<Arc<Frame>>,
    bytes: usize,
    next: u64,
    /// Where frames are written, so that each then takes just what it needs.
    room: Vec<u8>,
    /// When somebody last listened.
    read_at: Option<Instant>,
}

impl Ring {
    /// Whether somebody listens, or may come back.
    fn is_read(&mut self, listens: bool, now: Instant) -> bool {
        if listens {
            self.read_at = Some(now);
        }
        self.read_at.is_some_and(|at| now.duration_since(at) < MADE_FOR)
    }

    /// Counts an event that nobody reads. Who comes back later has missed it.
    fn pass(&mut self) {
        self.next += 1;
        self.frames.clear();
        self.bytes = 0;
    }

    /// The event as the next frame.
    fn frame(&mut self, epoch: i64, event: &LiveEvent) -> Frame {
        self.room.clear();
        self.room.shrink_to(ROOM);
        // A vector takes all that is written to it.
        let _written = writeln!(self.room, "id: {epoch}-{}", self.next);
        write(&mut self.room, event);
        let bytes = Bytes::copy_from_slice(&self.room);
        Frame { topic: event.topic.as_str(), sequence: self.next, bytes }
    }

    fn push(&mut self, frame: Arc<Frame>) {
        self.next += 1;
        self.bytes += frame.bytes.len();
        self.frames.push_back(frame);
        while self.frames.len() > RING || self.bytes > RING_BYTES {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
        }
    }

    /// Everything after `last`; `None` when some of it is gone, or `last` never was.
    fn after(&self, last: u64) -> Option<Vec<Arc<Frame>>> {
        let first = self.frames.front().map_or(self.next, |frame| frame.sequence);
        if last >= self.next || last + 1 < first {
            return None;
        }
        Some(self.frames.iter().filter(|frame| frame.sequence > last).cloned().collect())
    }
}

/// A frame without an id: a browser that comes back does not ask for it.
fn passing(event: &LiveEvent) -> Frame {
    let mut bytes = Vec::new();
    write(&mut bytes, event);
    Frame { topic: event.topic.as_str(), sequence: 0, bytes: bytes.into() }
}

/// Adds the event to a frame, and ends that.
fn write(bytes: &mut Vec<u8>, event: &LiveEvent) {
    bytes.extend_from_slice(b"event: live\ndata: ");
    let start = bytes.len();
    if serde_json::to_writer(&mut *bytes, event).is_err() {
        // A live event is made of strings, numbers and JSON; should one ever not be writable, its
        // topic alone still makes pages look again.
        bytes.truncate(start);
        let _written = write!(bytes, r#"{{"topic":"{}"}}"#, event.topic.as_str());
    }
    // Another process's JSON may stand on several lines. In its strings are none.
    for end in bytes[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *end = b' ';
    }
    bytes.extend_from_slice(b"\n\n");
}

/// Carries the live bus into the hub until the shutdown.
pub async fn pump(hub: Arc<Hub>, bus: Arc<dyn LiveBus>, shutdown: CancellationToken) {
    let mut events = Listener::new(bus.as_ref());
    loop {
        let event = tokio::select! {
            () = shutdown.cancelled() => return,
            event = events.recv() => event,
        };
        match event {
            Ok(event) => hub.publish(&event),
            // Lost live events are not missed: the pages look into the store.
            Err(RecvError::Lagged(lost)) => {
                metrics::counter!("nexus_live_dropped_total").increment(lost);
            }
            Err(RecvError::Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn event() -> LiveEvent {
        let data = serde_json::json!({"text": "line\nbreak\r\ndata: x"});
        LiveEvent::new(LiveTopic::Stored, None, Timestamp::UNIX_EPOCH, "example.com", &data)
    }

    fn hub() -> Hub {
        Hub::new(7, Limits { per_session: 2, per_address: 3, total: 4 })
    }

    /// A browser was there, and left.
    fn left() -> Hub {
        let hub = hub();
        hub.lock().read_at = Some(Instant::now());
        hub
    }

    #[test]
    fn frames_are_made_while_somebody_may_read_them() {
        let hub = hub();
        hub.publish(&event());
        assert!(hub.lock().frames.is_empty(), "nobody ever listened");
        let listening = hub.join(None);
        hub.publish(&event());
        drop(listening);
        hub.publish(&event());
        assert_eq!(hub.join(Some("7-1")).missed.len(), 1);
        assert_eq!(hub.join(Some("7-0")).missed.len(), 2);
        hub.lock().read_at = Instant::now().checked_sub(MADE_FOR);
        hub.publish(&event());
        assert!(hub.lock().frames.is_empty() && hub.join(Some("7-2")).lost);
        assert!(!hub.join(Some("7-3")).lost);
    }

    #[test]
    fn who_comes_back_gets_what_it_missed_once() {
        let hub = left();
        for _ in 0..5 {
            hub.publish(&event());
        }
        let joined = hub.join(Some("7-2"));
        assert!(!joined.lost);
        let got: Vec<_> = joined.missed.iter().map(|frame| frame.sequence).collect();
        assert_eq!(got, [3, 4]);
        assert!(hub.join(None).missed.is_empty());
        assert!(!hub.join(Some("7-4")).lost);
    }

    #[test]
    fn who_missed_too_much_or_knows_another_process_is_told_so() {
        let hub = left();
        for _ in 0..(RING + 10) {
            hub.publish(&event());
        }
        for id in ["7-3", "6-2050", "7-999999", "nonsense", "7-"] {
            assert!(hub.join(Some(id)).lost, "{id}");
        }
    }

    #[test]
    fn growing_answers_pass_and_are_not_kept() {
        let hub = hub();
        let mut receiver = hub.join(None).receiver;
        hub.publish(&LiveEvent { topic: LiveTopic::Watch, ..event() });
        hub.publish(&LiveEvent { topic: LiveTopic::Delta, ..event() });
        hub.publish(&event());
        let delta = receiver.try_recv().expect("passed on");
        assert!(delta.topic == "delta" && !delta.bytes.starts_with(b"id:"));
        assert_eq!(receiver.try_recv().expect("passed on").topic, "stored");
        assert!(receiver.try_recv().is_err());
        assert_eq!(hub.lock().frames.len(), 1);
    }

    #[test]
    fn a_hostile_text_cannot_end_a_frame() {
        let sent = serde_json::to_string(&event()).expect("JSON");
        let on_lines = sent.replace(r#"{"text":"#, "{\r\n\n\"text\":");
        for sent in [sent, on_lines] {
            let received = serde_json::from_str(&sent).expect("an event");
            let bytes = Ring::default().frame(1, &received).bytes;
            let text = std::str::from_utf8(&bytes).expect("UTF-8");
            assert_eq!(text.matches("\n\n").count(), 1);
            assert_eq!(text.lines().filter(|line| line.starts_with("data:")).count(), 1);
            assert!(!text.contains('\r'));
        }
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_and_costs_no_memory() {
        let hub = hub();
        let mut slow = hub.join(None).receiver;
        for _ in 0..(BEHIND * 2) {
            hub.publish(&event());
        }
        assert!(matches!(slow.recv().await, Err(RecvError::Lagged(_))));
    }
}
