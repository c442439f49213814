//! The transcript tab: one reading of a branch, oldest first, in chunks.

use actix_web::{HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use nexus_contract::ExchangeId;
use nexus_messages::transcript::Turn;
use nexus_store::queries::GraphNode;
use serde::{Deserialize, Serialize};

use super::{data, head::Head, path};
use crate::{
    error::PageError,
    pages::feedback,
    render::{self, Shown},
    view::{Crumb, Ctx, Fragment, Page, Place, format},
};

/// Exchanges of one chunk.
const CHUNK: usize = 12;

/// The tab's part of the address.
#[derive(Debug, Default, Deserialize)]
pub struct TranscriptQuery {
    branch: Option<String>,
    /// The exchange with which the reading begins; for permalinks.
    at: Option<ExchangeId>,
    #[serde(default)]
    start: usize,
}

/// One exchange's part.
#[derive(Debug, Serialize)]
pub struct TurnView {
    id: ExchangeId,
    number: usize,
    at: Timestamp,
    model: Option<String>,
    duration_ms: Option<u64>,
    cost_usd: Option<f64>,
    tokens: u64,
    blocks: Vec<Shown>,
}

/// A chunk and where the next one is.
#[derive(Debug, Serialize)]
pub struct Chunk {
    turns: Vec<TurnView>,
    next: Option<String>,
    /// To the turns before, and to both ends of the branch where these are further away.
    earlier: Option<String>,
    first: Option<String>,
    last: Option<String>,
    /// Turns of the whole branch.
    of: usize,
    /// It was asked to begin behind the last of them.
    is_beyond: bool,
    /// The end of a reading that may go on.
    tail: Option<Tail>,
    /// Where feedback on recommendations is fetched from.
    feedback: Option<String>,
    branch: String,
    conversation: ExchangeId,
}

/// The last turns, which are read again as the conversation goes on: those that run, and one that
/// waits for the results of its tools.
#[derive(Debug, Serialize)]
pub struct Tail {
    turns: Vec<TurnView>,
    href: String,
    /// The exchange whose answer grows.
    growing: Option<ExchangeId>,
}

#[derive(Debug, Serialize)]
pub struct TranscriptPage {
    head: Head,
    chunk: Chunk,
}

#[derive(Debug, Serialize)]
pub struct TranscriptFragment {
    chunk: Chunk,
}

impl Fragment for TranscriptPage {
    const TEMPLATE: &'static str = "conversation/transcript.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let head = Head::of(&data::sample(), "transcript", None);
        let beyond = Chunk { is_beyond: true, ..sample_end() };
        vec![
            Self { head, chunk: sample_chunk() },
            Self { head: Head::of(&data::sample(), "transcript", None), chunk: beyond },
        ]
    }
}

impl Fragment for TranscriptFragment {
    const TEMPLATE: &'static str = "conversation/turns.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self { chunk: sample_chunk() }, Self { chunk: sample_end() }]
    }
}

impl Page for TranscriptPage {
    const PLACE: Place = Place::Conversations;

    fn title(&self) -> String {
        format!("{} · Transcript", self.head.title)
    }

    fn crumbs(&self) -> Vec<Crumb> {
        self.head.crumbs()
    }

    fn here(&self) -> String {
        "Transcript".into()
    }
}

/// `GET /conversations/{id}/transcript`
pub async fn page(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<TranscriptQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let chunk = chunk(&ctx, &loaded, &asked).await?;
    let head = Head::of(&loaded, "transcript", asked.branch.as_deref());
    let status = if chunk.is_beyond { StatusCode::NOT_FOUND } else { StatusCode::OK };
    ctx.page_with(&TranscriptPage { head, chunk }, status).await
}

/// `GET /conversations/{id}/transcript/more`; a reading that goes on begins behind its last turn.
pub async fn more(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<TranscriptQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let chunk = chunk(&ctx, &loaded, &asked).await?;
    ctx.fragment(&TranscriptFragment { chunk })
}

