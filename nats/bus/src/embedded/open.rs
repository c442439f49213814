//! Opening the log's files.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::watch;

use super::{
    recent::Recent,
    sql, unavailable,
    writer::{Board, Totals, Writer},
};
use crate::stream::StreamError;

const SCHEMA: &str = include_str!("schema.sql");

/// Connections that read.
const READERS: u32 = 4;

/// Page cache of each, in KiB (SQLite takes it as a negative number): what they read is read once.
const READER_CACHE: &str = "-512";

/// Settings of the embedded log.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// Folder of the log's files; one process at a time.
    pub dir: PathBuf,
    /// Bound of all events; beyond it publishing is refused.
    pub max_bytes: u64,
    /// Settled events are kept up to this much, for consumers that are created later.
    pub retain_bytes: u64,
    /// Newest events kept in memory.
    pub recent_bytes: usize,
}

impl EmbeddedConfig {
    /// 2 GiB of events, 256 MiB of settled ones, 8 MiB in memory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), max_bytes: 2 << 30, retain_bytes: 256 << 20, recent_bytes: 8 << 20 }
    }
}

/// The files, open.
pub(super) struct Opened {
    pub pool: SqlitePool,
    pub board: Arc<Board>,
    pub writer: Writer,
}

pub(super) async fn open(config: &EmbeddedConfig) -> Result<Opened, StreamError> {
    std::fs::create_dir_all(&config.dir).map_err(|error| refused(&config.dir, &error))?;
    let lock = lock_dir(&config.dir)?;
    let options = SqliteConnectOptions::new()
        .filename(config.dir.join("events.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // The journal in front forgets what was acknowledged here.
        .synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_with(options.clone().pragma("cache_size", READER_CACHE))
        .await
        .map_err(unavailable)?;
    sqlx::raw_sql(SCHEMA).execute(&pool).await.map_err(unavailable)?;
    let conn = options.connect().await.map_err(unavailable)?;
    let (board, writer) = prepare(config, &pool, conn, lock).await.map_err(unavailable)?;
    Ok(Opened { pool, board, writer })
}

async fn prepare(
    config: &EmbeddedConfig,
    pool: &SqlitePool,
    conn: sqlx::SqliteConnection,
    lock: File,
) -> Result<(Arc<Board>, Writer), sqlx::Error> {
    let (events, bytes, newest) = sql::totals(pool).await?;
    let board = Arc::new(Board {
        recent: Mutex::new(Recent::new(newest, config.recent_bytes)),
        newest: watch::Sender::new(newest),
        totals: Mutex::new(Totals { events, bytes }),
    });
    let floors = sql::list_consumers(pool).await?;
    let writer = Writer {
        conn,
        board: board.clone(),
        next_seq: newest + 1,
        max_bytes: config.max_bytes,
        retain_bytes: config.retain_bytes,
        floors: floors.into_iter().map(|(name, cursor)| (name.into(), cursor)).collect(),
        _lock: lock,
    };
    Ok((board, writer))
}

fn lock_dir(dir: &Path) -> Result<File, StreamError> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(|error| refused(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StreamError::Refused(format!("{} is in use by another process", dir.display())))
        }
        Err(TryLockError::Error(error)) => Err(refused(&path, &error)),
    }
}

fn refused(path: &Path, error: &std::io::Error) -> StreamError {
    StreamError::Refused(format!("{}: {error}", path.display()))
}
