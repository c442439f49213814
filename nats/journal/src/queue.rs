//! Between the request's handlers and the writer: a queue bounded in bytes. Appending never waits;
//! who reads from a source that can wait asks for [`room`](Queue::room) first.

use std::{
    collections::VecDeque,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::sync::{Notify, oneshot};

/// A writer that writes nothing for so long stands still: nobody waits for it any longer.
const STANDSTILL: Duration = Duration::from_secs(1);

/// An item that knows how much memory it holds.
pub(crate) trait Weigh {
    fn weight(&self) -> usize;

    /// Whether it is taken also beyond the bound.
    fn is_urgent(&self) -> bool {
        false
    }
}

/// The queue is at its bound or closed; the item comes back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused<T>(pub T);

/// Everything that was appended since the last take.
pub(crate) struct Batch<T> {
    pub items: VecDeque<T>,
    /// Those who wait until the items before them are written.
    pub waiters: Vec<oneshot::Sender<()>>,
    /// Items appended up to and with this batch, since the start.
    pub appended: u64,
}

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    wake: Condvar,
    /// Told of every write and of every batch that is done.
    progress: Notify,
    /// The state has no room. Told beside the lock, since it is asked before every piece of a body.
    behind: AtomicBool,
    max_bytes: usize,
}

struct State<T> {
    items: VecDeque<T>,
    waiters: Vec<oneshot::Sender<()>>,
    appended: u64,
    /// Bytes that wait here or are with the writer.
    held: usize,
    /// Those of them that are with the writer.
    taken: usize,
    idle: bool,
    closed: bool,
    /// The writer wrote nothing while somebody waited for room.
    stands_still: bool,
}

impl<T> State<T> {
    /// Half of the bound is left for what is on its way to those who do not wait.
    const fn has_room(&self, max_bytes: usize) -> bool {
        self.held <= max_bytes / 2 || self.closed || self.stands_still
    }
}

