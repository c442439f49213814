//! A conversation to take away: JSON Lines, Markdown, or one HTML file that needs nothing else.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use nexus_contract::{ExchangeId, Headers};
use nexus_messages::{
    line::{ExchangeLine, HeaderFields, RequestLine, ResponseLine},
    transcript::{Content, Turn},
};
use nexus_store::queries::{ConversationGraph, GraphNode};
use serde::Deserialize;

use super::{conversation, store};
use crate::{
    error::PageError,
    recordings::Recording,
    render,
    view::{Ctx, escape, put},
};

/// Exchanges of one file. More would be more memory than a page may take; `nexus export` has no such
/// bound.
const MAX: usize = 2000;
/// Exchanges read at once.
const CHUNK: usize = 25;

#[derive(Debug, Default, Deserialize)]
pub struct ExportQuery {
    branch: Option<String>,
}

/// `GET /conversations/{id}/export.{format}`
pub async fn download(
    ctx: Ctx,
    path: web::Path<(String, String)>,
    asked: web::Query<ExportQuery>,
) -> Result<HttpResponse, PageError> {
    let (id, format) = path.into_inner();
    let loaded = conversation::load(&ctx, &id).await?;
    let branch = asked.branch.as_deref();
    let (content_type, text) = match format.as_str() {
        "jsonl" => ("application/x-ndjson", lines(&ctx, &loaded.graph, branch).await?),
        "md" => (
            "text/markdown; charset=utf-8",
            markdown(&loaded.graph, &turns(&ctx, &loaded.graph, branch).await?),
        ),
        "html" => (
            "text/html; charset=utf-8",
            html(&loaded.graph, &turns(&ctx, &loaded.graph, branch).await?),
        ),
        _ => return Err(PageError::NotFound("such export format".into())),
    };
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", content_type))
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"conversation-{}.{format}\"", loaded.id()),
        ))
        .insert_header((
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        ))
        .body(text))
}

/// The whole conversation, or one branch with its ancestors.
fn chosen<'a>(graph: &'a ConversationGraph, branch: Option<&str>) -> Vec<&'a GraphNode> {
    let mut nodes = match branch {
        Some(branch) => conversation::branch_path(graph, branch),
        None => graph.nodes.iter().collect(),
    };
    nodes.truncate(MAX);
    nodes
}

async fn lines(
    ctx: &Ctx,
    graph: &ConversationGraph,
    branch: Option<&str>,
) -> Result<String, PageError> {
    let mut out = String::new();
    for chunk in chosen(graph, branch).chunks(CHUNK) {
        let ids: Vec<ExchangeId> = chunk.iter().map(|node| node.request_id).collect();
        let found = ctx.dashboard.deps.recordings.list_recordings(&ids).await.map_err(store)?;
        let mut found: HashMap<_, _> = found.into_iter().collect();
        for node in chunk {
            if let Some(recording) = found.remove(&node.request_id) {
                let line = line(graph, node, &recording).and_then(|line| line.to_line());
                out.push_str(&line.map_err(PageError::internal)?);
                out.push('\n');
            }
        }
    }
    Ok(out)
}

fn line(
    graph: &ConversationGraph,
    node: &GraphNode,
    recording: &Recording,
) -> Result<ExchangeLine, nexus_messages::line::LineError> {
    let mut request = RequestLine {
        method: recording.method.clone(),
        path: recording.path.clone(),
        headers: fields(&recording.request_headers),
        body: None,
        body_base64: None,
    };
    request.set_body(&recording.request)?;
    let mut response = ResponseLine {
        status: node.response_status,
        headers: fields(&recording.response_headers),
        body: None,
        sse: None,
        body_base64: None,
    };
    response.set_body(&recording.response)?;
    Ok(ExchangeLine {
        id: Some(node.external_id.clone().unwrap_or_else(|| node.request_id.to_string())),
        at: node.timestamp,
        domain: graph.conversation.domain.clone(),
        account_id: graph.conversation.account_ids.first().cloned(),
        request,
        response: node.state.map(|_| response),
        duration_ms: node.duration_ms,
        first_token_ms: node.first_token_ms,
        state: node.state,
        error: None,
    })
}

/// The bodies stand in the line decoded, so their coding is not named.
fn fields(headers: &Headers) -> HeaderFields {
    let kept =
        headers.iter().filter(|(name, _)| !matches!(*name, "content-encoding" | "content-length"));
    let kept: Headers = kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    HeaderFields::from(&kept)
}

async fn turns(
    ctx: &Ctx,
    graph: &ConversationGraph,
    branch: Option<&str>,
) -> Result<Vec<Turn>, PageError> {
    let first = graph.branches.first().map_or("main", |branch| branch.branch_id.as_str());
    let path = chosen(graph, Some(branch.unwrap_or(first)));
    let mut turns = Vec::new();
    for start in (0..path.len()).step_by(CHUNK) {
        turns.extend(conversation::windowed(ctx, &path, start, CHUNK).await?);
    }
    Ok(turns)
}

fn title(graph: &ConversationGraph) -> &str {
    graph.conversation.title.as_deref().unwrap_or("Untitled conversation")
}

fn markdown(graph: &ConversationGraph, turns: &[Turn]) -> String {
    let mut out = format!("# {}\n\n", title(graph).replace('\n', " "));
    for item in turns.iter().flat_map(|turn| &turn.items) {
        if let Some((heading, text)) = section(&item.content) {
            put(&mut out, format_args!("## {heading}\n\n{text}\n\n"));
        }
    }
    out
}

/// A block as Markdown: prose as it is, everything else fenced.
fn section(content: &Content) -> Option<(String, String)> {
    Some(match content {
        Content::Human { text } => ("Human".into(), text.clone()),
        Content::Assistant { text, .. } => ("Assistant".into(), text.clone()),
        Content::ToolCall { name, input, outcome, .. } => {
            let input = fenced(&serde_json::to_string_pretty(input).unwrap_or_default(), "json");
            let result =
                outcome.as_ref().map(|outcome| format!("\n\n{}", fenced(&outcome.text(), "")));
            (format!("Tool: {name}"), format!("{input}{}", result.unwrap_or_default()))
        }
        Content::Compaction { summary } => ("Summary of what was before".into(), summary.clone()),
        Content::Error { kind, message, .. } => (format!("Error: {kind}"), message.clone()),
        _ => return None,
    })
}

/// A fence longer than any in the text.
fn fenced(text: &str, language: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}")
}

const STYLE: &str = "body{font:15px/1.6 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}\
    article{border-top:1px solid #8884;padding:1rem 0}h2{font-size:.8rem;color:#777;margin:0 0 .5rem}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8881;padding:.75rem;border-radius:6px}\
    .plain{white-space:pre-wrap;overflow-wrap:anywhere}table{border-collapse:collapse}td{padding:0 .5rem;white-space:pre}\
    .add{background:#2a81}.del{background:#c221}img{max-width:100%}";

fn html(graph: &ConversationGraph, turns: &[Turn]) -> String {
    let title = escape(title(graph));
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\
         <title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
    );
    for item in turns.iter().flat_map(|turn| &turn.items) {
        let block = render::show(item);
        put(&mut out, format_args!("<article><h2>{}</h2>{}</article>", block.name, block.html));
    }
    out.push_str("</html>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fenced("a ```` b", "json"), "`````json\na ```` b\n`````");
        assert_eq!(fenced("", ""), "```\n\n```");
    }
}
