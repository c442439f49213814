//! `nexus dead-letters`: events that no consumer could handle.

use std::sync::Arc;

use anyhow::{Context, ensure};
use nexus_bus::{Bus, Connecting, DeadLetter, EventStream, Page};
use nexus_contract::SystemClock;
use serde::Serialize;

use crate::{
    cli::DeadLettersCommand,
    output::{Output, table},
    roles::open_bus,
    settings::Settings,
};

/// Pages of this size are walked when all are requeued.
const PAGE: usize = 200;

/// The stream. The embedded log belongs to the process that runs on the data directory.
pub async fn open(settings: &Settings) -> anyhow::Result<Bus> {
    let clock = Arc::new(SystemClock);
    let bus = open_bus(settings, "nexus dead-letters", Connecting::AtOnce, clock).await;
    if settings.nats_url.is_some() {
        return bus;
    }
    bus.context("the event stream cannot be opened; while Nexus runs, use its Pipeline page")
}

pub async fn run(
    command: DeadLettersCommand,
    stream: &dyn EventStream,
    output: Output,
) -> anyhow::Result<()> {
    match command {
        DeadLettersCommand::List { limit, cursor } => {
            let page = stream.list_dead_letters(cursor.as_deref(), limit).await?;
            output.print(&page, text)
        }
        DeadLettersCommand::Show { id } => show(&id, stream, output).await,
        DeadLettersCommand::Requeue { id: Some(id), .. } => {
            ensure!(stream.requeue_dead_letter(&id).await?, "there is no dead letter {id}");
            output.print(&Done { count: 1 }, |_| format!("{id} will be delivered again"))
        }
        DeadLettersCommand::Requeue { id: None, .. } => {
            let count = requeue_all(stream).await?;
            output.print(&Done { count }, |done| format!("{} will be delivered again", done.count))
        }
        DeadLettersCommand::Drop { id } => {
            ensure!(stream.drop_dead_letter(&id).await?, "there is no dead letter {id}");
            output.print(&Done { count: 1 }, |_| format!("{id} is gone"))
        }
    }
}

#[derive(Serialize)]
struct Done {
    count: u64,
}

async fn requeue_all(stream: &dyn EventStream) -> anyhow::Result<u64> {
    let mut count = 0;
    loop {
        // Requeued ones leave the list, so its first page is always the next one.
        let page = stream.list_dead_letters(None, PAGE).await?;
        if page.items.is_empty() {
            return Ok(count);
        }
        for letter in page.items {
            count += u64::from(stream.requeue_dead_letter(&letter.id).await?);
        }
    }
}

async fn show(id: &str, stream: &dyn EventStream, output: Output) -> anyhow::Result<()> {
    let letter = stream
        .find_dead_letter(id)
        .await?
        .with_context(|| format!("there is no dead letter {id}"))?;
    let event = match nexus_contract::decode(&letter.payload) {
        Ok(event) => format!("{:#?}", event.envelope),
        Err(error) => format!("unreadable: {error} ({} bytes)", letter.payload.len()),
    };
    let shown = Shown { letter, event };
    output.print(&shown, |shown| {
        let letter = &shown.letter;
        format!(
            "{} rejected by {} after {} deliveries: {}\n\n{}",
            letter.message_id, letter.consumer, letter.attempts, letter.reason, shown.event
        )
    })
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    letter: DeadLetter,
    event: String,
}

fn text(page: &Page<DeadLetter>) -> String {
    if page.items.is_empty() {
        return "no dead letters\n".into();
    }
    let rows: Vec<Vec<String>> = page
        .items
        .iter()
        .map(|letter| {
            vec![
                letter.id.clone(),
                letter.at.to_string(),
                letter.consumer.clone(),
                letter.kind.clone(),
                letter.attempts.to_string(),
                letter.reason.clone(),
            ]
        })
        .collect();
    let more = page.next_cursor.as_ref().map(|cursor| format!("more: --cursor {cursor}\n"));
    table(&["id", "at", "consumer", "kind", "deliveries", "reason"], &rows)
        + &more.unwrap_or_default()
}
