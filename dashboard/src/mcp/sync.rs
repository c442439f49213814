//! Brings the prompts of a repository into the folder.
//!
//! Only files that exist in the repository are replaced, and only files that came from it are ever
//! removed; a list beside the prompts (`.synced.json`) tells which those are, and by which content.
//! A file that failed to arrive stays as it is and is tried again the next time, also when the head
//! of the branch has not moved. At the rate limit, what has arrived is kept, and the next round
//! goes on from there.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Mcp,
    github::{GitHub, GitHubError, RemoteFile},
    library::prompt_name,
    prompt::{Prompt, is_name},
};

const LIST: &str = ".synced.json";
/// Whatever the setting or GitHub says, there is a pause between two rounds.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

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
            () = sleep(wait.max(SHORTEST_WAIT)) => {}
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
    let brought = bring_all(github, folder, &remote, &known).await;
    for gone in known.keys().filter(|name| !remote.iter().any(|file| file.name == **name)) {
        remove(folder, gone)?;
    }
    write(&folder.join(LIST), &serde_json::to_vec(&brought.now).unwrap_or_default())?;
    mcp.status.change(|status| {
        // A folder that was left between two heads stands at none.
        status.commit = brought.limit.is_none().then_some(head);
        status.files = brought.now.len();
        status.failed = brought.failed;
    });
    mcp.reload().await;
    brought.limit.map_or(Ok(()), |limit| Err(limit.into()))
}

/// What a round came to.
#[derive(Default)]
struct Brought {
    now: Synced,
    failed: Vec<String>,
    /// The rate limit, where it ended the round.
    limit: Option<GitHubError>,
}

async fn bring_all(
    github: &GitHub,
    folder: &Path,
    remote: &[RemoteFile],
    known: &Synced,
) -> Brought {
    let mut all = Brought::default();
    let mut files = remote.iter();
    for file in files.by_ref() {
        match bring(github, folder, file, known).await {
            Ok(()) => {
                all.now.insert(file.name.clone(), file.sha.clone());
            }
            Err(SyncError::GitHub(error @ GitHubError::RateLimited(_))) => {
                all.limit = Some(error);
                all.now.extend(as_known(file, known));
                break;
            }
            Err(error) => {
                tracing::warn!(file = file.name, %error, "a prompt did not arrive");
                all.failed.push(file.name.clone());
                // What is here of it stays, and stays ours.
                all.now.extend(as_known(file, known).map(|(name, _)| (name, String::new())));
            }
        }
    }
    all.now.extend(files.filter_map(|file| as_known(file, known)));
    all
}

fn as_known(file: &RemoteFile, known: &Synced) -> Option<(String, String)> {
    known.get(&file.name).map(|sha| (file.name.clone(), sha.clone()))
}

fn is_prompt(file: &RemoteFile) -> bool {
    file.kind == "file" && is_plain(&file.name)
}

/// A name of the repository is a name in the folder: nothing that leads elsewhere.
fn is_plain(name: &str) -> bool {
    prompt_name(Path::new(name)).is_some_and(is_name) && !name.contains(['/', '\\'])
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
    list.into_iter().filter(|(name, _)| is_plain(name)).collect()
}

fn remove(folder: &Path, name: &str) -> io::Result<()> {
    match fs::remove_file(folder.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Readers see the old file or the new one, never half of it, also when two gateways that share the
/// folder write at once.
fn write(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = PathBuf::from(place);
    beside.set_extension(format!("{}.tmp", Uuid::now_v7()));
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, place));
    if written.is_err() {
        let _gone = fs::remove_file(&beside);
    }
    written
}
