//! The tools that read the files of `deploy`. One that is not there is skipped, in a line that says so.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use nexus_e2e::paths::deploy;
use serde_json::Value;
use tempfile::TempDir;

/// Runs a tool; `None`, with a line that says so, where there is none.
fn run(command: &mut Command) -> Option<Output> {
    let output = command.stdin(Stdio::null()).output();
    if output.is_err() {
        eprintln!("skipped: {} is not installed", command.get_program().display());
    }
    output.ok()
}

/// Fails with what the tool said.
pub fn assert_valid(command: &mut Command) -> Option<String> {
    let output = run(command)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{said}\n{}", text(&output.stderr));
    Some(said)
}

pub fn read(file: &str) -> String {
    fs::read_to_string(deploy(file)).expect("a file of deploy")
}

/// The documents of a YAML file.
pub fn documents(file: &str) -> Vec<Value> {
    let text = read(file);
    let documents = text.split("\n---\n").map(yaml_serde::from_str);
    let documents = documents.collect::<Result<Vec<Value>, _>>();
    documents.unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The elements of a list; none where there is no list.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub fn write(dir: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, text).expect("it can be written");
    path
}
