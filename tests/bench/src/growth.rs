//! `nexus-bench growth`: what a session takes in the store, beside the bytes of its last request and of
//! all its requests. On SQLite and PostgreSQL, for generated sessions and for recordings.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::{forms, reads::Engine, request};

#[derive(Args)]
pub struct GrowthArgs {
    /// Folder with recorded sessions, `*.jsonl`
    #[arg(long, default_value = "linker-actor/linking/captures")]
    recordings: PathBuf,
}

/// Turns and bytes of the last request.
const GENERATED: [(usize, usize); 3] = [(20, 50_000), (200, 200_000), (400, 800_000)];

/// Turns of sessions that are measured together: what one costs a store in which pages are filled by others.
const TOGETHER: RangeInclusive<usize> = 201..=210;

/// A session in a file, as `nexus import` reads it.
struct Session {
    name: String,
    path: PathBuf,
    requests: usize,
    /// The longest of its requests: what a client sends with its last turn.
    last: u64,
    all: u64,
}

pub async fn run(args: &GrowthArgs) -> anyhow::Result<()> {
    let nexus = forms::nexus_binary()?;
    let folder = tempfile::tempdir()?;
    let first = generated(folder.path(), 10, 50_000)?;
    let mut sessions = Vec::new();
    for (turns, bytes) in GENERATED {
        sessions.push(generated(folder.path(), turns, bytes)?);
    }
    let singly = sessions.len();
    for turns in TOGETHER {
        sessions.push(generated(folder.path(), turns, 200_000)?);
    }
    let generated = sessions.len();
    sessions.extend(recorded(&args.recordings)?);
    println!("| session | requests | all, KB | last, KB | SQLite, × last | PostgreSQL, × last |");
    println!("|---|---|---|---|---|---|");
    let sqlite = growth(Engine::Sqlite, &nexus, &first, &sessions).await?;
    let postgres = growth(Engine::Postgres, &nexus, &first, &sessions).await?;
    let print = |name: &str, range: Range<usize>| {
        let (sqlite, postgres) = (&sqlite[range.clone()], &postgres[range.clone()]);
        println!("{}", row(name, &sessions[range], sqlite, postgres));
    };
    for (at, session) in sessions.iter().enumerate().take(singly) {
        print(&session.name, at..at + 1);
    }
    let name = format!("generated, {} to {} turns together", TOGETHER.start(), TOGETHER.end());
    print(&name, singly..generated);
    for (at, session) in sessions.iter().enumerate().skip(generated) {
        print(&session.name, at..at + 1);
    }
    Ok(())
}

/// What some sessions took together.
fn row(name: &str, sessions: &[Session], sqlite: &[u64], postgres: &[u64]) -> String {
    let requests: usize = sessions.iter().map(|session| session.requests).sum();
    let all: u64 = sessions.iter().map(|session| session.all).sum();
    let last: u64 = sessions.iter().map(|session| session.last).sum();
    let times = |grown: &[u64]| grown.iter().sum::<u64>() as f64 / last as f64;
    format!(
        "| {name} | {requests} | {} | {} | {:.2} | {:.2} |",
        all / 1_000,
        last / 1_000,
        times(sqlite),
        times(postgres)
    )
}

/// By how much each session makes a store larger, one after the other. The `first` one pays for the
/// first pages of every table.
async fn growth(
    engine: Engine,
    nexus: &Path,
    first: &Session,
    sessions: &[Session],
) -> anyhow::Result<Vec<u64>> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let (url, _running) = engine.start(dir).await?;
    import(nexus, &data, &url, first)?;
    let mut before = size(engine, &url).await?;
    let mut grown = Vec::new();
    for session in sessions {
        import(nexus, &data, &url, session)?;
        let after = size(engine, &url).await?;
        grown.push(after.saturating_sub(before));
        before = after;
    }
    Ok(grown)
}

fn import(nexus: &Path, data: &Path, url: &str, session: &Session) -> anyhow::Result<()> {
    let status = Command::new(nexus)
        .arg("import")
        .arg(&session.path)
        .env("NEXUS_DATA_DIR", data)
        .env("DATABASE_URL", url)
        .env("LOG_LEVEL", "warn")
        .stdout(Stdio::null())
        .status()
        .context("nexus does not start")?;
    ensure!(status.success(), "{} can't be imported: {status}", session.name);
    Ok(())
}

