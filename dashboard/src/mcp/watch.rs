//! Notices changes of the folder.

use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

use super::Mcp;

/// An editor writes a file in several steps; they are waited for.
const QUIET: Duration = Duration::from_millis(150);
/// A folder that can't be watched is looked at so often.
const LOOK: Duration = Duration::from_secs(5);

pub(super) async fn run(mcp: &Mcp, shutdown: &CancellationToken) {
    if !mcp.config.watch {
        return;
    }
    let (changed, mut changes) = mpsc::channel(1);
    let folder = mcp.config.prompts_dir.clone();
    let watcher = notify::recommended_watcher(move |_event| {
        // A full channel already says that something changed.
        let _ = changed.try_send(());
    })
    .and_then(|mut watcher| watcher.watch(&folder, RecursiveMode::NonRecursive).map(|()| watcher));
    if let Err(error) = &watcher {
        tracing::warn!(%error, "the folder of prompts cannot be watched; it is looked at instead");
    }
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            Some(()) = changes.recv(), if watcher.is_ok() => settle(&mut changes).await,
            () = sleep(LOOK), if watcher.is_err() => {}
        }
        mcp.reload().await;
    }
}

/// Waits until nothing has changed for a while.
async fn settle(changes: &mut mpsc::Receiver<()>) {
    while tokio::time::timeout(QUIET, changes.recv()).await.is_ok_and(|change| change.is_some()) {}
}
