//! `nexus import`: JSON Lines through the data API, with a bar.

use std::{fmt::Write, path::Path};

use anyhow::{Context, ensure};
use futures::TryStreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Body;
use serde_json::Value;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use super::api::Api;
use crate::{cli::ImportArgs, output::Output, roles::Access, settings::Settings};

pub async fn run(args: &ImportArgs, settings: &Settings, output: Output) -> anyhow::Result<()> {
    let (source, length) = open(&args.file).await?;
    let api = match &args.url {
        Some(url) => Api::remote(url, settings)?,
        None => Api::private(settings, Access::Work).await.context(
            "the data directory cannot be opened; if Nexus runs on it, import through it with --url",
        )?,
    };
    let bar = bar(length);
    let counted = bar.clone();
    let chunks = ReaderStream::with_capacity(source, 256 * 1024)
        .inspect_ok(move |chunk| counted.inc(chunk.len() as u64));
    let answer = api.import(Body::wrap_stream(chunks)).await;
    bar.finish_and_clear();
    api.close().await?;
    let answer = answer?;
    output.print(&answer, text)?;
    let rejected = rejected(&answer);
    ensure!(rejected == 0, "rejected lines: {rejected}; all others are stored");
    Ok(())
}

/// All of them; the answer names the first ones.
fn rejected(answer: &Value) -> u64 {
    answer["rejectedCount"].as_u64().unwrap_or_default()
}

async fn open(path: &Path) -> anyhow::Result<(Box<dyn AsyncRead + Send + Unpin>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(tokio::io::stdin()), None));
    }
    let file = tokio::fs::File::open(path)
        .await
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let length = file.metadata().await?.len();
    Ok((Box::new(file), Some(length)))
}

/// Bytes sent; hidden where standard error is no terminal.
pub fn bar(length: Option<u64>) -> ProgressBar {
    let Some(length) = length else { return ProgressBar::new_spinner() };
    let bar = ProgressBar::new(length);
    let template = "{bar:40} {bytes} of {total_bytes}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn text(answer: &Value) -> String {
    let mut text = format!(
        "{} imported, {} known before, {} rejected\n",
        answer["accepted"],
        answer["duplicates"],
        rejected(answer)
    );
    for rejected in answer["rejected"].as_array().into_iter().flatten() {
        let reason = rejected["reason"].as_str().unwrap_or_default();
        let _infallible = writeln!(text, "line {}: {reason}", rejected["line"]);
    }
    text
}
