//! `nexus relink`: all links decided anew from the stored facts.

use std::fmt::Write;

use jiff::Timestamp;
use nexus_linking::Moment;
use nexus_store::{
    Store,
    links::{Labelled, Relinked},
};
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
        if is_asked_for(change.moment, args.domain.as_deref(), args.since, store).await? {
            shown.push(change);
        }
    }
    output.print(&Report { dry_run: args.dry_run, changed, shown }, text)
}

async fn is_asked_for(
    moment: Moment,
    domain: Option<&str>,
    since: Option<Timestamp>,
    store: &dyn Store,
) -> anyhow::Result<bool> {
    if since.is_some_and(|since| moment.at < since.as_microsecond()) {
        return Ok(false);
    }
    let Some(domain) = domain else { return Ok(true) };
    let facts = store.find_facts(moment.id).await?;
    if let Some(request) = facts.and_then(|exchange| exchange.request) {
        return Ok(request.domain == domain);
    }
    // What is not linked any more may have lost its facts.
    Ok(store.find_exchange(moment.id).await?.is_some_and(|row| row.domain == domain))
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for change in &report.shown {
        let [before, after] = [&change.before, &change.after]
            .map(|link| link.as_ref().map_or("nothing".to_owned(), said));
        let _infallible = writeln!(text, "{}: {before} → {after}", change.moment.id);
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

fn said(labelled: &Labelled) -> String {
    let edge = &labelled.link.edge;
    let parent = edge.parent.map_or("nothing".to_owned(), |parent| parent.to_string());
    let label = labelled.label.as_deref().map_or(String::new(), |label| format!(" on {label}"));
    format!("{} of {parent} by {}{label}", edge.kind.as_str(), edge.method.as_str())
}
