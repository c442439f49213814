//! One prompt, with a preview of what a client would get.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Map, Value};

use super::prompts::library;
use crate::{
    error::PageError,
    view::{Crumb, Ctx, Fragment, Page, Place},
};

/// Characters of one argument of the preview.
const MAX_VALUE: usize = 4000;

/// A variable with what was typed for it.
#[derive(Debug, Serialize)]
struct Field {
    name: String,
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

/// `GET /prompts/{name}`; the query's parameters are the arguments.
pub async fn page(
    ctx: Ctx,
    name: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, PageError> {
    let found = library(&ctx)?.library().find(&name);
    let prompt = found.ok_or_else(|| PageError::NotFound("prompt".into()))?;
    ctx.page(&build(&prompt, &values(request.query_string()))).await
}

fn values(query: &str) -> Map<String, Value> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let typed = pairs.filter(|(_, value)| !value.is_empty());
    let cut = |value: &str| Value::String(value.chars().take(MAX_VALUE).collect());
    typed.map(|(name, value)| (name.into_owned(), cut(&value))).collect()
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
