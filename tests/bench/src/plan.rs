//! What is measured.

/// One load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    pub name: &'static str,
    pub path: &'static str,
    pub bytes: usize,
    pub connections: u32,
    /// Requests a second of an open loop.
    pub rate: Option<u32>,
}

/// An answer at once, as JSON.
pub const JSON: &str = "/v1/messages?answer=json";
/// A stream of a second.
pub const PACED: &str = "/v1/messages?answer=sse&events=50&pause_ms=20";

/// The loads of the table, in its order.
pub const CASES: [Case; 7] = [
    Case { name: "2 KB, 1 connection", path: JSON, bytes: 2_000, connections: 1, rate: None },
    Case { name: "2 KB, 64 connections", path: JSON, bytes: 2_000, connections: 64, rate: None },
    Case { name: "200 KB, 1 connection", path: JSON, bytes: 200_000, connections: 1, rate: None },
    Case {
        name: "200 KB, 64 connections",
        path: JSON,
        bytes: 200_000,
        connections: 64,
        rate: None,
    },
    Case {
        name: "50 SSE events at once, 32 streams",
        path: "/v1/messages?answer=sse&events=50",
        bytes: 2_000,
        connections: 32,
        rate: None,
    },
    Case {
        name: "SSE every 20 ms, 16 streams, 200 KB",
        path: PACED,
        bytes: 200_000,
        connections: 16,
        rate: None,
    },
    Case {
        name: "2 KB, open loop at 50/s",
        path: JSON,
        bytes: 2_000,
        connections: 16,
        rate: Some(50),
    },
];

/// How long each load runs, and how often.
#[derive(Debug, Clone, Copy)]
pub struct Length {
    pub warm_up_seconds: u64,
    pub seconds: u64,
    pub rounds: usize,
}

impl Length {
    pub const QUICK: Self = Self { warm_up_seconds: 1, seconds: 3, rounds: 1 };
    pub const LONG: Self = Self { warm_up_seconds: 2, seconds: 10, rounds: 3 };
}
