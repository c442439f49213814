//! One prompt, with a preview of what a client would get.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value};

use super::prompts::library;
use crate::{
    error::PageError,
    view::{Crumb, Ctx, Fragment, Links, Page, Place, Scope},
};

/// Characters of one argument of the preview.
const MAX_VALUE: usize = 4000;
/// Stands before names of arguments that would be taken for others.
const PREFIX: &str = "arg-";

/// A variable with what was typed for it.
#[derive(Debug, Serialize)]
struct Field {
    name: String,
    /// See [`key`].
    key: String,
    required: bool,
    value: String,
}

#[derive(Debug, Serialize)]
pub struct PromptPage {
    name: String,
    description: String,
    fields: Vec<Field>,
    template: String,
    /// The prompt with the arguments filled in, or why it cannot be.
    preview: Option<String>,
    problem: Option<String>,
}

impl Fragment for PromptPage {
    const TEMPLATE: &'static str = "prompt.html";

    #[cfg(test)]
    fn samples() -> Vec<Self> {
        let sample = |text: &str| {
            let prompt = crate::mcp::Prompt::parse("sample", text).expect("a prompt");
            build(&prompt, &Map::from_iter([("b".to_owned(), "<b>".into())]))
        };
        vec![
            sample("template: '{{b}} {{#if c}}{{c}}{{/if}}'\ndescription: d"),
            sample("template: '{{a}}'"),
            sample("template: plain"),
        ]
    }
}

impl Page for PromptPage {
    const PLACE: Place = Place::Prompts;

    fn title(&self) -> String {
        self.name.clone()
    }

    fn crumbs(&self) -> Vec<Crumb> {
        vec![Crumb { label: "Prompts".into(), href: "/prompts".into() }]
    }
}

/// `GET /prompts/{name}`; the query holds the arguments under their [keys](key).
pub async fn page(ctx: Ctx, name: web::Path<String>) -> Result<HttpResponse, PageError> {
    let found = library(&ctx)?.library().find(&name);
    let prompt = found.ok_or_else(|| PageError::NotFound("prompt".into()))?;
    ctx.page(&build(&prompt, &values(&prompt, &ctx.own_links()))).await
}

/// An argument's name in an address, where the scope has names of its own.
fn key(argument: &str) -> String {
    let is_taken = Scope::NAMES.contains(&argument) || argument.starts_with(PREFIX);
    if is_taken { format!("{PREFIX}{argument}") } else { argument.to_owned() }
}

/// What an address says of the prompt's arguments.
fn values(prompt: &crate::mcp::Prompt, links: &Links) -> Map<String, Value> {
    let cut = |value: &str| Value::String(value.chars().take(MAX_VALUE).collect());
    let typed = prompt.arguments.iter().filter_map(|argument| {
        let value = links.get(&key(&argument.name))?;
        Some((argument.name.clone(), cut(value)))
    });
    typed.collect()
}

fn build(prompt: &crate::mcp::Prompt, values: &Map<String, Value>) -> PromptPage {
    let rendered = prompt.render(values);
    PromptPage {
        name: prompt.name.clone(),
        description: prompt.description.clone().unwrap_or_default(),
        fields: prompt
            .arguments
            .iter()
            .map(|argument| Field {
                name: argument.name.clone(),
                key: key(&argument.name),
                required: argument.required,
                value: values
                    .get(&argument.name)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .into(),
            })
            .collect(),
        template: prompt.template.clone(),
        problem: rendered.as_ref().err().map(ToString::to_string),
        preview: rendered.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_is_called_like_the_scope_stands_beside_it() {
        let prompt = crate::mcp::Prompt::parse("p", "template: '{{domain}}, {{topic}}'");
        let prompt = prompt.expect("a prompt");
        let read = |query| values(&prompt, &Links::new("/prompts/p", query));
        assert!(read("domain=a.example&range=7d").is_empty());
        let page = build(&prompt, &read("domain=a.example&arg-domain=music&topic=jazz"));
        assert_eq!(page.preview.as_deref(), Some("music, jazz"));
        let keys: Vec<_> = page.fields.iter().map(|field| field.key.as_str()).collect();
        assert_eq!(keys, ["arg-domain", "topic"]);
        assert_eq!(key("arg-domain"), "arg-arg-domain", "two arguments never share one");
    }
}
