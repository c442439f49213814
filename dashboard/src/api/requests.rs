//! `/api/requests`.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use nexus_contract::{Headers, TerminalState};
use nexus_messages::{Answer as Said, RequestType};
use nexus_store::queries::{
    Cursor, ExchangeKind, LinkReason, Page, Paging, RequestFilter, RequestSort, RequestSummary,
    StatusFilter, Unsearched,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, extend, id, json},
    miss,
    params::Params,
};
use crate::{deps::Dashboard, error::PageError, recordings::Half};

pub async fn list(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let Page { items, next_cursor, unsearched } =
        find(&dashboard, &params, &params.paging()?).await?;
    json(&List { requests: items, next_cursor, unsearched })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    requests: Vec<RequestSummary>,
    next_cursor: Option<Cursor>,
    unsearched: Option<Unsearched>,
}

pub async fn find(
    dashboard: &Dashboard,
    params: &Params,
    paging: &Paging,
) -> Result<Page<RequestSummary>, PageError> {
    Ok(dashboard.deps.queries.list_requests(&filter(params)?, paging).await?)
}

pub fn filter(params: &Params) -> Result<RequestFilter, PageError> {
    const STATES: &str = "completed, upstream_error, upstream_cut, client_aborted, timed_out, \
                          refused or aborted";
    Ok(RequestFilter {
        domain: params.text("domain").map(str::to_ascii_lowercase),
        account_id: params.owned("accountId"),
        model: params.owned("model"),
        request_type: params.read("type", TYPES, RequestType::parse)?,
        status: params.read("status", "a status such as 429 or 5xx", StatusFilter::parse)?,
        state: params.read("state", STATES, TerminalState::parse)?,
        kind: params.read(
            "kind",
            "root, turn, subagent, compact, attempt or auxiliary",
            ExchangeKind::parse,
        )?,
        conversation_id: params.id("conversationId")?,
        branch_id: params.owned("branchId"),
        from: params.instant("from")?,
        to: params.instant("to")?,
        search: params.search()?,
        sort: params
            .read("sort", "time, cost or duration", RequestSort::parse)?
            .unwrap_or_default(),
    })
}

pub const TYPES: &str = "quota, auxiliary or inference";

pub async fn one(dashboard: Data<Dashboard>, path: Path<String>) -> Answer {
    let id = id(&path);
    let queries = &dashboard.deps.queries;
    let missing = || PageError::NotFound("request of that id".into());
    let request = queries.find_request(id).await?.ok_or_else(missing)?;
    let reason = queries.find_link_reason(id).await?;
    let recordings = dashboard.deps.recordings.list_recordings(&[id]).await?;
    let recording = recordings.into_iter().next().map(|(_, recording)| recording);
    let recording = recording.unwrap_or_default();
    let miss = miss::find(&dashboard, &request, &recording).await?;
    let said = recording.answer();
    let usage = said.usage.raw();
    let mut detail = json!(request);
    let more = json!({
        "link": link(&request, reason.as_ref()),
        "hashes": reason.map(|reason| reason.hashes).unwrap_or_default(),
        "cacheMiss": miss,
        "requestHeaders": headers(&recording.request_headers),
        "responseHeaders": headers(&recording.response_headers),
        "requestBody": body(&recording.request),
        "responseBody": answer_body(&said, &recording.response),
        "usage": if usage.is_empty() { Value::Null } else { json!(usage) },
    });
    extend(&mut detail, more);
    json(&detail)
}

/// `GET /api/requests/{id}/body/{part}`: the recorded bytes of a `request` or its `response`, as
/// they passed; nothing of a half that is not stored yet.
pub async fn body_bytes(dashboard: Data<Dashboard>, path: Path<(String, String)>) -> Answer {
    let unknown = || PageError::NotFound("body of that name".into());
    let half = Half::parse(&path.1).ok_or_else(unknown)?;
    let found = dashboard.deps.recordings.find_body(id(&path.0), half).await?;
    let missing = || PageError::NotFound(format!("stored {} (yet)", path.1));
    let bytes = found.ok_or_else(missing)?;
    // Captured content is hostile: never a page of this origin, whatever it holds.
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", "application/octet-stream"))
        .insert_header(("content-disposition", "attachment"))
        .body(bytes))
}

fn link(request: &RequestSummary, reason: Option<&LinkReason>) -> Value {
    json!({
        "parentRequestId": request.parent_request_id,
        "parentTaskRequestId": request.parent_task_request_id,
        "method": reason.map(|reason| reason.method),
        "confidence": reason.map(|reason| reason.confidence),
    })
}

/// Headers by name; values of a name given twice are joined as RFC 9110 §5.3 has it.
fn headers(headers: &Headers) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in headers.iter() {
        match fields.get_mut(name) {
            Some(Value::String(known)) => {
                known.push_str(", ");
                known.push_str(value);
            }
            _none => {
                fields.insert(name.to_owned(), value.into());
            }
        }
    }
    fields.into()
}

/// JSON as it is, anything else as text; nothing as null.
fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    let text = || Value::String(String::from_utf8_lossy(bytes).into_owned());
    serde_json::from_slice(bytes).unwrap_or_else(|_no_json| text())
}

/// A stream as the message that it makes up.
fn answer_body(said: &Said, bytes: &[u8]) -> Value {
    match body(bytes) {
        Value::String(_) if !said.is_empty() => said.to_message(),
        plain => plain,
    }
}
