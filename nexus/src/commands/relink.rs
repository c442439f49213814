//! `nexus relink`: all links decided anew from the stored facts.

use std::fmt::Write;

use jiff::Timestamp;
use nexus_linking::Link;
use nexus_store::{Store, links::Relinked};
use serde::Serialize;

use crate::{cli::RelinkArgs, output::Output};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    dry_run: bool,
    changed: usize,
    /// Those of the changes that were asked for.
    shown: Vec<Relinked>,
}

pub async fn run(args: &RelinkArgs, store: &dyn Store, output: Output) -> anyhow::Result<()> {
    let changes = store.relink(args.dry_run).await?;
    let changed = changes.len();
    let mut shown = Vec::new();
    for change in changes {
        if is_asked_for(&change.after, args.domain.as_deref(), args.since, store).await? {
            shown.push(change);
        }
    }
    output.print(&Report { dry_run: args.dry_run, changed, shown }, text)
}

async fn is_asked_for(
    link: &Link,
    domain: Option<&str>,
    since: Option<Timestamp>,
    store: &dyn Store,
) -> anyhow::Result<bool> {
    if since.is_some_and(|since| link.moment.at < since.as_microsecond()) {
        return Ok(false);
    }
    let Some(domain) = domain else { return Ok(true) };
    Ok(store.find_exchange(link.moment.id).await?.is_some_and(|row| row.domain == domain))
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for change in &report.shown {
        let before = change.before.as_ref().map_or("nothing".to_owned(), said);
        let (id, after) = (change.after.moment.id, said(&change.after));
        let _infallible = writeln!(text, "{id}: {before} → {after}");
    }
    let verb = if report.dry_run { "would change" } else { "changed" };
    let Report { changed, shown, .. } = report;
    let listed = if shown.len() == *changed {
        String::new()
    } else {
        format!(", {} of them shown", shown.len())
    };
    text + &format!("{changed} links {verb}{listed}\n")
}

fn said(link: &Link) -> String {
    let edge = &link.edge;
    let parent = edge.parent.map_or("nothing".to_owned(), |parent| parent.to_string());
    format!("{} of {parent} by {}", edge.kind.as_str(), edge.method.as_str())
}
