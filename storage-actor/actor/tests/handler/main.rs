//! The storage role from events to rows, on both engines.

mod archive;
mod captures;
mod growth;
mod retention;
mod role;
mod verdicts;
