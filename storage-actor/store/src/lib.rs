//! The store: everything that outlives an event, on SQLite or PostgreSQL.
//!
//! One trait per concern ([`exchanges`], [`links`], [`queries`], [`analyses`]), implemented once for
//! both engines; `engine` opens them, `dialect` holds the few places where their SQL differs.