async fn chunk(
    ctx: &Ctx,
    loaded: &data::Loaded,
    asked: &TranscriptQuery,
) -> Result<Chunk, PageError> {
    let branch = branch_of(loaded, asked);
    let path = path::branch_path(&loaded.graph, &branch);
    let at = asked.at.and_then(|id| path.iter().position(|node| node.request_id == id));
    let asked_start = at.unwrap_or(asked.start);
    let is_beyond = asked_start > 0 && asked_start >= path.len();
    let start = asked_start.min(path.len());
    let turns = path::windowed(ctx, &path, start, CHUNK).await?;
    let id = loaded.id();
    let named = format::encoded(&branch);
    let address = |tail: &str, start: usize| {
        format!("/conversations/{id}/transcript{tail}?branch={named}&start={start}")
    };
    let mut turns: Vec<TurnView> = turns.into_iter().filter_map(|turn| view(turn, &path)).collect();
    let is_end = start + CHUNK >= path.len();
    let feedback = feedback::source(turns.iter().flat_map(|turn| &turn.blocks));
    let tail = is_end.then(|| {
        let open = open_from(&path);
        let at = turns.iter().position(|turn| turn.number > open).unwrap_or(turns.len());
        let running = path.last().filter(|node| node.state.is_none());
        Tail {
            turns: turns.split_off(at),
            href: address("/more", open.max(start)),
            growing: running.map(|node| node.request_id),
        }
    });
    Ok(Chunk {
        turns,
        tail,
        feedback,
        next: (start + CHUNK < path.len()).then(|| address("/more", start + CHUNK)),
        first: (start > CHUNK || is_beyond).then(|| address("", 0)),
        earlier: (start > 0).then(|| address("", start.saturating_sub(CHUNK))),
        last: (start + CHUNK < path.len()).then(|| address("", path.len() - CHUNK)),
        of: path.len(),
        is_beyond,
        branch,
        conversation: id,
    })
}

/// The index from which on turns are not finished: they run, or the last one waits for its tools.
fn open_from(path: &[&GraphNode]) -> usize {
    let running = path.iter().position(|node| node.state.is_none()).unwrap_or(path.len());
    let waits = |node: &&&GraphNode| !node.tool_names.is_empty();
    match running.checked_sub(1).and_then(|last| path.get(last)).filter(waits) {
        Some(_) => running - 1,
        None => running,
    }
}

/// The chosen branch; that of the exchange asked for; else the main one.
fn branch_of(loaded: &data::Loaded, asked: &TranscriptQuery) -> String {
    let of_node = asked.at.and_then(|id| loaded.find(id)).and_then(|node| node.branch_id.clone());
    let first = loaded.graph.branches.first().map(|branch| branch.branch_id.clone());
    asked.branch.clone().or(of_node).or(first).unwrap_or_else(|| "main".into())
}

fn view(turn: Turn, path: &[&GraphNode]) -> Option<TurnView> {
    let number = path.iter().position(|node| node.request_id == turn.id)?;
    let node = path[number];
    Some(TurnView {
        id: turn.id,
        number: number + 1,
        at: turn.at,
        model: turn.model,
        duration_ms: node.duration_ms,
        cost_usd: node.cost_usd,
        tokens: node.tokens.total(),
        blocks: turn.items.iter().map(render::show).collect(),
    })
}

#[cfg(test)]
pub(super) fn sample_block() -> Shown {
    render::show(&nexus_messages::transcript::Item {
        id: "block-q0".into(),
        content: nexus_messages::transcript::Content::Human { text: "<b>hello</b>".into() },
    })
}

#[cfg(test)]
fn sample_chunk() -> Chunk {
    let node = data::sample().graph.nodes[0].clone();
    let turn = || TurnView {
        id: node.request_id,
        number: 1,
        at: node.timestamp,
        model: node.model.clone(),
        duration_ms: Some(3),
        cost_usd: None,
        tokens: 5,
        blocks: vec![sample_block()],
    };
    Chunk {
        turns: vec![turn()],
        next: Some("/conversations/x/transcript/more?start=12".into()),
        first: Some("/first".into()),
        earlier: Some("/earlier".into()),
        last: Some("/last".into()),
        of: 2,
        is_beyond: false,
        tail: None,
        feedback: Some("/fragments/feedback?session=s".into()),
        branch: "main".into(),
        conversation: node.request_id,
    }
}

#[cfg(test)]
fn sample_end() -> Chunk {
    let Chunk { turns, conversation, .. } = sample_chunk();
    let tail = Tail { turns, href: "/more".into(), growing: Some(conversation) };
    Chunk { turns: vec![], next: None, tail: Some(tail), ..sample_chunk() }
}
