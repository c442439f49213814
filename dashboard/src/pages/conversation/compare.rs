//! The compare tab: two requests, or two branches from their fork, side by side.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use nexus_contract::ExchangeId;
use nexus_store::queries::GraphNode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{data, head::Head, path};
use crate::{
    error::PageError,
    pages::store,
    recordings::Recording,
    render,
    view::{Crumb, Ctx, Fragment, Page, Place},
};

/// Messages of one side that are compared; agents' histories are compared from where they differ.
const MAX_MESSAGES: usize = 200;
/// Branches offered; further ones are compared from the graph.
const CHOICES: usize = 200;

#[derive(Debug, Default, Deserialize)]
pub struct CompareQuery {
    a: Option<String>,
    b: Option<String>,
}

/// One side: an exchange.
#[derive(Debug, Serialize)]
struct Side {
    id: ExchangeId,
    label: String,
    node: GraphNode,
}

/// A part of the requests with its difference.
#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    same: bool,
    /// How it changed, in words.
    note: String,
    html: String,
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
        let parts = parts(
            &Recording::default(),
            &Recording { request: r#"{"model":"<b>"}"#.into(), ..Recording::default() },
        );
        let choices =
            vec![Choice { value: "main".into(), label: "main".into(), in_a: true, in_b: false }];
        let head = || Head::of(&loaded, "compare", None);
        vec![
            Self {
                head: head(),
                a: side(),
                b: side(),
                fork: Some(node.request_id),
                parts,
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
                choices: vec![],
                missing: false,
                unknown: true,
            },
        ]
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
    let side_of = |name: &Option<String>| name.as_deref().and_then(|name| side(&loaded, name));
    let (a, b) = (side_of(&asked.a), side_of(&asked.b));
    let unknown = asked.a.is_some() && a.is_none() || asked.b.is_some() && b.is_none();
    let fork = fork(&loaded, &asked);
    let ids: Vec<ExchangeId> = a.iter().chain(&b).map(|side| side.id).collect();
    let found = ctx.dashboard.deps.recordings.list_recordings(&ids).await.map_err(store)?;
    let found: HashMap<_, _> = found.into_iter().collect();
    let recording =
        |side: &Option<Side>| side.as_ref().and_then(|side| found.get(&side.id)).cloned();
    let both = recording(&a).zip(recording(&b));
    let missing = a.is_some() && b.is_some() && both.is_none();
    let parts = match both {
        Some((a, b)) => web::block(move || parts(&a, &b)).await.map_err(PageError::internal)?,
        None => Vec::new(),
    };
    let choices = choices(&loaded, &asked);
    ctx.page(&ComparePage {
        head: Head::of(&loaded, "compare", None),
        a,
        b,
        fork,
        parts,
        choices,
        missing,
        unknown,
    })
    .await
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
    CompareQuery { a, b }
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

fn parts(a: &Recording, b: &Recording) -> Vec<Part> {
    let read = |recording: &Recording| {
        serde_json::from_slice::<Value>(&recording.request).unwrap_or(Value::Null)
    };
    let (a, b) = (read(a), read(b));
    let field = |value: &Value, name: &str| value.get(name).cloned().unwrap_or(Value::Null);
    let same = |name: &str| part(title(name), &field(&a, name), &field(&b, name));
    vec![
        same("system"),
        same("tools"),
        part("Parameters", &parameters(&a), &parameters(&b)),
        messages(&a, &b),
    ]
}

fn title(name: &str) -> &'static str {
    if name == "system" { "System prompt" } else { "Tools" }
}

fn parameters(request: &Value) -> Value {
    let mut rest = request.clone();
    if let Some(fields) = rest.as_object_mut() {
        for name in ["system", "tools", "messages"] {
            fields.shift_remove(name);
        }
    }
    rest
}

fn part(name: &'static str, a: &Value, b: &Value) -> Part {
    if a == b {
        return Part { name, same: true, note: "the same".into(), html: String::new() };
    }
    Part {
        name,
        same: false,
        note: "differs".into(),
        html: render::diff_html(&pretty(a), &pretty(b)),
    }
}

/// From the first message at which they differ.
fn messages(a: &Value, b: &Value) -> Part {
    let of = |value: &Value| {
        value.get("messages").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let (a, b) = (of(a), of(b));
    let shared = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let note = format!(
        "{shared} the same, then {} of the first and {} of the second",
        a.len() - shared,
        b.len() - shared
    );
    let rest = |messages: &[Value]| {
        messages[shared..].iter().take(MAX_MESSAGES).map(pretty).collect::<Vec<_>>().join("\n")
    };
    let (a, b) = (rest(&a), rest(&b));
    let same = a == b;
    Part {
        name: "Messages",
        same,
        note,
        html: if same { String::new() } else { render::diff_html(&a, &b) },
    }
}

/// JSON with text as lines, so that a diff shows which line changed.
fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // A value that was read is written again.
        value => serde_json::to_string_pretty(value).unwrap_or_default().replace("\\n", "\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_choice_is_compared_with_another_branch() {
        let loaded = data::sample();
        let sides = |a: Option<&str>, b: Option<&str>| {
            let asked = CompareQuery { a: a.map(str::to_owned), b: b.map(str::to_owned) };
            let chosen = chosen(&loaded, asked);
            (chosen.a.expect("a side"), chosen.b.expect("a side"))
        };
        let (first, second) = sides(None, None);
        assert_ne!(first, second);
        assert_eq!(sides(Some(&second), None), (second.clone(), first.clone()));
        assert_eq!(sides(None, Some(&first)), (second, first));
    }

    #[test]
    fn messages_are_compared_from_where_they_differ() {
        let recording =
            |body: Value| Recording { request: body.to_string().into(), ..Recording::default() };
        let a = recording(
            serde_json::json!({"model": "m", "messages": [{"content": "one"}, {"content": "two"}]}),
        );
        let b = recording(
            serde_json::json!({"model": "n", "messages": [{"content": "one"}, {"content": "zwei"}]}),
        );
        let parts = parts(&a, &b);
        assert_eq!(
            parts.iter().map(|part| part.same).collect::<Vec<_>>(),
            [true, true, false, false]
        );
        assert!(
            parts[3].note.starts_with("1 the same")
                && parts[3].html.contains("zwei")
                && !parts[3].html.contains("one")
        );
    }
}
