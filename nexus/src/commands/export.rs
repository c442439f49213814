//! `nexus export`: exchanges as JSON Lines on standard output, oldest first.

use anyhow::{Context, bail};
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
    let mut last = None;
    let mut found = false;
    loop {
        let rows = store.list_exchanges(&selection, last.as_ref(), PAGE).await?;
        for row in &rows {
            found = true;
            let mut line = export(store, row).await?.to_line().context("an exchange")?;
            line.push('\n');
            output::write(line.as_bytes())?;
        }
        match rows.into_iter().next_back() {
            Some(row) => last = Some(row),
            None if found || args.domain.is_some() => return Ok(()),
            None => bail!("the conversation holds nothing"),
        }
    }
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
