//! The compare tab: two requests, or two branches from their fork, side by side.

mod parts;

use std::collections::HashMap;

use actix_web::{HttpResponse, http::StatusCode, web};
use nexus_contract::ExchangeId;
use nexus_store::queries::GraphNode;
use serde::{Deserialize, Serialize};

use self::parts::{Chunk, Name, Pair, Part};
use super::{data, head::Head, path};
use crate::{
    error::PageError,
    pages::store,
    recordings::Recording,
    view::{Crumb, Ctx, Fragment, Page, Place, format},
};

/// Branches offered; further ones are compared from the graph.
const CHOICES: usize = 200;

#[derive(Debug, Default, Deserialize)]
pub struct CompareQuery {
    a: Option<String>,
    b: Option<String>,
    /// The part that is read on, and from where.
    part: Option<Name>,
    #[serde(default)]
    start: usize,
    #[serde(default)]
    line: usize,
}

impl CompareQuery {
    fn place(&self) -> Option<parts::Place> {
        self.part.map(|part| parts::Place { part, start: self.start, line: self.line })
    }

    /// The address of the comparison, to which the place of a chunk is added.
    fn address(&self, conversation: ExchangeId) -> String {
        let named = |side: &Option<String>| format::encoded(side.as_deref().unwrap_or_default());
        let (a, b) = (named(&self.a), named(&self.b));
        format!("/conversations/{conversation}/compare?a={a}&b={b}")
    }
}

/// One side: an exchange.
#[derive(Debug, Serialize)]
struct Side {
    id: ExchangeId,
    label: String,
    node: GraphNode,
}

/// What may be chosen.
#[derive(Debug, Serialize)]
struct Choice {
    value: String,
    label: String,
    in_a: bool,
    in_b: bool,
}

#[derive(Debug, Serialize)]
pub struct ComparePage {
    head: Head,
    a: Option<Side>,
    b: Option<Side>,
    fork: Option<ExchangeId>,
    parts: Vec<Part>,
    /// Where their rest is loaded from.
    address: String,
    choices: Vec<Choice>,
    missing: bool,
    /// A side was asked for that is not in this conversation.
    unknown: bool,
}

impl Fragment for ComparePage {
    const TEMPLATE: &'static str = "conversation/compare.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let loaded = data::sample();
        let node = loaded.graph.nodes[0].clone();
        let side = || Some(Side { id: node.request_id, label: "x".into(), node: node.clone() });
        let choices =
            vec![Choice { value: "main".into(), label: "main".into(), in_a: true, in_b: false }];
        let head = || Head::of(&loaded, "compare", None);
        vec![
            Self {
                head: head(),
                a: side(),
                b: side(),
                fork: Some(node.request_id),
                parts: parts::sample(),
                address: "/conversations/x/compare?a=main&b=x".into(),
                choices,
                missing: true,
                unknown: false,
            },
            Self {
                head: head(),
                a: None,
                b: None,
                fork: None,
                parts: vec![],
                address: String::new(),
                choices: vec![],
                missing: false,
                unknown: true,
            },
        ]
    }
}

/// What follows in one part.
#[derive(Debug, Serialize)]
pub struct CompareFragment {
    chunk: Chunk,
    address: String,
}

impl Fragment for CompareFragment {
    const TEMPLATE: &'static str = "conversation/compare_more.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let address = || "/conversations/x/compare?a=main&b=x".to_owned();
        let chunks = parts::sample().into_iter().filter_map(Part::into_chunk);
        chunks.map(|chunk| Self { chunk, address: address() }).collect()
    }
}

impl Page for ComparePage {
    const PLACE: Place = Place::Conversations;

    fn title(&self) -> String {
        format!("{} · Compare", self.head.title)
    }

    fn crumbs(&self) -> Vec<Crumb> {
        self.head.crumbs()
    }

    fn here(&self) -> String {
        "Compare".into()
    }
}

/// `GET /conversations/{id}/compare`
pub async fn page(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<CompareQuery>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &id).await?;
    let asked = chosen(&loaded, asked.into_inner());
    let (a, b) = sides(&loaded, &asked);
    let unknown = asked.a.is_some() && a.is_none() || asked.b.is_some() && b.is_none();
    let fork = fork(&loaded, &asked);
    let both = recordings(&ctx, a.as_ref(), b.as_ref()).await?;
    let missing = a.is_some() && b.is_some() && both.is_none();
    let place = asked.place();
    let parts = match both {
        Some((a, b)) => {
            web::block(move || Pair::of(&a, &b).parts(place)).await.map_err(PageError::internal)?
        }
        None => Vec::new(),
    };
    let choices = choices(&loaded, &asked);
    let is_beyond = parts.iter().any(Part::is_beyond);
    let status = if is_beyond { StatusCode::NOT_FOUND } else { StatusCode::OK };
    let page = ComparePage {
        head: Head::of(&loaded, "compare", None),
        a,
        b,
        fork,
        parts,
        address: asked.address(loaded.id()),
        choices,
        missing,
        unknown,
    };
    ctx.page_with(&page, status).await
}

