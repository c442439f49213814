//! The pane beside the graph: one exchange, what it added.

use actix_web::{HttpResponse, web};
use nexus_contract::ExchangeId;
use nexus_store::queries::GraphNode;
use serde::Serialize;

use super::{
    data::{self, Loaded},
    path,
};
use crate::{
    error::PageError,
    pages::feedback,
    render::{self, Shown},
    view::{Ctx, Fragment},
};

/// One exchange of a conversation.
#[derive(Debug, Serialize)]
pub struct Detail {
    conversation: ExchangeId,
    node: GraphNode,
    label: String,
    blocks: Vec<Shown>,
    feedback: Option<String>,
    has_bytes: bool,
    compare_with: Option<ExchangeId>,
}

/// What htmx fetches.
#[derive(Debug, Serialize)]
pub struct DetailFragment {
    detail: Detail,
}

impl Fragment for DetailFragment {
    const TEMPLATE: &'static str = "conversation/detail.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        vec![Self { detail: Detail::sample() }]
    }
}

impl Detail {
    #[cfg(test)]
    pub fn sample() -> Self {
        let loaded = data::sample();
        let node = loaded.graph.nodes[0].clone();
        Self {
            conversation: loaded.id(),
            label: data::label(&node),
            compare_with: Some(node.request_id),
            blocks: vec![super::transcript::sample_block()],
            feedback: None,
            node,
            has_bytes: true,
        }
    }
}

/// `GET /conversations/{id}/detail/{node}`
pub async fn fragment(
    ctx: Ctx,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let loaded = data::load(&ctx, &path.0).await?;
    let id = super::super::id(&path.1, "exchange")?;
    let node = loaded
        .find(id)
        .ok_or_else(|| PageError::NotFound("exchange in this conversation".into()))?;
    let detail = load(&ctx, &loaded, node).await?;
    ctx.fragment(&DetailFragment { detail })
}

/// Reads the exchange with its parent, to show only what it added, and one child, for the results
/// of its tool calls.
pub async fn load(ctx: &Ctx, loaded: &Loaded, node: &GraphNode) -> Result<Detail, PageError> {
    let parent = node.parent_request_id.and_then(|id| loaded.find(id));
    let child =
        loaded.graph.nodes.iter().find(|other| other.parent_request_id == Some(node.request_id));
    let start = usize::from(parent.is_some());
    let around: Vec<&GraphNode> = parent.into_iter().chain([node]).chain(child).collect();
    let turns = path::windowed(ctx, &around, start, 1).await?;
    let blocks: Vec<Shown> = turns.iter().flat_map(|turn| &turn.items).map(render::show).collect();
    Ok(Detail {
        conversation: loaded.id(),
        label: data::label(node),
        has_bytes: !turns.is_empty(),
        feedback: feedback::source(blocks.iter()),
        blocks,
        compare_with: node.parent_request_id,
        node: node.clone(),
    })
}
