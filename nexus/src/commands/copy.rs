//! `nexus copy-conversation`: out of one database as the lines of an export, into another one as an
//! import, whatever the engines.

use anyhow::ensure;
use nexus_contract::ExchangeId;
use nexus_messages::{Answer, line::ExchangeLine};
use nexus_store::{
    Store,
    archive::{Selection, export},
};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;

use super::{api::Api, export::conversation};
use crate::{
    cli::CopyArgs, failure::WrongUsage, output::Output, roles::Access, settings::Settings,
};

/// The one table that holds exchanges, in every version of the schema.
const TABLE: &str = "exchanges";
const PAGE: u32 = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Copied {
    conversation_id: ExchangeId,
    exchanges: usize,
    dry_run: bool,
    /// What the destination answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<Value>,
}

pub async fn run(
    args: &CopyArgs,
    store: &dyn Store,
    settings: &Settings,
    output: Output,
) -> anyhow::Result<()> {
    for table in [&args.source_table, &args.dest_table] {
        if table != TABLE {
            return Err(WrongUsage::new(format!(
                "there is no table {table}; exchanges are in {TABLE}"
            ))
            .into());
        }
    }
    let conversation_id = conversation(&args.conversation_id, store).await?;
    let lines = lines(conversation_id, args.include_chunks, store).await?;
    let exchanges = lines.len();
    let import = if args.dry_run {
        None
    } else {
        Some(import(&lines.concat(), &args.dest_db, settings).await?)
    };
    let copied = Copied { conversation_id, exchanges, dry_run: args.dry_run, import };
    output.print(&copied, text)
}

async fn lines(
    conversation: ExchangeId,
    chunks: bool,
    store: &dyn Store,
) -> anyhow::Result<Vec<String>> {
    let selection = Selection { conversation: Some(conversation), ..Selection::default() };
    let (mut lines, mut last) = (Vec::new(), None);
    loop {
        let rows = store.list_exchanges(&selection, last.as_ref(), PAGE).await?;
        for row in &rows {
            let mut line = export(store, row).await?;
            if !chunks {
                assemble(&mut line)?;
            }
            lines.push(line.to_line()? + "\n");
        }
        match rows.into_iter().next_back() {
            Some(row) => last = Some(row),
            None => return Ok(lines),
        }
    }
}

/// A streamed answer as the message that its events add up to.
fn assemble(line: &mut ExchangeLine) -> anyhow::Result<()> {
    let Some(response) = &mut line.response else { return Ok(()) };
    if let Some(sse) = response.sse.take() {
        let message = Answer::read(Some("text/event-stream"), sse.as_bytes()).to_message();
        response.body = Some(serde_json::value::to_raw_value(&message)?);
        response.headers.set("content-type", "application/json");
    }
    Ok(())
}

/// Into the destination, with an event stream of its own that is thrown away afterwards.
async fn import(lines: &str, database: &str, settings: &Settings) -> anyhow::Result<Value> {
    let dir = tempfile::tempdir()?;
    let mut settings = settings.clone();
    settings.database_url = Some(SecretString::from(database));
    settings.nats_url = None;
    settings.data_dir = dir.path().to_owned();
    let api = Api::private(&settings, Access::Work).await?;
    let answer = api.import(lines.to_owned()).await;
    api.close().await?;
    let answer = answer?;
    let rejected = answer["rejected"].as_array().map_or(0, Vec::len);
    ensure!(rejected == 0, "the destination rejected {rejected} exchanges: {}", answer["rejected"]);
    Ok(answer)
}

fn text(copied: &Copied) -> String {
    let id = copied.conversation_id;
    match &copied.import {
        None => format!("would copy {} exchanges of {id}", copied.exchanges),
        Some(answer) => format!(
            "copied {} exchanges of {id}; {} were there before",
            answer["accepted"], answer["duplicates"]
        ),
    }
}
