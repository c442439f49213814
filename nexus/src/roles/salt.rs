//! The key of the fingerprints: set by the operator, or made once and kept in the data directory.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, ensure};
use secrecy::SecretString;

use crate::{failure::WrongUsage, roles::data_dir, settings::Settings};

const FILE: &str = "api-key-salt";

/// The salt of this installation.
pub fn salt(settings: &Settings) -> anyhow::Result<SecretString> {
    if let Some(salt) = &settings.api_key_salt {
        return Ok(salt.clone());
    }
    if settings.nats_url.is_some() {
        return Err(WrongUsage::new(
            "API_KEY_SALT must be set, the same for every role, when NATS_URL is",
        )
        .into());
    }
    own(&settings.data_dir)
}

fn own(dir: &Path) -> anyhow::Result<SecretString> {
    data_dir::make(dir)?;
    let path = dir.join(FILE);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(file) => write(file).with_context(|| format!("{} cannot be written", path.display())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read(&path),
        Err(error) => Err(error).with_context(|| format!("{} cannot be made", path.display())),
    }
}

fn write(mut file: File) -> anyhow::Result<SecretString> {
    let salt = hex::encode(rand::random::<[u8; 32]>());
    file.write_all(salt.as_bytes())?;
    file.sync_all()?;
    Ok(salt.into())
}

fn read(path: &Path) -> anyhow::Result<SecretString> {
    let salt = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    ensure!(!salt.trim().is_empty(), "{} is empty: remove it or set API_KEY_SALT", path.display());
    Ok(salt.trim().to_owned().into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_salt_is_made_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = own(dir.path()).expect("made");
        assert_eq!(first.expose_secret(), own(dir.path()).expect("read").expose_secret());
        std::fs::write(dir.path().join(FILE), "").expect("emptied");
        assert!(own(dir.path()).is_err());
    }
}
