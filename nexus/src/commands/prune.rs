//! `nexus prune`: retention by hand, and erasing a conversation.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use jiff::Timestamp;
use nexus_bus::{Connecting, EventStream, ShipperConfig};
use nexus_contract::{ExchangeId, SystemClock};
use nexus_store::{Store, archive::Selection, exchanges::ExchangeRow, retention::Older};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::export::conversation;
use crate::{
    cli::PruneArgs, failure::WrongUsage, output::Output, roles::open_bus, settings::Settings,
};

/// Rows taken at once.
const PAGE: u32 = 200;

/// How long the stream may take for what journals hold.
const SHIPPING: Duration = Duration::from_mins(5);

/// Searches of the stream for exchanges of a conversation that goes on.
const ROUNDS: usize = 3;

/// What this process can't do anything about.
const ON_NATS: [&str; 2] = [
    "a gateway that was killed ships its journal's last segment again at its next start: none of this is \
     stored again, but NATS holds it until it trims the stream",
    "an import within 5 minutes of an exchange's arrival is taken for a repetition, and not stored",
];

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
    /// What to know about traces elsewhere.
    notes: &'static [&'static str],
}

async fn erase(
    id: &str,
    dry_run: bool,
    store: &dyn Store,
    settings: &Settings,
    output: Output,
) -> anyhow::Result<()> {
    let conversation_id = conversation(id, store).await?;
    let (exchanges, events) = if dry_run {
        (exchanges_of(conversation_id, store).await?.len(), None)
    } else {
        let clock = Arc::new(SystemClock);
        let bus = open_bus(settings, "nexus prune", Connecting::AtOnce, clock)
            .await
            .context("the event stream cannot be opened; without NATS, stop Nexus first")?;
        ship_journals(settings, &bus.stream).await?;
        let (exchanges, events) = erase_all(conversation_id, bus.stream.as_ref(), store).await?;
        (exchanges, Some(events))
    };
    let notes: &[&str] = if settings.nats_url.is_some() { &ON_NATS } else { &[] };
    let erased = Erased { conversation_id, dry_run, exchanges, events, notes };
    output.print(&erased, |erased| {
        let verb = verb(dry_run);
        let told = format!(
            "{verb} the {exchanges} exchanges of {conversation_id}, with every trace of them"
        );
        let notes = erased.notes.iter().map(|note| format!("note: {note}"));
        [told].into_iter().chain(notes).collect::<Vec<_>>().join("\n")
    })
}

/// What a killed process left in its journal would come into the stream again.
async fn ship_journals(settings: &Settings, stream: &Arc<dyn EventStream>) -> anyhow::Result<()> {
    let dir = settings.data_dir.join("journal");
    if !dir.exists() {
        return Ok(());
    }
    let never = CancellationToken::new();
    let shipping = nexus_bus::adopt_once(&dir, stream, ShipperConfig::default(), &never);
    let shipped = tokio::time::timeout(SHIPPING, shipping).await;
    Ok(shipped.context("the journal is not shipped in time; start Nexus until it is")??)
}

/// Gives how many exchanges, and how many events and dead letters there were.
async fn erase_all(
    conversation: ExchangeId,
    stream: &dyn EventStream,
    store: &dyn Store,
) -> anyhow::Result<(usize, u64)> {
    let (mut ids, mut events) = (Vec::new(), 0);
    // The stream before the rows: after a failure they are what the next try begins with. And until
    // no exchange came in the meantime, since without its row nothing finds its events.
    for _ in 0..ROUNDS {
        let found = exchanges_of(conversation, store).await?;
        if found == ids {
            break;
        }
        events += stream.erase(&found).await?;
        ids = found;
    }
    let rows = store.erase_conversation(conversation).await?;
    let late = rows.saturating_sub(ids.len() as u64);
    ensure!(
        late == 0,
        "erased, but {late} exchanges came meanwhile: the stream keeps their events"
    );
    Ok((ids.len(), events))
}

async fn exchanges_of(
    conversation: ExchangeId,
    store: &dyn Store,
) -> anyhow::Result<Vec<ExchangeId>> {
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
