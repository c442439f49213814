//! Idle HTTP/1.1 connections of one worker.

use std::{cell::RefCell, collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{http1, stream::Stream};

pub struct Pool {
    idle: RefCell<VecDeque<Idle>>,
    max: usize,
    timeout: Duration,
}

struct Idle {
    io: Stream,
    since: Instant,
}

impl Pool {
    pub fn new(max: usize, timeout: Duration) -> Self {
        Self { idle: RefCell::default(), max, timeout }
    }

    /// The connection that was used last: the others may then grow old and go.
    pub fn take(&self) -> Option<Stream> {
        let mut idle = self.idle.borrow_mut();
        while let Some(mut candidate) = idle.pop_back() {
            if candidate.since.elapsed() < self.timeout && http1::is_quiet(&mut candidate.io) {
                return Some(candidate.io);
            }
        }
        None
    }

    pub fn put(&self, io: Stream) {
        let mut idle = self.idle.borrow_mut();
        while idle.front().is_some_and(|oldest| oldest.since.elapsed() >= self.timeout) {
            idle.pop_front();
        }
        if idle.len() < self.max {
            idle.push_back(Idle { io, since: Instant::now() });
        }
    }
}
