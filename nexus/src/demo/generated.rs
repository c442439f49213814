//! `nexus demo --seed`: a store full of generated conversations, with analyses of some.
//!
//! They are written as the roles would write them, links first, in large batches and without the event
//! stream between: a million requests would be kept there twice.

use std::{collections::HashSet, sync::Arc};

use indicatif::ProgressBar;
use jiff::Timestamp;
use nexus_linking::Fact;
use nexus_messages::PriceTable;
use nexus_scripted::generate::{Exchange, Plan};
use nexus_storage::prepare::{Work, prepare};
use nexus_store::{
    Store,
    exchanges::ExchangePart,
    queries::{Paging, RequestFilter},
};
use tokio::sync::mpsc;

use super::analyses;
use crate::{
    cli::DemoArgs,
    failure::WrongUsage,
    roles::{open_store, prices},
    settings::Settings,
};

/// Requests of a conversation on average, and days over which conversations lie.
const REQUESTS: u32 = 58;
const DAYS: u32 = 30;

/// Exchanges of one transaction.
const BATCH: usize = 400;
/// Batches that are ready before their turn.
const AHEAD: usize = 2;
/// Commits whose announcement is taken back at once: nobody listens.
const ANNOUNCEMENTS: u32 = 1_000;

/// Whole conversations, as the store takes them.
#[derive(Default)]
struct Batch {
    facts: Vec<Fact>,
    parts: Vec<ExchangePart>,
    conversations: u64,
}

/// Generates into the store of `settings`; returns when all is stored and linked.
pub async fn fill(settings: &Settings, args: &DemoArgs, end: Timestamp) -> anyhow::Result<()> {
    let plan = Plan {
        seed: args.seed.unwrap_or_default(),
        conversations: args.conversations,
        requests: REQUESTS,
        end,
        days: DAYS,
    };
    let store = open_store(settings, true).await?;
    let filled = fill_store(&store, plan, &prices(settings)?).await;
    store.close().await;
    filled
}

async fn fill_store(store: &Arc<dyn Store>, plan: Plan, prices: &PriceTable) -> anyhow::Result<()> {
    let one = Paging { limit: 1, ..Paging::default() };
    if !store.list_requests(&RequestFilter::default(), &one).await?.items.is_empty() {
        return Err(WrongUsage::new("the store holds exchanges already; give an empty one").into());
    }
    write_all(store, plan, prices.clone()).await?;
    analyses::write(store.as_ref(), &plan, prices).await?;
    Ok(store.put_price_version(&prices.version()).await?)
}

async fn write_all(store: &Arc<dyn Store>, plan: Plan, prices: PriceTable) -> anyhow::Result<()> {
    let bar = ProgressBar::new(u64::from(plan.conversations));
    let (sender, mut batches) = mpsc::channel(AHEAD);
    let maker = tokio::task::spawn_blocking(move || make(plan, &prices, &sender));
    let mut linked: Option<Batch> = None;
    while let Some(batch) = batches.recv().await {
        let (moved, written) =
            tokio::join!(link(store.as_ref(), &batch), write(store.as_ref(), linked.take()));
        bar.inc(written?);
        store.apply_links(&moved?).await?;
        linked = Some(batch);
    }
    bar.inc(write(store.as_ref(), linked).await?);
    bar.finish_and_clear();
    maker.await?
}

/// The costly part: texts, hashes, compression.
fn make(plan: Plan, prices: &PriceTable, sender: &mpsc::Sender<Batch>) -> anyhow::Result<()> {
    let mut batch = Batch::default();
    for conversation in plan.conversations() {
        for exchange in conversation {
            batch.add(&exchange, prices)?;
        }
        batch.conversations += 1;
        if batch.parts.len() >= 2 * BATCH
            && sender.blocking_send(std::mem::take(&mut batch)).is_err()
        {
            // The writer has failed, and says why.
            return Ok(());
        }
    }
    drop(sender.blocking_send(batch));
    Ok(())
}

impl Batch {
    fn add(&mut self, exchange: &Exchange, prices: &PriceTable) -> anyhow::Result<()> {
        for event in exchange.events()? {
            self.facts.extend(Fact::of_event(&event)?);
            if let Work::Write(part) = prepare(&event, prices)? {
                self.parts.push(*part);
            }
        }
        Ok(())
    }
}

/// Gives the exchanges of earlier batches whose links changed.
async fn link(store: &dyn Store, batch: &Batch) -> anyhow::Result<Vec<nexus_contract::ExchangeId>> {
    let changes = store.link(&batch.facts).await?;
    while let Some(last) = store.announcements(ANNOUNCEMENTS).await?.last() {
        store.announced(last.sequence).await?;
    }
    let own: HashSet<_> = batch.parts.iter().map(|part| part.id).collect();
    Ok(changes.links.into_iter().filter(|id| !own.contains(id)).collect())
}

/// Gives the number of conversations.
async fn write(store: &dyn Store, batch: Option<Batch>) -> anyhow::Result<u64> {
    let Some(batch) = batch else { return Ok(0) };
    store.write_exchanges(&batch.parts).await?;
    Ok(batch.conversations)
}
