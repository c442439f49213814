//! `nexus explain-link A B`: the two histories side by side where they part, and what each rule says.

use anyhow::Context;
use nexus_contract::{Event, ExchangeId, Payload};
use nexus_linking::{
    Fact,
    explain::{Explanation, Side, explain},
};
use nexus_messages::{Request, decode::decode};
use nexus_store::{Store, archive::restore};
use serde::Serialize;

use crate::{cli::ExplainArgs, output::Output};

/// Largest body that is compared.
const MAX_BODY: usize = 64 << 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explained {
    parent: ExchangeId,
    child: ExchangeId,
    /// What the stored link of the child says.
    linked: bool,
    method: Option<&'static str>,
    confidence: Option<u8>,
    #[serde(flatten)]
    explanation: Explanation,
}

pub async fn run(args: &ExplainArgs, store: &dyn Store, output: Output) -> anyhow::Result<()> {
    let (parent, child) = (ExchangeId::from_external(&args.a), ExchangeId::from_external(&args.b));
    let (left, right) = (side(parent, &args.a, store).await?, side(child, &args.b, store).await?);
    let edge = store.find_link(child).await?.map(|link| link.edge);
    let explained = Explained {
        parent,
        child,
        linked: edge.as_ref().is_some_and(|edge| edge.parent == Some(parent)),
        method: edge.as_ref().map(|edge| edge.method.as_str()),
        confidence: edge.as_ref().map(|edge| edge.method.confidence()),
        explanation: explain(&left, &right),
    };
    output.print(&explained, text)
}

async fn side(id: ExchangeId, given: &str, store: &dyn Store) -> anyhow::Result<Side> {
    let row = store.find_exchange(id).await?;
    let row = row.with_context(|| format!("there is no exchange {given}"))?;
    let (request, response) = restore(store, &row).await?;
    let request =
        request.with_context(|| format!("the request of {given} is not stored any more"))?;
    let answer = match response.as_ref().map(Fact::of_event).transpose()?.flatten() {
        Some(Fact::Answer(_, answer)) => Some(*answer),
        _ => None,
    };
    let Some(Fact::Request(_, facts)) = Fact::of_event(&request)? else {
        anyhow::bail!("{given} has no request to compare");
    };
    let body = decoded(&request)?;
    let parsed = Request::parse(&body).context("the request's body is not a Messages request")?;
    let side = Side::new(*facts, answer, &parsed);
    let stored = store.find_facts(id).await?.and_then(|exchange| exchange.place);
    let named = store.find_naming_call(id).await?;
    Ok(Side { place: stored.or(side.place), named, ..side })
}

fn decoded(event: &Event) -> anyhow::Result<Vec<u8>> {
    let raw = event.body.as_ref().map(nexus_contract::Body::raw).transpose()?.unwrap_or_default();
    let encoding = match &event.envelope.payload {
        Payload::RequestReceived(received) => received.headers.get("content-encoding"),
        _ => None,
    };
    Ok(decode(encoding, &raw, MAX_BODY).bytes.into_owned())
}

fn text(explained: &Explained) -> String {
    let Explanation { common, left, right, verdicts } = &explained.explanation;
    let ends = || "(the history ends here)".to_owned();
    let mut text = format!(
        "{} {} the parent of {}{}\n\n{common} blocks are the same.\n  first: {}\n second: {}\n\n",
        explained.parent,
        if explained.linked { "is" } else { "is not" },
        explained.child,
        explained.method.map_or(String::new(), |method| format!(" (its link is by {method})")),
        left.clone().unwrap_or_else(ends),
        right.clone().unwrap_or_else(ends),
    );
    for verdict in verdicts {
        let mark = if verdict.holds { "yes" } else { "no " };
        text += &[mark, "  ", verdict.rule, ": ", &verdict.because, "\n"].concat();
    }
    text
}
