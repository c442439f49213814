//! One request: everything that is known of it.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use nexus_contract::{ExchangeId, Headers};
use nexus_messages::transcript::{self, Window};
use nexus_store::queries::{ExchangeKind, LinkMethod, Linked, RequestSummary};
use serde::Serialize;
use serde_json::Value;

use super::{overview::float, store};
use crate::{
    error::PageError,
    recordings::{Recording, Row},
    render::{self, Shown},
    view::{Crumb, Ctx, Fragment, GatewayAddress, Page, Place},
};

/// Bytes of raw stream shown at once.
const RAW: usize = 400_000;

/// One header.
#[derive(Debug, Serialize)]
struct Header {
    name: String,
    value: String,
}

/// A tool that the request offers.
#[derive(Debug, Serialize)]
struct Tool {
    name: String,
    description: String,
}

/// Where the time went, as shares of the whole.
#[derive(Debug, Serialize)]
struct Timing {
    first_token_ms: f64,
    rest_ms: f64,
    share: f64,
}

#[derive(Debug, Serialize)]
pub struct RequestPage {
    row: RequestSummary,
    /// Of its conversation.
    title: Option<String>,
    blocks: Vec<Shown>,
    feedback: Option<String>,
    has_bytes: bool,
    /// Messages of the shared history, folded.
    shared: usize,
    children: Vec<RequestSummary>,
    tools: Vec<Tool>,
    parameters: String,
    usage: String,
    timing: Option<Timing>,
    request_headers: Vec<Header>,
    response_headers: Vec<Header>,
    request_bytes: usize,
    response_bytes: usize,
    curl: String,
    gateway: GatewayAddress,
    why: String,
}

impl Fragment for RequestPage {
    const TEMPLATE: &'static str = "request.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let recording = Recording {
            request: r#"{"model":"m","messages":[{"role":"user","content":"<b>"}],"tools":[{"name":"<i>","description":"d"}]}"#.into(),
            request_headers: Headers::recorded([("x-a", &b"<b>"[..])]),
            ..Recording::default()
        };
        let own = Around { own: Some(recording), ..Around::default() };
        let row = super::requests::sample();
        let gateway = GatewayAddress::default();
        let method = LinkMethod { name: "agent_prefix", confidence: 100 };
        let linked = Some(Linked { method, title: Some("<b>hi</b>".into()) });
        vec![
            build(row.clone(), linked, vec![row.clone()], own, gateway.clone()),
            build(row, None, vec![], Around::default(), gateway),
        ]
    }
}

impl Page for RequestPage {
    const PLACE: Place = Place::Requests;

    fn title(&self) -> String {
        let id = self.row.request_id.to_string();
        format!("Request {}", &id[id.len() - 8..])
    }

    fn crumbs(&self) -> Vec<Crumb> {
        let mut crumbs = vec![Crumb { label: "Requests".into(), href: "/requests".into() }];
        crumbs.extend(self.row.conversation_id.map(|id| Crumb {
            label: self.title.clone().unwrap_or_else(|| "Untitled conversation".into()),
            href: format!("/conversations/{id}?node={}", self.row.request_id),
        }));
        crumbs
    }
}

/// `GET /requests/{id}`
pub async fn page(ctx: Ctx, id: web::Path<String>) -> Result<HttpResponse, PageError> {
    let id = super::id(&id, "request")?;
    let deps = &ctx.dashboard.deps;
    let row = deps.queries.find_request(id).await.map_err(store)?;
    let row = row.ok_or_else(|| PageError::NotFound("request".into()))?;
    let linked = deps.queries.find_linked(id).await.map_err(store)?;
    let children = deps.queries.list_children(id).await.map_err(store)?;
    let next = next(&row, &children).map(|child| child.request_id);
    let ids: Vec<ExchangeId> = row.parent_request_id.into_iter().chain([id]).chain(next).collect();
    let mut found: HashMap<_, _> =
        deps.recordings.list_recordings(&ids).await.map_err(store)?.into_iter().collect();
    let mut take = |id: Option<ExchangeId>| id.and_then(|id| found.remove(&id));
    let around =
        Around { parent: take(row.parent_request_id), own: take(Some(id)), next: take(next) };
    let gateway = ctx.gateway();
    let page = web::block(move || build(row, linked, children, around, gateway))
        .await
        .map_err(PageError::internal)?;
    ctx.page(&page).await
}

