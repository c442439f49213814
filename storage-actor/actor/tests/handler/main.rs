//! The storage role from events to rows, on both engines.

mod captures;
mod role;
mod verdicts;
