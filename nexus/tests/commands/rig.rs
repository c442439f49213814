//! The binary in a directory of its own, with nothing of this machine's environment.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

/// A session with a sub-agent, five exchanges.
pub const SESSION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../linker-actor/linking/captures/s06_subagent.jsonl");

/// Message threads, nine exchanges without sessions.
pub const THREADS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../linker-actor/linking/captures/s42_ts_threads.jsonl");

pub struct Nexus(TempDir);

impl Nexus {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
        command.args(line.split_whitespace()).current_dir(self.0.path());
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command
    }

    pub fn run(&self, line: &str) -> Output {
        self.command(line).output().expect("the binary runs")
    }

    /// What a command that must succeed prints.
    pub fn says(&self, line: &str) -> String {
        let output = self.run(line);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "nexus {line}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.says(line)).expect("JSON")
    }

    pub fn import(&self) {
        let answer = self.json(&format!("import {SESSION} --json"));
        assert_eq!(answer["accepted"], 5, "{answer}");
    }
}

/// The exit code and the error of a command that must fail.
pub fn failure(output: &Output) -> (i32, String) {
    (output.status.code().expect("a code"), String::from_utf8_lossy(&output.stderr).into_owned())
}
