//! Stores with a month of generated traffic and one very long conversation.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};
use nexus_contract::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::{forms::Running, scaled};

/// Requests of the long conversation.
const LONG: u32 = 5_000;
const STEP: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_hours(24);

#[derive(Debug, Clone, Copy)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// The URL of a store that does not exist yet, SQLite's in the folder `data`, and what it runs on,
    /// which an error stops too.
    pub async fn start(self, dir: tempfile::TempDir) -> anyhow::Result<(String, Running)> {
        let (url, children) = match self {
            Self::Sqlite => {
                let file = dir.path().join("data").join("nexus.sqlite");
                (format!("sqlite://{}", file.display()), Vec::new())
            }
            Self::Postgres => {
                let (url, child) = scaled::postgres(dir.path()).await?;
                (url, vec![("postgres", child)])
            }
        };
        // No client asks it by a port of ours.
        Ok((url, Running::new(0, None, children, dir)))
    }
}

/// A filled store, gone when dropped.
pub struct Filled {
    pub url: String,
    /// The database's process, and its folder.
    _running: Running,
}

/// The same seed gives every engine the same content.
pub async fn fill(engine: Engine, nexus: &Path, conversations: u32) -> anyhow::Result<Filled> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let lines = dir.path().join("long.jsonl");
    let (url, running) = engine.start(dir).await?;
    eprintln!("filling {url}");
    // Standard output is the report's.
    let nexus = |arguments: &[&str], stdout: Stdio| {
        let mut command = Command::new(nexus);
        command.args(arguments).env("NEXUS_DATA_DIR", &data).env("DATABASE_URL", &url);
        command.env("LOG_LEVEL", "warn").stdout(stdout).stderr(Stdio::inherit());
        let output = command.output().context("nexus does not start")?;
        ensure!(output.status.success(), "nexus {}: {}", arguments.join(" "), output.status);
        anyhow::Ok(output.stdout)
    };
    let (count, folder) = (conversations.to_string(), data.display().to_string());
    let file = lines.display().to_string();
    let demo = ["demo", "--seed", "1", "--conversations", &count, "--into", &folder];
    nexus(&demo, Stdio::null())?;
    write_long(&lines)?;
    require_all(&nexus(&["import", "--json", &file], Stdio::piped())?)?;
    if matches!(engine, Engine::Postgres) {
        settle(&url).await?;
    }
    Ok(Filled { url, _running: running })
}

/// The import succeeds also where it rejects lines.
fn require_all(answer: &[u8]) -> anyhow::Result<()> {
    let answer: Value = serde_json::from_slice(answer).context("the import's answer")?;
    let (accepted, first) = (&answer["accepted"], &answer["rejected"][0]);
    ensure!(*accepted == LONG, "{accepted} of {LONG} lines are imported; rejected: {first}");
    Ok(())
}

/// What PostgreSQL does by itself while a store grows over weeks.
async fn settle(url: &str) -> anyhow::Result<()> {
    let pool = sqlx::PgPool::connect(url).await?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(&pool).await?;
    pool.close().await;
    Ok(())
}

/// One session whose requests repeat nothing of one another: a conversation of many nodes in few bytes.
fn write_long(path: &Path) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    // A day ago, so that it is not what pages show first.
    let begin = SystemClock.now() - DAY - STEP * LONG;
    for number in 0..LONG {
        writeln!(file, "{}", line(number, &(begin + STEP * number).to_string()))?;
    }
    Ok(file.flush()?)
}

fn line(number: u32, at: &str) -> Value {
    let asked = format!("Step {number} of the long way");
    json!({
        "id": format!("long-{number}"), "at": at, "domain": "team.example", "accountId": "acc_long",
        "request": {
            "method": "POST", "path": "/v1/messages",
            "headers": {
                "content-type": "application/json", "x-claude-code-session-id": "the-long-way",
            },
            "body": {
                "model": "claude-opus-5-5", "max_tokens": 32_000,
                "system": "You are a coding agent.",
                "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
                "messages": [{"role": "user", "content": asked}],
            },
        },
        "response": {
            "status": 200, "headers": {"content-type": "application/json"},
            "body": {
                "id": format!("msg_long_{number}"), "type": "message", "role": "assistant",
                "model": "claude-opus-5-5", "stop_reason": "end_turn", "stop_sequence": null,
                "content": [{"type": "text", "text": format!("Step {number} is done.")}],
                "usage": {"input_tokens": 60, "output_tokens": 12},
            },
        },
        "durationMs": 900, "firstTokenMs": 300, "state": "completed",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_line_is_an_error_that_says_why() {
        let all = json!({"accepted": LONG, "duplicates": 0, "rejected": []}).to_string();
        require_all(all.as_bytes()).expect("all of them");
        let rejected = [json!({"line": 7, "reason": "no body"})];
        let fewer = json!({"accepted": LONG - 1, "duplicates": 0, "rejected": rejected});
        let error = require_all(fewer.to_string().as_bytes()).expect_err("one is missing");
        assert!(error.to_string().contains("no body"), "{error}");
    }
}
