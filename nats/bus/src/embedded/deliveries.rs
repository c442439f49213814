//! What one consumer has been given and has not settled. Pure: instants come in.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

/// Most deliveries that may be unsettled, and most that may wait for their retry.
const MAX_OPEN: usize = 16_384;

/// One consumer's deliveries, shared by its instances. An event is named by its sequence.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// Everything up to here was handed out.
    cursor: u64,
    in_flight: BTreeMap<u64, Flight>,
    retries: BTreeMap<u64, Retry>,
    pub redelivered: u64,
}

#[derive(Debug, Clone, Copy)]
struct Flight {
    attempt: u32,
    deadline: Instant,
}

#[derive(Debug, Clone, Copy)]
struct Retry {
    attempts: u32,
    due: Instant,
    /// The file knows of it; otherwise the cursor must not pass it.
    durable: bool,
}

impl Deliveries {
    /// As they stand after a restart: nothing in flight, every retry due.
    pub fn new(cursor: u64, retries: impl IntoIterator<Item = (u64, u32)>, now: Instant) -> Self {
        let retries = retries
            .into_iter()
            .map(|(seq, attempts)| (seq, Retry { attempts, due: now, durable: true }))
            .collect();
        Self { cursor, retries, ..Self::default() }
    }

    /// Takes up to `max` redeliveries that are due, as (sequence, attempt).
    pub fn take_due(&mut self, max: usize, now: Instant, timeout: Duration) -> Vec<(u64, u32)> {
        self.expire(now);
        let due: Vec<u64> = self
            .retries
            .iter()
            .filter(|(_, retry)| retry.due <= now)
            .map(|(seq, _)| *seq)
            .take(max)
            .collect();
        self.redelivered += due.len() as u64;
        due.into_iter()
            .filter_map(|seq| Some((seq, self.retries.remove(&seq)?.attempts + 1)))
            .inspect(|(seq, attempt)| {
                let flight = Flight { attempt: *attempt, deadline: now + timeout };
                self.in_flight.insert(*seq, flight);
            })
            .collect::<Vec<_>>()
    }

    /// How many events may be handed out for the first time.
    pub fn room(&self) -> usize {
        MAX_OPEN.saturating_sub(self.in_flight.len().max(self.retries.len()))
    }

    /// Hands out `seqs`; everything up to `cursor` was looked at.
    pub fn hand_out(
        &mut self,
        seqs: impl IntoIterator<Item = u64>,
        cursor: u64,
        deadline: Instant,
    ) {
        for seq in seqs {
            self.in_flight.insert(seq, Flight { attempt: 1, deadline });
        }
        self.cursor = self.cursor.max(cursor);
    }

    /// Whether it was handed out already: after a restart the cursor may stand before a retry.
    pub fn holds(&self, seq: u64) -> bool {
        self.in_flight.contains_key(&seq) || self.retries.contains_key(&seq)
    }

    /// Ends a delivery; says its attempt. `None` when there was none.
    pub fn end(&mut self, seq: u64) -> Option<u32> {
        let flight = self.in_flight.remove(&seq).map(|flight| flight.attempt);
        flight.or_else(|| self.retries.remove(&seq).map(|retry| retry.attempts))
    }

    /// Gives those in flight time until `deadline`.
    pub fn extend(&mut self, seqs: &[u64], deadline: Instant) {
        for seq in seqs {
            if let Some(flight) = self.in_flight.get_mut(seq) {
                flight.deadline = deadline;
            }
        }
    }

    /// To be delivered again at `due`; the caller writes that down together with the next floor.
    pub fn retry(&mut self, seq: u64, attempts: u32, due: Instant) {
        self.retries.insert(seq, Retry { attempts, due, durable: true });
    }

    /// Everything up to here is settled, or waits for a retry that is written down.
    pub fn floor(&self) -> u64 {
        let expired = self.retries.iter().find(|(_, retry)| !retry.durable);
        let open = [self.in_flight.keys().next(), expired.map(|(seq, _)| seq)];
        open.into_iter().flatten().map(|first| first - 1).fold(self.cursor, u64::min)
    }

    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Delivered and not settled.
    pub fn unsettled(&self) -> usize {
        self.in_flight.len() + self.retries.len()
    }

    /// When the next redelivery is due.
    pub fn next_due(&self) -> Option<Instant> {
        let deadlines = self.in_flight.values().map(|flight| flight.deadline);
        deadlines.chain(self.retries.values().map(|retry| retry.due)).min()
    }

    fn expire(&mut self, now: Instant) {
        let retries = &mut self.retries;
        self.in_flight.retain(|seq, flight| {
            let expired = flight.deadline <= now;
            if expired {
                retries.insert(*seq, Retry { attempts: flight.attempt, due: now, durable: false });
            }
            !expired
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_floor_stands_before_the_first_that_is_in_flight() {
        let now = Instant::now();
        let mut deliveries = Deliveries::default();
        deliveries.hand_out([1, 2, 3], 5, now + SECOND);
        assert_eq!(deliveries.floor(), 0);
        assert_eq!(deliveries.end(1), Some(1));
        assert_eq!(deliveries.end(3), Some(1));
        assert_eq!(deliveries.floor(), 1);
        deliveries.end(2);
        deliveries.retry(2, 1, now + SECOND);
        assert_eq!(deliveries.floor(), 5, "a retry is kept by itself");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_settled_in_time_is_delivered_again() {
        let now = Instant::now();
        let mut deliveries = Deliveries::default();
        deliveries.hand_out([7], 7, now + SECOND);
        assert_eq!(deliveries.next_due(), Some(now + SECOND));
        assert_eq!(deliveries.take_due(9, now, SECOND), []);
        assert_eq!(deliveries.take_due(0, now + SECOND, SECOND), []);
        assert_eq!(deliveries.floor(), 6, "nothing is written of a time-out");
        assert_eq!(deliveries.take_due(9, now + SECOND, SECOND), [(7, 2)]);
        assert_eq!(deliveries.end(7), Some(2));
        assert_eq!(deliveries.end(7), None);
    }
}
