//! `nexus demo --seed`: a store full of generated conversations.

use std::time::Duration;

use indicatif::ProgressBar;
use jiff::Timestamp;
use nexus_scripted::generate::Plan;

use crate::{
    cli::DemoArgs,
    roles::{Access, PrivateApi},
    settings::Settings,
};

/// Requests of a conversation on average, and days over which conversations lie.
const REQUESTS: u32 = 50;
const DAYS: u32 = 30;

/// Events published at once.
const BATCH: usize = 256;

/// Events that may wait for the consumers; more would only fill the disk twice.
const MAX_LAG: u64 = 20_000;

/// Generates into the data directory of `settings`; returns when all is stored and linked.
pub async fn fill(settings: &Settings, args: &DemoArgs, end: Timestamp) -> anyhow::Result<()> {
    let plan = Plan {
        seed: args.seed.unwrap_or_default(),
        conversations: args.conversations,
        requests: REQUESTS,
        end,
        days: DAYS,
    };
    let api = PrivateApi::start(settings.clone(), Access::Work).await?;
    let filled = publish(&api, plan).await;
    api.stop().await?;
    filled
}

async fn publish(api: &PrivateApi, plan: Plan) -> anyhow::Result<()> {
    let bar = ProgressBar::new(u64::from(plan.conversations));
    let mut events = Vec::new();
    for conversation in plan.conversations() {
        for exchange in conversation {
            events.extend(exchange.events()?);
        }
        if events.len() >= BATCH {
            api.stream().publish(&events).await?;
            events.clear();
            wait_below(api, MAX_LAG).await?;
        }
        bar.inc(1);
    }
    api.stream().publish(&events).await?;
    wait_below(api, 0).await?;
    bar.finish_and_clear();
    Ok(())
}

/// Until no consumer has more than so many events before it.
async fn wait_below(api: &PrivateApi, lag: u64) -> anyhow::Result<()> {
    let mut quiet = 0;
    // Linking publishes events of its own, so one look at an empty stream is not the end.
    while quiet < 2 {
        let status = api.stream().status().await?;
        let behind = status.consumers.iter().map(|c| c.lag + c.unsettled).max().unwrap_or(0);
        quiet = if behind <= lag { quiet + 1 } else { 0 };
        if behind > lag || (lag == 0 && quiet < 2) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        } else if lag > 0 {
            return Ok(());
        }
    }
    Ok(())
}
