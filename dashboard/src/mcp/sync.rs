//! Brings the prompts of a repository into the folder.
//!
//! Only files that exist in the repository are replaced, and only files that came from it are ever
//! removed; a list beside the prompts (`.synced.json`) tells which those are, and by which content.
//! A file that failed to arrive stays as it is and is tried again the next time, also when the head
//! of the branch has not moved.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Mcp,
    github::{GitHub, GitHubError, RemoteFile},
    library::prompt_name,
    prompt::{Prompt, is_name},
};

const LIST: &str = ".synced.json";

/// Files that came from the repository: name, and hash of the content.
type Synced = BTreeMap<String, String>;

pub(super) async fn run(mcp: &Mcp, shutdown: &CancellationToken) {
    let Some(config) = mcp.config.github.clone() else { return };
    let github = match GitHub::new(config) {
        Ok(github) => github,
        Err(error) => return tracing::error!(%error, "no HTTP client for GitHub can be made"),
    };
    loop {
        let wait = sync(mcp, &github).await.unwrap_or(mcp.config.sync_interval);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(wait) => {}
            () = mcp.sync_now.notified() => {}
        }
    }
}

/// Synchronises once; gives how long GitHub asked to wait.
async fn sync(mcp: &Mcp, github: &GitHub) -> Option<Duration> {
    mcp.status.change(|status| {
        status.is_running = true;
        status.last_attempt_at = Some(mcp.clock.now());
    });
    let done = fetch(mcp, github).await;
    let wait = match &done {
        Err(SyncError::GitHub(GitHubError::RateLimited(wait))) => *wait,
        _ => None,
    };
    let error = done.err().map(|error| error.to_string());
    if let Some(error) = &error {
        tracing::warn!(error, "the prompts are not synchronised");
    }
    mcp.status.change(|status| {
        status.is_running = false;
        status.error = error;
        if status.error.is_none() && status.failed.is_empty() {
            status.last_success_at = Some(mcp.clock.now());
        }
    });
    wait
}

#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error(transparent)]
    GitHub(#[from] GitHubError),
    #[error("the folder of prompts cannot be written: {0}")]
    Folder(#[from] io::Error),
}

async fn fetch(mcp: &Mcp, github: &GitHub) -> Result<(), SyncError> {
    let head = github.head().await?;
    let before = mcp.status.read();
    if before.commit.as_ref() == Some(&head) && before.failed.is_empty() {
        return Ok(());
    }
    let folder = &mcp.config.prompts_dir;
    fs::create_dir_all(folder)?;
    let remote = github.files(&head).await?.into_iter().filter(is_prompt).collect::<Vec<_>>();
    let known = synced(folder);
    let mut now = Synced::new();
    let mut failed = Vec::new();
    for file in &remote {
        match bring(github, folder, file, &known).await {
            Ok(()) => {
                now.insert(file.name.clone(), file.sha.clone());
            }
            Err(SyncError::GitHub(error @ GitHubError::RateLimited(_))) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(file = file.name, %error, "a prompt did not arrive");
                failed.push(file.name.clone());
                // What is here of it stays, and stays ours.
                now.extend(known.get(&file.name).map(|_| (file.name.clone(), String::new())));
            }
        }
    }
    for gone in known.keys().filter(|name| !remote.iter().any(|file| file.name == **name)) {
        remove(folder, gone)?;
    }
    write(&folder.join(LIST), &serde_json::to_vec(&now).unwrap_or_default())?;
    mcp.status.change(|status| {
        status.commit = Some(head);
        status.files = now.len();
        status.failed = failed;
    });
    mcp.reload().await;
    Ok(())
}

/// A name of the repository is a name in the folder: nothing that leads elsewhere.
fn is_prompt(file: &RemoteFile) -> bool {
    file.kind == "file"
        && prompt_name(Path::new(&file.name)).is_some_and(is_name)
        && !file.name.contains(['/', '\\'])
}

async fn bring(
    github: &GitHub,
    folder: &Path,
    file: &RemoteFile,
    known: &Synced,
) -> Result<(), SyncError> {
    let place = folder.join(&file.name);
    if known.get(&file.name) == Some(&file.sha) && place.is_file() {
        return Ok(());
    }
    let text = github.content(file).await?;
    let name = prompt_name(&place).unwrap_or_default();
    if let Err(error) = Prompt::parse(name, &text) {
        return Err(GitHubError::Answer(format!("it is no prompt: {error}")).into());
    }
    Ok(write(&place, text.as_bytes())?)
}

fn synced(folder: &Path) -> Synced {
    let list = fs::read(folder.join(LIST)).unwrap_or_default();
    let list = serde_json::from_slice::<Synced>(&list).unwrap_or_default();
    list.into_iter().filter(|(name, _)| prompt_name(Path::new(name)).is_some_and(is_name)).collect()
}

fn remove(folder: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(folder.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Readers see the old file or the new one, never half of it.
fn write(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = PathBuf::from(place);
    beside.set_extension("tmp");
    fs::write(&beside, bytes)?;
    fs::rename(&beside, place)
}
