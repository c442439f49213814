//! Writing a credential file so that a reader sees the old one or the new one, whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde_json::Value;

const SUFFIX: &str = ".tmp";

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
    /// Makes it, readable by its owner only, with its room on the disk taken. Only under the file's
    /// lock: a draft that is there was left by a process that was killed, and is removed. `unique`
    /// tells this one from one that can't be.
    pub fn begin(path: &Path, unique: u64) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.");
        remove_left_over(path.parent().unwrap_or(Path::new(".")), &prefix)?;
        let temporary = path.with_file_name(format!("{prefix}{unique:016x}{SUFFIX}"));
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

/// Drafts hold tokens, so none stays for longer than it takes.
fn remove_left_over(dir: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let is_draft = |name: &str| name.starts_with(prefix) && name.ends_with(SUFFIX);
        if entry.file_name().to_str().is_some_and(is_draft)
            && let Err(error) = fs::remove_file(entry.path())
        {
            // The new one does not need its place.
            let path = entry.path();
            tracing::warn!(path = %path.display(), %error, "an old draft of a credential stays");
        }
    }
    Ok(())
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
    fn drafts_of_the_same_file_that_a_process_left_are_removed() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |name: &str| dir.path().join(name);
        let left = at(".a.credentials.json.00000000000000ff.tmp");
        let others = [".a.b.credentials.json.00000000000000ff.tmp", "a.credentials.json.lock"];
        fs::write(&left, "a token").expect("written");
        for name in others {
            fs::write(at(name), "").expect("written");
        }
        let draft = Draft::begin(&at("a.credentials.json"), 1).expect("begun");
        assert!(!left.exists(), "it holds a token");
        assert!(others.iter().all(|name| at(name).exists()), "of other files");
        draft.place(&json!({})).expect("saved");
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 3);
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
