//! Where things are.

use std::path::{Path, PathBuf};

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A binary of the workspace, built in the profile of this test.
///
/// # Panics
/// When it has not been built.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.ancestors().find(|dir| dir.join("deps").is_dir() && !dir.ends_with("deps"));
    let binary = profile.unwrap_or(Path::new("target/debug")).join(name);
    assert!(binary.exists(), "{} is missing: cargo build --workspace --bins", binary.display());
    binary
}

/// A file of `deploy`.
pub fn deploy(file: &str) -> PathBuf {
    root().join("deploy").join(file)
}

/// The clients' folder: scripts and, once `tests/setup` has run, their packages.
pub fn clients() -> PathBuf {
    root().join("tests/clients")
}

/// A tool that `tests/setup` installs with pip.
///
/// # Panics
/// When it is not installed.
pub fn python_tool(name: &str) -> PathBuf {
    let tool = root().join("target/tools/venv/bin").join(name);
    assert!(tool.exists(), "{} is missing: run tests/setup", tool.display());
    tool
}

/// Where `tests/setup` puts Node when the system's is too old.
pub fn node() -> PathBuf {
    root().join("target/tools/node_modules/.bin")
}

/// A command of a package that `tests/setup` installs with npm.
///
/// # Panics
/// When it is not installed.
pub fn node_tool(name: &str) -> PathBuf {
    let tool = clients().join("node_modules/.bin").join(name);
    assert!(tool.exists(), "{} is missing: run tests/setup", tool.display());
    tool
}
