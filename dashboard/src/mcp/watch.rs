//! Notices changes of the folder.

use std::{path::Path, time::Duration};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::AccessKind};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::Mcp;

/// An editor writes a file in several steps; they are waited for.
const QUIET: Duration = Duration::from_millis(150);
/// A folder in which something is always written is read all the same.
const LONGEST: Duration = Duration::from_secs(2);
/// A folder that can't be watched, because it is not there or the system has no watch left, is
/// looked at so often.
const LOOK: Duration = Duration::from_secs(5);

pub(super) async fn run(mcp: &Mcp, shutdown: &CancellationToken) {
    if !mcp.config.watch {
        return;
    }
    let (changed, mut changes) = mpsc::channel(1);
    let mut watcher = None;
    loop {
        // Before reading, so that nothing is missed in between.
        watcher = watcher.or_else(|| watch(&mcp.config.prompts_dir, changed.clone()));
        mcp.reload().await;
        tokio::select! {
            () = shutdown.cancelled() => return,
            Some(change) = changes.recv(), if watcher.is_some() => {
                if settle(change, &mut changes).await == Change::Folder {
                    watcher = None;
                }
            }
            () = sleep(LOOK), if watcher.is_none() => {}
        }
    }
}

/// What is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Files,
    /// The folder itself went away; the watch went with it.
    Folder,
}

fn watch(folder: &Path, changed: Sender<Change>) -> Option<RecommendedWatcher> {
    let watched = folder.to_owned();
    let tell = move |event: notify::Result<Event>| {
        if let Some(change) = change(&event, &watched) {
            // A full channel already says that something changed.
            let _told = changed.try_send(change);
        }
    };
    let watcher = notify::recommended_watcher(tell).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watcher
        .inspect_err(|error| {
            tracing::debug!(%error, "the folder of prompts cannot be watched; it is looked at instead");
        })
        .ok()
}

/// Reading is no change: this module's own reading would be answered by another one, for ever.
fn change(event: &notify::Result<Event>, folder: &Path) -> Option<Change> {
    let Ok(event) = event else { return Some(Change::Folder) };
    let is_read = matches!(event.kind, EventKind::Access(kind) if !is_written(kind));
    let is_gone = event.kind.is_remove() || matches!(event.kind, EventKind::Modify(_));
    match event.paths.first() {
        _ if is_read => None,
        Some(path) if path == folder && is_gone => Some(Change::Folder),
        _ => Some(Change::Files),
    }
}

fn is_written(kind: AccessKind) -> bool {
    matches!(kind, AccessKind::Close(notify::event::AccessMode::Write))
}

/// Waits until nothing has changed for a while.
async fn settle(first: Change, changes: &mut Receiver<Change>) -> Change {
    let mut all = first;
    let quiet = async {
        while let Ok(Some(change)) = timeout(QUIET, changes.recv()).await {
            if change == Change::Folder {
                all = change;
            }
        }
    };
    let _longest = timeout(LONGEST, quiet).await;
    all
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use notify::event::{AccessMode, RemoveKind};

    use super::*;

    /// Opening a file is told as well, and a reload opens them all.
    #[test]
    fn reading_is_no_change() {
        let seen = |kind, path: &str| {
            let event = Event::new(kind).add_path(PathBuf::from(path));
            change(&Ok(event), Path::new("/prompts"))
        };
        let open = EventKind::Access(AccessKind::Open(AccessMode::Any));
        assert_eq!(seen(open, "/prompts"), None);
        assert_eq!(seen(open, "/prompts/a.yaml"), None);
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert_eq!(seen(written, "/prompts/a.yaml"), Some(Change::Files));
        let gone = EventKind::Remove(RemoveKind::Any);
        assert_eq!(seen(gone, "/prompts/a.yaml"), Some(Change::Files));
        assert_eq!(seen(gone, "/prompts"), Some(Change::Folder));
    }
}
