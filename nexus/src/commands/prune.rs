//! `nexus prune`: retention by hand, and erasing a conversation.

use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use nexus_bus::Connecting;
use nexus_contract::{ExchangeId, SystemClock};
use nexus_store::{Store, archive::Selection, exchanges::ExchangeRow, retention::Older};
use serde::Serialize;

use super::export::conversation;
use crate::{
    cli::PruneArgs, failure::WrongUsage, output::Output, roles::open_bus, settings::Settings,
};

/// Rows taken at once.
const PAGE: u32 = 200;

pub async fn run(
    args: &PruneArgs,
    store: &dyn Store,
    settings: &Settings,
    output: Output,
) -> anyhow::Result<()> {
    match (&args.conversation, args.older_than) {
        (Some(id), _) => erase(id, args.dry_run, store, settings, output).await,
        (None, Some(before)) => remove_older(before, args, store, output).await,
        (None, None) => Err(WrongUsage::new("--older-than or --conversation is needed").into()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pruned {
    before: Timestamp,
    dry_run: bool,
    #[serde(flatten)]
    removed: Older,
}

async fn remove_older(
    before: Timestamp,
    args: &PruneArgs,
    store: &dyn Store,
    output: Output,
) -> anyhow::Result<()> {
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
    output.print(&Pruned { before, dry_run: args.dry_run, removed }, |pruned| {
        let Older { payloads, rows, usage } = pruned.removed;
        let verb = verb(pruned.dry_run);
        format!(
            "{verb} {payloads} payloads, {rows} exchanges and {usage} usage rows before {before}"
        )
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Erased {
    conversation_id: ExchangeId,
    dry_run: bool,
    exchanges: usize,
    /// Events and dead letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
}

async fn erase(
    id: &str,
    dry_run: bool,
    store: &dyn Store,
    settings: &Settings,
    output: Output,
) -> anyhow::Result<()> {
    let conversation_id = conversation(id, store).await?;
    let ids = exchanges(conversation_id, store).await?;
    let events = if dry_run {
        None
    } else {
        let clock = Arc::new(SystemClock);
        let bus = open_bus(settings, "nexus prune", Connecting::AtOnce, clock)
            .await
            .context("the event stream cannot be opened; without NATS, stop Nexus first")?;
        // Before the rows: after a failure they are what the next try begins with.
        let events = bus.stream.erase(&ids).await?;
        store.erase_conversation(conversation_id).await?;
        Some(events)
    };
    output.print(&Erased { conversation_id, dry_run, exchanges: ids.len(), events }, |erased| {
        let (verb, exchanges) = (verb(dry_run), erased.exchanges);
        format!("{verb} the {exchanges} exchanges of {conversation_id}, with every trace of them")
    })
}

async fn exchanges(conversation: ExchangeId, store: &dyn Store) -> anyhow::Result<Vec<ExchangeId>> {
    let selection = Selection { conversation: Some(conversation), ..Selection::default() };
    let (mut ids, mut last) = (Vec::new(), None);
    loop {
        let rows = store.list_exchanges(&selection, last.as_ref(), PAGE).await?;
        ids.extend(rows.iter().map(ExchangeRow::id));
        match rows.into_iter().next_back() {
            Some(row) => last = Some(row),
            None => return Ok(ids),
        }
    }
}

fn verb(dry_run: bool) -> &'static str {
    if dry_run { "would remove" } else { "removed" }
}
