//! Writing a credential file so that a reader sees the old one or the new one, whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde_json::Value;

/// Writes `content` beside `path`, readable by its owner only, syncs it, and puts it in place.
pub fn save(path: &Path, content: &Value, unique: u64) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = dir.join(format!(".{name}.{unique:016x}.tmp"));
    let written = write(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one that matters.
        let _gone = fs::remove_file(&temporary);
    }
    written?;
    File::open(dir)?.sync_all()
}

fn write(path: &Path, content: &Value) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&serde_json::to_vec_pretty(content)?)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_saved_file_is_private_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.credentials.json");
        for turn in 0..2 {
            save(&path, &serde_json::json!({ "turn": turn }), turn).expect("saved");
        }
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
        assert!(fs::read_to_string(&path).expect("read").contains("\"turn\": 1"));
    }
}
