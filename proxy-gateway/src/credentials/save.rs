//! Writing a credential file so that a reader sees the old one or the new one, whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// Room for what a new version has more than the old one: longer tokens, more scopes.
const MARGIN: u64 = 16 * 1024;

/// A file beside a credential file that is going to take its place.
///
/// It is made before a token is spent for what it will hold: where it can't be made, or the disk
/// has no room for it, the token is still good. Dropped without [`place`](Self::place), it is gone.
pub struct Draft {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    is_placed: bool,
}

impl Draft {
    /// Makes it, readable by its owner only, with its room on the disk taken. `unique` tells it from
    /// those of other processes.
    pub fn begin(path: &Path, unique: u64) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{unique:016x}.tmp"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let mut draft = Self { file, temporary, path: path.to_owned(), is_placed: false };
        let room = fs::metadata(path).map_or(0, |old| old.len()) + MARGIN;
        io::copy(&mut io::repeat(0).take(room), &mut draft.file)?;
        // Some file systems find out only now that there is no room.
        draft.file.sync_all()?;
        Ok(draft)
    }

    /// Writes `content`, syncs it, and puts it in place.
    pub fn place(mut self, content: &Value) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(content)?;
        text.push(b'\n');
        self.file.rewind()?;
        self.file.write_all(&text)?;
        // Cut at the end, not before: the room that is taken stays taken until it is used.
        self.file.set_len(text.len() as u64)?;
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.is_placed = true;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_placed {
            // Why it was not placed is the error that matters.
            let _gone = fs::remove_file(&self.temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_saved_file_is_private_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.credentials.json");
        for turn in 0..2 {
            let draft = Draft::begin(&path, turn).expect("begun");
            draft.place(&json!({ "turn": turn })).expect("saved");
        }
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
        let saved: Value =
            serde_json::from_slice(&fs::read(&path).expect("read")).expect("nothing but JSON");
        assert_eq!(saved, json!({ "turn": 1 }));
    }

    #[test]
    fn a_draft_that_is_not_placed_leaves_the_file_as_it_was() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.credentials.json");
        fs::write(&path, "old").expect("written");
        drop(Draft::begin(&path, 1).expect("begun"));
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
        assert_eq!(fs::read_to_string(&path).expect("read"), "old");
    }
}