/// The bytes of a request and of its neighbours: the one before says what is old, the one after
/// brings the results of its tool calls.
#[derive(Debug, Default)]
struct Around {
    parent: Option<Recording>,
    own: Option<Recording>,
    next: Option<Recording>,
}

/// The exchange that goes on from it first.
fn next<'a>(row: &RequestSummary, children: &'a [RequestSummary]) -> Option<&'a RequestSummary> {
    children.iter().find(|child| child.parent_request_id == Some(row.request_id))
}

fn build(
    row: RequestSummary,
    linked: Option<Linked>,
    children: Vec<RequestSummary>,
    around: Around,
    gateway: GatewayAddress,
) -> RequestPage {
    let has_bytes = around.own.is_some();
    let own = around.own.unwrap_or_default();
    let body: Value = serde_json::from_slice(&own.request).unwrap_or(Value::Null);
    let before = around.parent.map(|recording| {
        recording.exchange(&Row {
            id: row.parent_request_id.unwrap_or(row.request_id),
            ..Row::from(&row)
        })
    });
    let exchange = own.exchange(&Row::from(&row));
    let after = next(&row, &children).zip(around.next);
    let after = after.map(|(child, recording)| recording.exchange(&Row::from(child)));
    let turns = transcript::read(&Window {
        before: before.as_ref(),
        exchanges: std::slice::from_ref(&exchange),
        after: after.as_ref(),
    });
    let blocks: Vec<Shown> = turns.iter().flat_map(|turn| &turn.items).map(render::show).collect();
    let answer = own.answer();
    RequestPage {
        feedback: super::feedback::source(blocks.iter()),
        blocks: if has_bytes { blocks } else { Vec::new() },
        has_bytes,
        shared: shared(&body, before.as_ref()),
        tools: tools(&body),
        parameters: render::json_tree(&parameters(body), 2),
        usage: render::json_tree(&Value::Object(answer.usage.raw().clone()), 2),
        timing: timing(&row),
        request_headers: headers(&own.request_headers),
        response_headers: headers(&own.response_headers),
        request_bytes: own.request.len(),
        response_bytes: own.response.len(),
        curl: curl(&own, &gateway.url, row.request_id),
        gateway,
        why: why(row.kind, linked.as_ref().map(|linked| linked.method)),
        title: linked.and_then(|linked| linked.title),
        children,
        row,
    }
}

/// Messages that the parent had already sent.
fn shared(body: &Value, before: Option<&transcript::Exchange>) -> usize {
    let count = |body: &Value| body.get("messages").and_then(Value::as_array).map_or(0, Vec::len);
    let before = before.and_then(|before| serde_json::from_slice::<Value>(&before.request).ok());
    before.map_or(0, |before| count(&before).min(count(body)))
}

fn parameters(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        for name in ["system", "tools", "messages"] {
            fields.shift_remove(name);
        }
    }
    body
}

fn tools(body: &Value) -> Vec<Tool> {
    let text = |tool: &Value, name: &str| {
        tool.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let tools = body.get("tools").and_then(Value::as_array).into_iter().flatten();
    tools
        .map(|tool| Tool {
            name: text(tool, "name"),
            description: text(tool, "description").chars().take(600).collect(),
        })
        .collect()
}

fn timing(row: &RequestSummary) -> Option<Timing> {
    let (first, all) = (float(row.first_token_ms?), float(row.duration_ms?));
    (all > 0.0).then(|| Timing {
        first_token_ms: first,
        rest_ms: (all - first).max(0.0),
        share: (first / all).min(1.0),
    })
}

fn headers(headers: &Headers) -> Vec<Header> {
    headers.iter().map(|(name, value)| Header { name: name.into(), value: value.into() }).collect()
}

/// The request as a command, credentials left to the environment.
fn curl(recording: &Recording, gateway: &str, id: ExchangeId) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut lines = vec![format!("curl {}", quote(&format!("{gateway}{}", recording.path)))];
    for (name, value) in recording.request_headers.iter() {
        let kept = name.starts_with("anthropic-") || name == "content-type";
        if kept && value != nexus_contract::header::MASKED {
            lines.push(format!("  -H {}", quote(&format!("{name}: {value}"))));
        }
    }
    lines.push("  -H \"x-api-key: $ANTHROPIC_API_KEY\"".into());
    lines.push(format!("  --data-binary @{id}.json"));
    lines.join(" \\\n")
}

