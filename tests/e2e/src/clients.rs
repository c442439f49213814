//! Real clients: the official SDKs and Claude Code, each with a home of its own and telemetry off.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::paths;

/// The key that clients send.
pub const CLIENT_KEY: &str = "sk-ant-api03-test-client";
const PATIENCE: Duration = Duration::from_mins(2);

/// Claude Code in a project directory of its own.
#[derive(Debug)]
pub struct ClaudeCode {
    home: TempDir,
    base: String,
    env: Vec<(String, String)>,
}

impl ClaudeCode {
    /// A fresh home and project, talking to `base`.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        let home = TempDir::with_prefix("nexus-claude-")?;
        std::fs::create_dir_all(home.path().join("project"))?;
        Ok(Self { home, base: base.to_owned(), env: Vec::new() })
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where it works.
    pub fn project(&self) -> PathBuf {
        self.home.path().join("project")
    }

    /// One prompt without a terminal; its JSON result. `resume` names a session to go on with.
    pub async fn prompt(&self, prompt: &str, resume: Option<&str>) -> anyhow::Result<Value> {
        let mut command = self.command();
        command.args(["-p", prompt, "--output-format", "json", "--dangerously-skip-permissions"]);
        if let Some(session) = resume {
            command.args(["--resume", session]);
        }
        let output = run(command).await?;
        serde_json::from_str(&output).with_context(|| format!("Claude Code printed {output}"))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(paths::node_tool("claude"));
        isolated(&mut command, self.home.path());
        command
            .current_dir(self.project())
            .env("ANTHROPIC_BASE_URL", &self.base)
            .env("ANTHROPIC_API_KEY", CLIENT_KEY)
            // Root may skip permissions only where it is told that the machine is a throw-away.
            .env("IS_SANDBOX", "1")
            .env("DISABLE_TELEMETRY", "1")
            .env("DISABLE_ERROR_REPORTING", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Runs a script of `tests/clients` with the Python SDK; what it prints, as JSON.
pub async fn python(script: &str, base: &str) -> anyhow::Result<Value> {
    let mut command = Command::new(paths::python_tool("python"));
    command.arg(paths::clients().join(script));
    sdk(command, base).await
}

/// Runs a script of `tests/clients` with the TypeScript SDK; what it prints, as JSON.
pub async fn node(script: &str, base: &str) -> anyhow::Result<Value> {
    let mut command = Command::new("node");
    command.arg(paths::clients().join(script));
    sdk(command, base).await
}

async fn sdk(mut command: Command, base: &str) -> anyhow::Result<Value> {
    let home = TempDir::with_prefix("nexus-sdk-")?;
    isolated(&mut command, home.path());
    command.env("ANTHROPIC_BASE_URL", base).env("ANTHROPIC_API_KEY", CLIENT_KEY);
    let output = run(command).await?;
    serde_json::from_str(&output).with_context(|| format!("the script printed {output}"))
}

fn isolated(command: &mut Command, home: &Path) {
    let path = "/usr/local/bin:/usr/bin:/bin";
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("NO_PROXY", "*")
        .env("TERM", "dumb");
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
}

async fn run(mut command: Command) -> anyhow::Result<String> {
    let output = tokio::time::timeout(PATIENCE, command.output()).await.context("too slow")??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(
        output.status.success(),
        "{} ended with {}:\n{}\n{}",
        command.as_std().get_program().display(),
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    Ok(text(&output.stdout))
}
