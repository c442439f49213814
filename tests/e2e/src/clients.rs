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

/// What a client authenticates with, and the variable by which it is told.
#[derive(Debug, Clone)]
pub struct Login {
    variable: &'static str,
    key: String,
}

impl Login {
    /// Sent as `x-api-key`.
    pub fn api_key(key: &str) -> Self {
        Self { variable: "ANTHROPIC_API_KEY", key: key.to_owned() }
    }

    /// Sent as `Authorization: Bearer`.
    pub fn bearer(key: &str) -> Self {
        Self { variable: "ANTHROPIC_AUTH_TOKEN", key: key.to_owned() }
    }

    /// The variable and its value.
    fn variable(&self) -> (&str, &str) {
        (self.variable, &self.key)
    }
}

impl Default for Login {
    fn default() -> Self {
        Self::api_key(CLIENT_KEY)
    }
}

/// Claude Code in a project directory of its own.
#[derive(Debug)]
pub struct ClaudeCode {
    home: TempDir,
    login: Option<Login>,
    env: Vec<(String, String)>,
    /// A script that its shell reads before it starts.
    sourced: Option<PathBuf>,
}

impl ClaudeCode {
    /// A fresh home and project, talking to `base`.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        let told = Self::untold()?.env("ANTHROPIC_BASE_URL", base);
        Ok(told.login(Login::default()))
    }

    /// A fresh home and project, without an address or a key.
    pub fn untold() -> anyhow::Result<Self> {
        let home = TempDir::with_prefix("nexus-claude-")?;
        std::fs::create_dir_all(home.path().join("project"))?;
        Ok(Self { home, login: None, env: Vec::new(), sourced: None })
    }

    #[must_use]
    pub fn login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it from a shell that has read this script.
    pub fn sourced(mut self, script: &str) -> anyhow::Result<Self> {
        let path = self.home.path().join("setup.sh");
        std::fs::write(&path, script)?;
        self.sourced = Some(path);
        Ok(self)
    }

    /// Gives it a `settings.json`.
    pub fn settings(self, settings: &str) -> anyhow::Result<Self> {
        let folder = self.home.path().join(".claude");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("settings.json"), settings)?;
        Ok(self)
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
        let mut command = self.program();
        isolated(&mut command, self.home.path());
        command
            .current_dir(self.project())
            .envs(self.login.as_ref().map(Login::variable))
            // Root may skip permissions only where it is told that the machine is a throw-away.
            .env("IS_SANDBOX", "1")
            .env("DISABLE_TELEMETRY", "1")
            .env("DISABLE_ERROR_REPORTING", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn program(&self) -> Command {
        let claude = paths::node_tool("claude");
        let Some(script) = &self.sourced else { return Command::new(claude) };
        let mut shell = Command::new("bash");
        shell.args(["-euc", ". \"$0\"; exec \"$@\""]).arg(script).arg(claude);
        shell
    }
}

/// Runs a script of `tests/clients` with the Python SDK; what it prints, as JSON.
pub async fn python(script: &str, base: &str, login: &Login) -> anyhow::Result<Value> {
    python_with(script, base, &[login.variable()]).await
}

/// The same with `url` as the script's argument and `env` in its environment.
pub async fn python_with(script: &str, url: &str, env: &[(&str, &str)]) -> anyhow::Result<Value> {
    run_script(Command::new(paths::python_tool("python")), script, url, env).await
}

/// Runs a script of `tests/clients` with the TypeScript SDK; what it prints, as JSON.
pub async fn node(script: &str, base: &str, login: &Login) -> anyhow::Result<Value> {
    node_with(script, base, &[login.variable()]).await
}

/// The same with `url` as the script's argument and `env` in its environment.
pub async fn node_with(script: &str, url: &str, env: &[(&str, &str)]) -> anyhow::Result<Value> {
    run_script(Command::new("node"), script, url, env).await
}

async fn run_script(
    mut command: Command,
    script: &str,
    url: &str,
    env: &[(&str, &str)],
) -> anyhow::Result<Value> {
    let home = TempDir::with_prefix("nexus-sdk-")?;
    command.arg(paths::clients().join(script)).arg(url);
    isolated(&mut command, home.path());
    command.env("ANTHROPIC_BASE_URL", url).envs(env.iter().copied());
    let output = run(command).await?;
    serde_json::from_str(&output).with_context(|| format!("the script printed {output}"))
}

fn isolated(command: &mut Command, home: &Path) {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", paths::node().display());
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
