//! One writer of a credential at a time, across all processes that share the directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// Time to wait for another process's refresh or login.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a lock that another process holds is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Held until it is dropped, by whatever end of the process.
pub struct Lock(#[expect(dead_code, reason = "closing it frees the lock")] File);

/// The file that is locked.
pub struct LockFile(File);

impl LockFile {
    /// The one beside the credential file `path`. It is made where it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(".lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        // A FIFO of that name would block for ever.
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        options.open(path.with_file_name(name)).map(Self)
    }

    /// Waits for the lock, at most as long as a refresh or a login may take.
    pub async fn lock(self) -> io::Result<Lock> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.0.try_lock() {
                Ok(()) => return Ok(Lock(self.0)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(PAUSE).await,
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::TimedOut.into()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}
