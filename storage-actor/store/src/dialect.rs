//! The few places where the engines' SQL differs. Everything else is written once.

use sqlx::{Database, Postgres, Sqlite};

/// What a statement needs to know of its engine.
pub trait Dialect: Database {
    /// The engine's name as logs and `nexus doctor` give it.
    const NAME: &'static str;

    /// Begins a transaction that will write. SQLite takes its write lock here: a lock taken later, on
    /// the first write, cannot wait for another writer.
    const BEGIN_WRITE: &'static str;

    /// Ends a `SELECT` whose rows the transaction is going to change. SQLite has one writer and needs
    /// nothing.
    const FOR_UPDATE: &'static str;

    /// Ends a `SELECT` that takes work: rows that another worker is taking are passed over.
    const SKIP_LOCKED: &'static str;

    /// Keeps other writers out for the rest of the transaction; empty where there are none.
    const LOCK_EXCHANGES: &'static str;

    /// `usage` has a partition per month.
    const PARTITIONED: bool;
}

impl Dialect for Sqlite {
    const NAME: &'static str = "sqlite";
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const FOR_UPDATE: &'static str = "";
    const SKIP_LOCKED: &'static str = "";
    const LOCK_EXCHANGES: &'static str = "";
    const PARTITIONED: bool = false;
}

impl Dialect for Postgres {
    const NAME: &'static str = "postgres";
    const BEGIN_WRITE: &'static str = "BEGIN";
    const FOR_UPDATE: &'static str = " FOR UPDATE";
    const SKIP_LOCKED: &'static str = " FOR UPDATE SKIP LOCKED";
    const LOCK_EXCHANGES: &'static str = "LOCK TABLE exchanges IN SHARE ROW EXCLUSIVE MODE";
    const PARTITIONED: bool = true;
}