impl<T: Weigh> Queue<T> {
    pub fn new(max_bytes: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            waiters: Vec::new(),
            appended: 0,
            held: 0,
            taken: 0,
            idle: false,
            closed: false,
            stands_still: false,
        };
        let (state, wake, progress) = (Mutex::new(state), Condvar::new(), Notify::new());
        Self { state, wake, progress, behind: AtomicBool::new(false), max_bytes }
    }

    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Appends `item` and says how many were appended before and with it.
    pub fn push(&self, item: T) -> Result<u64, Refused<T>> {
        let weight = item.weight();
        let mut state = self.lock();
        let has_room = state.held.saturating_add(weight) <= self.max_bytes || item.is_urgent();
        if state.closed || !has_room {
            return Err(Refused(item));
        }
        state.held += weight;
        state.appended += 1;
        state.items.push_back(item);
        self.tell_room(&state);
        self.wake_writer(&mut state);
        Ok(state.appended)
    }

    /// Resolves when everything appended so far is done with; fails when the writer is gone.
    pub fn flushed(&self) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        let mut state = self.lock();
        if !state.closed {
            state.waiters.push(done);
            self.wake_writer(&mut state);
        }
        wait
    }

    /// Has the writer come by although there may be nothing new.
    pub fn nudge(&self) {
        let comes = {
            let state = self.lock();
            !state.items.is_empty() || !state.waiters.is_empty()
        };
        if !comes {
            // Nobody waits for it.
            drop(self.flushed());
        }
    }

    /// Waits for the next batch, after the one before is done. `None` when the queue is closed and
    /// empty.
    pub fn take(&self) -> Option<Batch<T>> {
        let mut state = self.lock();
        while state.items.is_empty() && state.waiters.is_empty() {
            if state.closed {
                return None;
            }
            state.idle = true;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let items = std::mem::take(&mut state.items);
        state.taken = items.iter().map(Weigh::weight).sum();
        let waiters = std::mem::take(&mut state.waiters);
        Some(Batch { items, waiters, appended: state.appended })
    }

    /// Gives back the room of what was written of the batch, and tells those who wait for room. A
    /// batch can be the whole queue, which a slow disk takes long to write.
    pub fn progressed(&self, weight: usize) {
        {
            let mut state = self.lock();
            let freed = weight.min(state.taken);
            state.taken -= freed;
            state.held -= freed;
            state.stands_still = false;
            self.tell_room(&state);
        }
        self.progress.notify_waiters();
    }

    /// Gives back what is left of the batch's room, and tells those who waited for it.
    pub fn done(&self, batch: Batch<T>) {
        self.progressed(usize::MAX);
        for waiter in batch.waiters {
            // An error only says that nobody waits any longer.
            let _nobody = waiter.send(());
        }
    }

    /// Whether more may be read from a source that can wait.
    pub fn has_room(&self) -> bool {
        !self.behind.load(Relaxed)
    }

    /// Resolves when the writer has caught up, or stands still.
    pub async fn room(&self) {
        loop {
            // Made before looking, so that a write in between is not missed.
            let progress = self.progress.notified();
            if self.has_room() {
                return;
            }
            if tokio::time::timeout(STANDSTILL, progress).await.is_err() {
                self.give_up_on_the_writer();
            }
        }
    }

    /// Nobody waits for it any longer, also who came later than the one who found out.
    fn give_up_on_the_writer(&self) {
        {
            let mut state = self.lock();
            state.stands_still = true;
            self.tell_room(&state);
        }
        self.progress.notify_waiters();
    }

    /// Refuses what comes from now on; what is there is still taken.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.tell_room(&state);
        self.wake_writer(&mut state);
        self.progress.notify_waiters();
    }

    /// Bytes that wait for the writer.
    pub fn held(&self) -> usize {
        self.lock().held
    }

    fn tell_room(&self, state: &State<T>) {
        self.behind.store(!state.has_room(self.max_bytes), Relaxed);
    }

    fn wake_writer(&self, state: &mut State<T>) {
        if std::mem::take(&mut state.idle) {
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    impl Weigh for usize {
        fn weight(&self) -> usize {
            *self
        }
    }

    #[test]
    fn the_bound_counts_what_the_writer_holds() {
        let queue = Queue::new(10);
        assert_eq!(queue.push(6), Ok(1));
        assert_eq!(queue.push(5), Err(Refused(5)));
        let batch = queue.take().expect("one item waits");
        assert_eq!(queue.push(5), Err(Refused(5)), "still with the writer");
        queue.done(batch);
        assert_eq!(queue.push(5), Ok(2));
    }

    #[tokio::test]
    async fn a_source_waits_for_a_writer_that_works_and_not_for_one_that_does_not() {
        let queue = Queue::new(10);
        queue.push(6).expect("room");
        assert!(!queue.has_room());
        let batch = queue.take().expect("one item waits");
        let (began, ()) = (Instant::now(), queue.room().await);
        assert!(began.elapsed() >= STANDSTILL, "the writer may still come");
        assert!(queue.has_room(), "and nobody waits for it again");
        queue.done(batch);
        queue.push(6).expect("room");
        assert!(!queue.has_room(), "it works again");
        let batch = queue.take().expect("one item waits");
        tokio::join!(queue.room(), async { queue.done(batch) });
        assert!(!queue.lock().stands_still, "it was waited for");
    }

    #[tokio::test]
    async fn who_comes_later_waits_no_longer_for_a_writer_that_stands_still() {
        let queue = Queue::new(10);
        queue.push(8).expect("room");
        let later = async {
            tokio::time::sleep(STANDSTILL / 2).await;
            let began = Instant::now();
            queue.room().await;
            began.elapsed()
        };
        let ((), waited) = tokio::join!(queue.room(), later);
        assert!(waited < STANDSTILL, "{waited:?}");
    }

    #[test]
    fn room_is_given_back_as_it_is_written_and_once() {
        let queue = Queue::new(10);
        for item in [4, 3, 2] {
            queue.push(item).expect("room");
        }
        let batch = queue.take().expect("three items wait");
        queue.push(1).expect("room");
        queue.progressed(4);
        assert_eq!(queue.held(), 6);
        queue.progressed(0);
        assert_eq!(queue.held(), 6, "what was lost is with the writer until its batch is done");
        queue.done(batch);
        assert_eq!(queue.held(), 1, "of the next batch");
        let batch = queue.take().expect("one item waits");
        queue.done(batch);
        assert_eq!(queue.held(), 0);
    }

    #[tokio::test]
    async fn a_writer_that_progresses_is_waited_for_until_there_is_room() {
        const PAUSE: Duration = Duration::from_millis(700);
        let queue = Queue::new(10);
        queue.push(8).expect("room");
        let batch = queue.take().expect("one item waits");
        let writes = async {
            for weight in [1, 1, 1] {
                tokio::time::sleep(PAUSE).await;
                queue.progressed(weight);
            }
        };
        let began = Instant::now();
        let waited = async {
            queue.room().await;
            began.elapsed()
        };
        let (waited, ()) = tokio::join!(waited, writes);
        assert!(waited >= 3 * PAUSE, "it ended after {waited:?}");
        assert_eq!(queue.held(), 5);
        assert!(!queue.lock().stands_still);
        queue.done(batch);
        assert_eq!(queue.held(), 0);
    }

    #[tokio::test]
    async fn a_waiter_hears_of_its_batch_and_of_the_end() {
        let queue = Queue::new(10);
        queue.push(1).expect("room");
        let wait = queue.flushed();
        let batch = queue.take().expect("an item");
        queue.done(batch);
        wait.await.expect("told");
        queue.close();
        assert!(queue.take().is_none());
        assert!(queue.flushed().await.is_err(), "nobody will write any more");
    }
}
