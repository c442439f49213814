//! `nexus prune`: retention by hand.

use nexus_store::{Store, retention::Older};
use serde::Serialize;

use crate::{cli::PruneArgs, output::Output};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pruned {
    before: jiff::Timestamp,
    dry_run: bool,
    #[serde(flatten)]
    removed: Older,
}

pub async fn run(args: &PruneArgs, store: &dyn Store, output: Output) -> anyhow::Result<()> {
    let before = args.older_than;
    let counted = store.count_older(before).await?;
    let mut removed = if args.payloads_only {
        Older { payloads: counted.payloads, ..Older::default() }
    } else {
        counted
    };
    if !args.dry_run {
        removed.payloads = store.remove_payloads(before).await?;
        if !args.payloads_only {
            removed.rows = store.remove_rows(before).await?;
            removed.usage = store.remove_usage(before).await?;
        }
    }
    output.print(&Pruned { before, dry_run: args.dry_run, removed }, text)
}

fn text(pruned: &Pruned) -> String {
    let Older { payloads, rows, usage } = pruned.removed;
    let verb = if pruned.dry_run { "would remove" } else { "removed" };
    format!(
        "{verb} {payloads} payloads, {rows} exchanges and {usage} usage rows before {}",
        pruned.before
    )
}