/// Bytes of all tables and indices, without what deleted rows left.
async fn size(engine: Engine, url: &str) -> anyhow::Result<u64> {
    let bytes: i64 = match engine {
        Engine::Sqlite => {
            let pool = sqlx::SqlitePool::connect(url).await?;
            let size = "SELECT (page_count - freelist_count) * page_size \
                FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()";
            let size = sqlx::query_scalar(size).fetch_one(&pool).await?;
            pool.close().await;
            size
        }
        Engine::Postgres => {
            let pool = sqlx::PgPool::connect(url).await?;
            sqlx::raw_sql("VACUUM (FULL)").execute(&pool).await?;
            let size = "SELECT CAST(sum(pg_total_relation_size(oid)) AS BIGINT) FROM pg_class \
                WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
            let size = sqlx::query_scalar(size).fetch_one(&pool).await?;
            pool.close().await;
            size
        }
    };
    Ok(bytes.try_into()?)
}

fn recorded(folder: &Path) -> anyhow::Result<Vec<Session>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("{} can't be read (--recordings)", folder.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    let is_session = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.ends_with(".jsonl") && !name.ends_with(".expected.jsonl")
    };
    let mut sessions =
        paths.into_iter().filter(is_session).map(read).collect::<Result<Vec<_>, _>>()?;
    sessions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sessions)
}

fn read(path: PathBuf) -> anyhow::Result<Session> {
    let text = fs::read_to_string(&path)?;
    let mut sizes = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        sizes.push(line["request"]["body"].to_string().len() as u64);
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let last = sizes.iter().copied().max().unwrap_or(1);
    Ok(Session { name, path, requests: sizes.len(), last, all: sizes.iter().sum() })
}

/// A coding agent's session: each turn repeats all, and adds a result and the answer to it.
fn generated(folder: &Path, turns: usize, bytes: usize) -> anyhow::Result<Session> {
    let name = format!("generated, {turns} turns");
    let path = folder.join(format!("{turns}-{bytes}.jsonl"));
    let mut file = BufWriter::new(File::create(&path)?);
    let each = bytes / turns;
    let mut history = Vec::new();
    for turn in 0..turns {
        // No two sessions say the same.
        let text = words(turns * 1_000_000 + turn * 1_000, each * 2 / 3);
        let answer = words(turns * 1_000_000 + turn * 1_000 + 500, each / 3);
        let asked = if turn == 0 {
            json!({"type": "text", "text": text})
        } else {
            let id = format!("toolu_{turns}_{}", turn - 1);
            json!({"type": "tool_result", "tool_use_id": id, "content": text})
        };
        history.push(json!({"role": "user", "content": [asked]}));
        let content = json!([
            {"type": "text", "text": answer},
            {"type": "tool_use", "id": format!("toolu_{turns}_{turn}"), "name": "Bash",
             "input": {"command": "ls"}},
        ]);
        writeln!(file, "{}", line(turns, turn, &history, &content))?;
        history.push(json!({"role": "assistant", "content": content}));
    }
    file.flush()?;
    Ok(Session { name, ..read(path)? })
}

fn words(seed: usize, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 1_000);
    let mut part = seed;
    while text.len() < bytes {
        text += &request::filler(part);
        part += 1;
    }
    // The filler is ASCII.
    text.truncate(bytes);
    text
}

fn line(session: usize, turn: usize, history: &[Value], content: &Value) -> Value {
    json!({
        "id": format!("growth-{session}-{turn}"),
        "at": format!("2026-11-23T{:02}:{:02}:00Z", 9 + turn / 60, turn % 60),
        "domain": "team.example", "accountId": "acc_growth",
        "request": {
            "method": "POST", "path": "/v1/messages",
            "headers": {
                "content-type": "application/json",
                "x-claude-code-session-id": format!("growth-{session}"),
            },
            "body": {"model": "claude-opus-5-5", "max_tokens": 32_000, "messages": history},
        },
        "response": {
            "status": 200, "headers": {"content-type": "application/json"},
            "body": {
                "id": format!("msg_{session}_{turn}"), "type": "message", "role": "assistant",
                "model": "claude-opus-5-5", "stop_reason": "tool_use", "stop_sequence": null,
                "content": content, "usage": {"input_tokens": 60, "output_tokens": 12},
            },
        },
        "durationMs": 900, "firstTokenMs": 300, "state": "completed",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_measured_together_are_one_row() {
        let session = |last| Session {
            name: String::new(),
            path: PathBuf::new(),
            requests: 2,
            last,
            all: 3_000,
        };
        let row = row("both", &[session(1_000), session(3_000)], &[2_000, 4_000], &[4_000, 8_000]);
        assert_eq!(row, "| both | 4 | 6 | 4 | 1.50 | 3.00 |");
    }

    #[test]
    fn a_generated_session_grows_to_what_was_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let session = generated(folder.path(), 20, 50_000).expect("a session");
        assert_eq!(session.requests, 20);
        assert!(session.last.abs_diff(50_000) < 10_000, "{}", session.last);
        assert!(session.all > 8 * session.last, "each turn repeats all: {}", session.all);
    }
}