/// `GET /conversations/{id}/compare/more`
pub async fn more(
    ctx: Ctx,
    id: web::Path<String>,
    asked: web::Query<CompareQuery>,
) -> Result<HttpResponse, PageError> {
    let nothing = || PageError::NotFound("comparison".into());
    let loaded = data::load(&ctx, &id).await?;
    let asked = chosen(&loaded, asked.into_inner());
    let place = asked.place().ok_or_else(nothing)?;
    let (a, b) = sides(&loaded, &asked);
    let (a, b) = recordings(&ctx, a.as_ref(), b.as_ref()).await?.ok_or_else(nothing)?;
    let chunk = web::block(move || Pair::of(&a, &b).chunk(place)).await;
    let chunk = chunk.map_err(PageError::internal)?;
    if chunk.is_beyond() {
        return Err(PageError::NotFound("further difference".into()));
    }
    ctx.fragment(&CompareFragment { chunk, address: asked.address(loaded.id()) })
}

/// What two sides hold; `None` when one is not chosen or not stored.
async fn recordings(
    ctx: &Ctx,
    a: Option<&Side>,
    b: Option<&Side>,
) -> Result<Option<(Recording, Recording)>, PageError> {
    let Some((a, b)) = a.zip(b) else { return Ok(None) };
    let found =
        ctx.dashboard.deps.recordings.list_recordings(&[a.id, b.id]).await.map_err(store)?;
    let found: HashMap<_, _> = found.into_iter().collect();
    Ok(found.get(&a.id).cloned().zip(found.get(&b.id).cloned()))
}

/// Without a choice the first two branches are compared, with one choice that and the first other
/// one; sub-agents have nothing in common with what started them.
fn chosen(loaded: &data::Loaded, asked: CompareQuery) -> CompareQuery {
    let other = |than: Option<&str>| {
        let branches = loaded.graph.branches.iter().filter(|branch| !branch.is_subtask);
        branches.map(|branch| &branch.branch_id).find(|id| than != Some(id.as_str())).cloned()
    };
    let a = asked.a.or_else(|| other(asked.b.as_deref()));
    let b = asked.b.or_else(|| other(a.as_deref()));
    CompareQuery { a, b, ..asked }
}

fn sides(loaded: &data::Loaded, asked: &CompareQuery) -> (Option<Side>, Option<Side>) {
    let side = |name: Option<&str>| name.and_then(|name| side(loaded, name));
    (side(asked.a.as_deref()), side(asked.b.as_deref()))
}

/// A side is an exchange's id, or a branch, which stands for its newest exchange.
fn side(loaded: &data::Loaded, name: &str) -> Option<Side> {
    let of_branch = || {
        loaded
            .graph
            .branches
            .iter()
            .find(|branch| branch.branch_id == name)
            .map(|b| b.latest_request_id)
    };
    let id = name.parse().ok().or_else(of_branch)?;
    let node = loaded.find(id)?;
    Some(Side { id, label: data::label(node), node: node.clone() })
}

/// Where two branches part.
fn fork(loaded: &data::Loaded, asked: &CompareQuery) -> Option<ExchangeId> {
    let (a, b) = (asked.a.as_deref()?, asked.b.as_deref()?);
    let (a, b) = (path::branch_path(&loaded.graph, a), path::branch_path(&loaded.graph, b));
    a.iter()
        .zip(&b)
        .take_while(|(a, b)| a.request_id == b.request_id)
        .last()
        .map(|(a, _)| a.request_id)
}

fn choices(loaded: &data::Loaded, asked: &CompareQuery) -> Vec<Choice> {
    let chosen = |side: &Option<String>, value: &str| side.as_deref() == Some(value);
    let branches = loaded
        .graph
        .branches
        .iter()
        .take(CHOICES)
        .map(|branch| (branch.branch_id.clone(), branch.branch_id.clone()));
    let exchanges = [&asked.a, &asked.b].into_iter().flatten().filter_map(|name| {
        let side = side(loaded, name).filter(|side| side.id.to_string() == *name)?;
        Some((name.clone(), format!("request: {}", side.label)))
    });
    branches
        .chain(exchanges)
        .map(|(value, label)| Choice {
            in_a: chosen(&asked.a, &value),
            in_b: chosen(&asked.b, &value),
            value,
            label,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_choice_is_compared_with_another_branch() {
        let loaded = data::sample();
        let sides = |a: Option<&str>, b: Option<&str>| {
            let (a, b) = (a.map(str::to_owned), b.map(str::to_owned));
            let asked = CompareQuery { a, b, ..CompareQuery::default() };
            let chosen = chosen(&loaded, asked);
            (chosen.a.expect("a side"), chosen.b.expect("a side"))
        };
        let (first, second) = sides(None, None);
        assert_ne!(first, second);
        assert_eq!(sides(Some(&second), None), (second.clone(), first.clone()));
        assert_eq!(sides(None, Some(&first)), (second, first));
    }
}
