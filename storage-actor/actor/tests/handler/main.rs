//! The storage role from events to rows, on both engines.

mod archive;
mod captures;
mod growth;
mod role;
mod verdicts;