/// Why it stands where it stands.
fn why(kind: Option<ExchangeKind>, method: Option<LinkMethod>) -> String {
    let method = method.filter(|method| method.name != "none");
    let by = |name: &str| method.as_ref().is_some_and(|method| method.name == name);
    let why = match kind {
        Some(ExchangeKind::Root) if by("refused") => {
            "It begins its conversation: the edge found would have closed a circle."
        }
        Some(ExchangeKind::Turn) if by("session") => {
            "Nothing but the session ties it to its parent, whose history it does not repeat."
        }
        Some(ExchangeKind::Turn) if by("thread") => "Its message thread names its parent's answer.",
        Some(ExchangeKind::Root) => {
            "It begins its conversation: no earlier exchange's history is a prefix of its own."
        }
        Some(ExchangeKind::Turn) => {
            "Its history continues its parent's: the longest prefix of its messages that is another exchange's whole history."
        }
        Some(ExchangeKind::Subagent) => {
            "A tool call of the exchange above started it: the sub-agent's header or its prompt says which."
        }
        Some(ExchangeKind::Compact) => {
            "Its history begins with the summary that its parent's answer holds."
        }
        Some(ExchangeKind::Attempt) => {
            "The same request was made before and did not complete: this is one more attempt."
        }
        Some(ExchangeKind::Auxiliary) => {
            "It is work for the client's user interface and stands beside the conversation."
        }
        None => "It has not been linked yet.",
    };
    let found = method.map(|LinkMethod { name, confidence }| {
        format!(" Method: {name}, confidence {confidence} %.")
    });
    [why, &found.unwrap_or_default()].concat()
}

/// `GET /requests/{id}/raw/{part}`: a body on demand, as a tree, as events, or to download.
pub async fn raw(ctx: Ctx, path: web::Path<(String, String)>) -> Result<HttpResponse, PageError> {
    let id = super::id(&path.0, "request")?;
    let found = ctx.dashboard.deps.recordings.list_recordings(&[id]).await.map_err(store)?;
    let (_, recording) =
        found.into_iter().next().ok_or_else(|| PageError::NotFound("recorded body".into()))?;
    let html = match path.1.as_str() {
        "request" => tree(&recording.request),
        "response" if serde_json::from_slice::<Value>(&recording.response).is_ok() => {
            tree(&recording.response)
        }
        "response" => text(&recording.response),
        "download" => return Ok(download(id, recording)),
        _ => return Err(PageError::NotFound("such part of a request".into())),
    };
    Ok(HttpResponse::Ok().insert_header(("content-type", "text/html; charset=utf-8")).body(html))
}

fn tree(bytes: &[u8]) -> String {
    serde_json::from_slice::<Value>(bytes)
        .map_or_else(|_no_json| text(bytes), |value| render::json_tree(&value, 1))
}

fn text(bytes: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(RAW)]);
    let more = if bytes.len() > RAW {
        format!("\n… {} more bytes", bytes.len() - RAW)
    } else {
        String::new()
    };
    format!("<pre class=\"block\" tabindex=\"0\">{}{more}</pre>", crate::view::escape(&shown))
}

fn download(id: ExchangeId, recording: Recording) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("content-type", "application/octet-stream"))
        .insert_header(("content-disposition", format!("attachment; filename=\"{id}.json\"")))
        .body(recording.request)
}
