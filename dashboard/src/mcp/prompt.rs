//! One prompt: a Handlebars template and the arguments that it takes.

use std::collections::BTreeSet;

use handlebars::{
    Handlebars, Path, Template,
    template::{HelperTemplate, Parameter, TemplateElement},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// A prompt as it was read from its file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prompt {
    /// The file's stem.
    pub name: String,
    pub description: Option<String>,
    pub template: String,
    /// In the order in which the template first names them.
    pub arguments: Vec<Argument>,
}

/// A variable of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Argument {
    pub name: String,
    /// False when an `{{#if}}` or `{{#unless}}` asks for it: the template does without.
    pub required: bool,
}

/// Why a file is no prompt, or a prompt can't be rendered.
#[derive(Debug, Error)]
pub enum PromptError {
    #[error("it is not valid YAML: {0}")]
    Yaml(#[from] yaml_serde::Error),
    #[error("its template is not valid: {0}")]
    Template(Box<handlebars::TemplateError>),
    #[error(
        "its name must be 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and single dots inside"
    )]
    Name,
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    #[error("it cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error("the argument `{0}` is missing")]
    Missing(String),
    #[error("it cannot be rendered: {0}")]
    Render(Box<handlebars::RenderError>),
}

/// A prompt of this size is no prompt.
pub const MAX_BYTES: usize = 256 * 1024;
const MAX_NAME: usize = 64;

#[derive(Deserialize)]
struct File {
    template: String,
    description: Option<String>,
}

impl Prompt {
    /// Reads the text of `<name>.yaml`.
    pub fn parse(name: &str, text: &str) -> Result<Self, PromptError> {
        if !is_name(name) {
            return Err(PromptError::Name);
        }
        if text.len() > MAX_BYTES {
            return Err(PromptError::TooLarge(MAX_BYTES));
        }
        let file = yaml_serde::from_str::<File>(text)?;
        let template = Template::compile(&file.template)
            .map_err(|error| PromptError::Template(Box::new(error)))?;
        Ok(Self {
            name: name.to_owned(),
            description: file.description,
            arguments: arguments(&template),
            template: file.template,
        })
    }

    /// The prompt with its variables filled in. Nothing is escaped: the result is text, not HTML.
    pub fn render(&self, values: &Map<String, Value>) -> Result<String, PromptError> {
        let missing = self.arguments.iter().find(|argument| {
            argument.required && values.get(&argument.name).is_none_or(Value::is_null)
        });
        if let Some(missing) = missing {
            return Err(PromptError::Missing(missing.name.clone()));
        }
        let mut handlebars = Handlebars::new();
        handlebars.register_escape_fn(handlebars::no_escape);
        handlebars
            .render_template(&self.template, values)
            .map_err(|error| PromptError::Render(Box::new(error)))
    }
}

/// Whether `name` can be a prompt's name. It becomes a file's name, so it is kept plain.
pub fn is_name(name: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_');
    let is_plain = |part: &str| !part.is_empty() && part.chars().all(plain);
    name.len() <= MAX_NAME && name.split('.').all(is_plain)
}

fn arguments(template: &Template) -> Vec<Argument> {
    let mut found = Found::default();
    found.template(template);
    let Found { order, optional } = found;
    order.into_iter().map(|name| Argument { required: !optional.contains(&name), name }).collect()
}

#[derive(Default)]
struct Found {
    order: Vec<String>,
    optional: BTreeSet<String>,
}

impl Found {
    fn template(&mut self, template: &Template) {
        for element in &template.elements {
            match element {
                TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
                    self.expression(helper);
                }
                TemplateElement::HelperBlock(helper) => self.block(helper),
                _ => {}
            }
        }
    }

    /// `{{name}}`, or `{{helper argument}}`.
    fn expression(&mut self, helper: &HelperTemplate) {
        if helper.params.is_empty() {
            self.parameter(&helper.name);
        }
        helper.params.iter().for_each(|parameter| self.parameter(parameter));
    }

    fn block(&mut self, helper: &HelperTemplate) {
        let kind = helper.name.as_name().unwrap_or_default();
        for parameter in &helper.params {
            self.parameter(parameter);
            if matches!(kind, "if" | "unless")
                && let Some(name) = name_of(parameter)
            {
                self.optional.insert(name);
            }
        }
        // Inside of `each` and `with`, plain names are fields of the item.
        if !matches!(kind, "each" | "with") {
            helper.template.iter().for_each(|template| self.template(template));
        }
        helper.inverse.iter().for_each(|template| self.template(template));
    }

    fn parameter(&mut self, parameter: &Parameter) {
        if let Some(name) = name_of(parameter)
            && !self.order.contains(&name)
        {
            self.order.push(name);
        }
    }
}

/// The first part of a path: `user.name` takes the argument `user`.
fn name_of(parameter: &Parameter) -> Option<String> {
    let name = match parameter {
        Parameter::Name(name) => name.as_str(),
        Parameter::Path(Path::Relative((_, raw))) => raw.as_str(),
        _ => return None,
    };
    let first = name.split(['.', '/', '[']).next().unwrap_or_default();
    (!first.is_empty() && first != "this").then(|| first.to_owned())
}
