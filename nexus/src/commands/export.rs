//! `nexus export`: exchanges as JSON Lines on standard output, oldest first, with a counter.

use std::io::IsTerminal;

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use nexus_contract::ExchangeId;
use nexus_store::{
    Store,
    archive::{Selection, export},
};

use crate::{cli::ExportArgs, output};

/// Rows taken at once.
const PAGE: u32 = 200;

pub async fn run(args: &ExportArgs, store: &dyn Store) -> anyhow::Result<()> {
    let selection = selection(args, store).await?;
    let counter = counter();
    let found = write_all(&selection, store, &counter).await;
    counter.finish_and_clear();
    ensure!(found? || args.domain.is_some(), "the conversation holds nothing");
    Ok(())
}

/// Whether there was anything.
async fn write_all(
    selection: &Selection,
    store: &dyn Store,
    counter: &ProgressBar,
) -> anyhow::Result<bool> {
    let mut last = None;
    loop {
        let rows = store.list_exchanges(selection, last.as_ref(), PAGE).await?;
        for row in &rows {
            let mut line = export(store, row).await?.to_line().context("an exchange")?;
            line.push('\n');
            output::write(line.as_bytes())?;
            counter.inc(1);
        }
        match rows.into_iter().next_back() {
            Some(row) => last = Some(row),
            None => return Ok(last.is_some()),
        }
    }
}

/// Exchanges written; hidden where standard error is no terminal, or the lines themselves are seen.
fn counter() -> ProgressBar {
    if std::io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let counter = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} exchanges") {
        counter.set_style(style);
    }
    counter
}

async fn selection(args: &ExportArgs, store: &dyn Store) -> anyhow::Result<Selection> {
    let conversation = match &args.conversation {
        Some(id) => Some(conversation(id, store).await?),
        None => None,
    };
    Ok(Selection { conversation, domain: args.domain.clone(), since: args.since })
}

/// The conversation's id today, from an id it had or that of an exchange in it.
pub async fn conversation(id: &str, store: &dyn Store) -> anyhow::Result<ExchangeId> {
    let found = store.find_conversation(ExchangeId::from_external(id)).await?;
    Ok(found.with_context(|| format!("there is no conversation {id}"))?.conversation_id)
}
