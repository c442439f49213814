//! Where PostgreSQL's programs are.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Where Debian puts a folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";
const OLDEST: u32 = 15;

/// The folder of the newest version's programs; `None`, and a line that says so, where there is none.
pub fn postgres_programs() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(newest).as_deref();
    if found.is_none() {
        eprintln!("skipped: PostgreSQL {OLDEST} or newer is not installed (tests/setup does it)");
    }
    found
}

fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).ok()?.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    let usable =
        versions.filter(|(version, bin)| *version >= OLDEST && bin.join("initdb").exists());
    usable.max().map(|(_, bin)| bin)
}
