//! The data directory. It holds what people said, so it is its owner's alone.

use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt, path::Path};

use anyhow::Context;

/// Makes it where it is missing.
pub fn make(dir: &Path) -> anyhow::Result<()> {
    create(dir).with_context(|| {
        format!("{} cannot be made; set NEXUS_DATA_DIR to a place that can", dir.display())
    })
}

/// The same without advice. One that is there keeps the rights that an operator gave it.
pub fn create(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}
