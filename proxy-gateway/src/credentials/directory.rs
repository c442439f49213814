//! The credential directory as a listing: which domains have a file, and what it holds now.
//!
//! Names come from the directory, never from a request. Every file is opened beneath the directory
//! (cap-std resolves links and refuses those that lead out), without blocking (a FIFO would), and
//! must be a regular file.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
};

use cap_std::{
    ambient_authority,
    fs::{Dir, File, MetadataExt, OpenOptions, OpenOptionsExt},
};

use super::file::FileError;
use crate::domain::names_a_file;

const SUFFIX: &str = ".credentials.json";

/// A credential is a few hundred bytes.
const MAX_FILE: u64 = 256 * 1024;

/// Tells one state of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What a listing found under a domain's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    File(Stamp),
    /// Something that is no readable file.
    Problem(FileError),
}

/// The path of a domain's file. `None` when the name may not be one.
pub fn path_of(dir: &Path, domain: &str) -> Option<PathBuf> {
    names_a_file(domain).then(|| dir.join(format!("{domain}{SUFFIX}")))
}

/// An open credential directory.
pub struct Directory(Dir);

impl Directory {
    pub fn open(path: &Path) -> io::Result<Self> {
        Dir::open_ambient_dir(path, ambient_authority()).map(Self)
    }

    /// Everything that is named like a credential file, by domain.
    pub fn list(&self) -> io::Result<BTreeMap<String, Found>> {
        let mut found = BTreeMap::new();
        for entry in self.0.entries()? {
            let name = entry?.file_name();
            let domain = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            if let Some(domain) = domain.filter(|domain| names_a_file(domain)) {
                found.insert(domain.to_owned(), self.look(domain));
            }
        }
        Ok(found)
    }

    /// The file's text, and the state it was read in.
    pub fn read(&self, domain: &str) -> Result<(Stamp, Vec<u8>), FileError> {
        let file = self.open_file(domain)?;
        let stamp = stamp(&file)?;
        let mut text = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut text).map_err(|error| unreadable(&error))?;
        Ok((stamp, text))
    }

    fn look(&self, domain: &str) -> Found {
        match self.open_file(domain).and_then(|file| stamp(&file)) {
            Ok(stamp) => Found::File(stamp),
            Err(error) => Found::Problem(error),
        }
    }

    fn open_file(&self, domain: &str) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
        let name = format!("{domain}{SUFFIX}");
        self.0.open_with(name, &options).map_err(|error| unreadable(&error))
    }
}

fn stamp(file: &File) -> Result<Stamp, FileError> {
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(FileError::Read("it is not a regular file".to_owned()));
    }
    if metadata.len() > MAX_FILE {
        return Err(FileError::Read("it is too large".to_owned()));
    }
    Ok(Stamp {
        inode: metadata.ino(),
        size: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

fn unreadable(error: &io::Error) -> FileError {
    FileError::Read(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn only_plain_files_beneath_the_directory_are_read() {
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret"), "{}").expect("written");
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(format!("{name}{SUFFIX}"));
        fs::write(at("plain.example"), "{}").expect("written");
        fs::write(dir.path().join("Upper.credentials.json"), "{}").expect("written");
        fs::create_dir(at("dir")).expect("made");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            at("fifo"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .expect("made");
        symlink(outside.path().join("secret"), at("leads.out")).expect("linked");
        symlink("plain.example.credentials.json", at("stays.in")).expect("linked");

        let directory = Directory::open(dir.path()).expect("there");
        let found = directory.list().expect("listed");
        let files: Vec<_> = found
            .iter()
            .filter(|(_, found)| matches!(found, Found::File(_)))
            .map(|(domain, _)| domain.as_str())
            .collect();
        assert_eq!(files, ["plain.example", "stays.in"]);
        assert_eq!(found.len(), 5, "the others are reported: {found:?}");
        assert!(directory.read("leads.out").is_err());
        assert!(directory.read("fifo").is_err());
    }
}
