//! One refresh of a credential at a time, across all processes that share the directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// How often a lock that another process holds is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Held until it is dropped, by whatever end of the process.
pub struct Lock(#[expect(dead_code, reason = "closing it frees the lock")] File);

/// Waits for the lock beside the credential file `path`, at most `patience`.
pub async fn lock(path: &Path, patience: Duration) -> io::Result<Lock> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    // A FIFO of that name would block for ever.
    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path.with_file_name(name))?;
    let deadline = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(PAUSE).await,
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::TimedOut.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}
