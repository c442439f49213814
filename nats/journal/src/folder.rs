//! The folders of journals: who holds one, and how one goes.
//!
//! A folder belongs to the process that holds its lock. Instances come back while others adopt what
//! they left, so that a folder may appear and go at any moment.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::error::JournalError;

const LOCK: &str = "lock";

/// Stands between an instance's name and the number of its folder; no part of a name.
const SUFFIX: char = '~';

/// Folders of one instance.
const MAX_FOLDERS: usize = 8;

/// The first of the instance's folders that nobody holds.
pub(crate) fn take(journals: &Path, instance: &str) -> Result<(PathBuf, File), JournalError> {
    let mut held = None;
    for number in 1..=MAX_FOLDERS {
        let dir = journals.join(name(instance, number));
        match fs::create_dir_all(&dir) {
            // It was there; whether it still is, the lock tells.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(JournalError::at(&dir))?,
        }
        match lock(&dir) {
            Ok(lock) => return Ok((dir, lock)),
            Err(error @ JournalError::InUse(_)) => held = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(held.unwrap_or(JournalError::Settings("an instance has at least one folder")))
}

fn name(instance: &str, number: usize) -> String {
    if number == 1 { instance.to_owned() } else { format!("{instance}{SUFFIX}{number}") }
}

/// The instance whose folder this is.
pub(crate) fn instance_of(dir: &Path) -> String {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split(SUFFIX).next().unwrap_or_default().to_owned()
}

/// Takes the folder's lock; it is held until the file is closed, by whatever end. A folder that goes
/// this very moment is in use by the one who [removes](remove) it.
pub(crate) fn lock(dir: &Path) -> Result<File, JournalError> {
    let path = dir.join(LOCK);
    let in_use = || JournalError::InUse(dir.to_owned());
    let file = match File::create(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(in_use()),
        created => created.map_err(JournalError::at(&path))?,
    };
    match file.try_lock() {
        Ok(()) if is_at(&file, &path) => Ok(file),
        Ok(()) | Err(TryLockError::WouldBlock) => Err(in_use()),
        Err(TryLockError::Error(error)) => Err(JournalError::at(path)(error)),
    }
}

/// Whether `path` still leads to the file that was opened there.
fn is_at(file: &File, path: &Path) -> bool {
    let inode = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let (ours, there) = (file.metadata().map(inode), fs::metadata(path).map(inode));
    matches!((ours, there), (Ok(ours), Ok(there)) if ours == there)
}

/// Removes a folder whose lock the caller holds. The lock goes last: whoever takes the folder between
/// that and the end keeps it, with all that is written into it from then on. False then.
pub(crate) fn remove(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name() != LOCK && !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    fs::remove_file(dir.join(LOCK))?;
    match fs::remove_dir(dir) {
        Ok(()) => Ok(true),
        Err(error)
            if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
