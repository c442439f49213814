//! What `deploy/compose.yaml` says, so that tests run with the values that operators run with.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use yaml_serde::{Mapping, Value};

use crate::paths;

/// Anchors in anchors: this many levels of merging are enough for any sane file.
const MERGES: usize = 8;
/// The image that all roles of Nexus share.
const IMAGE: &str = "nexus:local";

/// The file with its merges done and its variables filled in.
#[derive(Debug)]
pub struct Compose {
    services: Mapping,
    variables: BTreeMap<String, String>,
}

impl Compose {
    /// Reads the file; `variables` are what `.env` and the operator's shell would say.
    pub fn read(variables: BTreeMap<String, String>) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(paths::deploy("compose.yaml"))?;
        let mut file: Value = yaml_serde::from_str(&text)?;
        for _ in 0..MERGES {
            file.apply_merge()?;
        }
        let services = file.get("services").and_then(Value::as_mapping).cloned();
        Ok(Self { services: services.context("compose.yaml has no services")?, variables })
    }

    /// Names of the services that run a role, in the file's order; `migrate` is none.
    pub fn roles(&self) -> Vec<String> {
        let named = self.services.iter().filter(|(_, service)| {
            service.get("image").and_then(Value::as_str) == Some(IMAGE)
                && service.get("restart").and_then(Value::as_str) != Some("no")
        });
        named.filter_map(|(name, _)| name.as_str().map(str::to_owned)).collect()
    }

    /// The words after a service's entry point.
    pub fn command(&self, service: &str) -> anyhow::Result<Vec<String>> {
        let words = self.service(service)?.get("command").and_then(Value::as_sequence);
        let words = words.with_context(|| format!("{service} has no command"))?;
        words.iter().map(|word| self.text(word)).collect()
    }

    /// A service's environment.
    pub fn environment(&self, service: &str) -> anyhow::Result<Vec<(String, String)>> {
        let pairs = self.service(service)?.get("environment").and_then(Value::as_mapping);
        let pairs = pairs.with_context(|| format!("{service} has no environment"))?;
        let pair = |(name, value): (&Value, &Value)| Ok((self.text(name)?, self.text(value)?));
        pairs.iter().map(pair).collect()
    }

    fn service(&self, name: &str) -> anyhow::Result<&Value> {
        self.services.get(name).with_context(|| format!("compose.yaml has no service {name}"))
    }

    fn text(&self, value: &Value) -> anyhow::Result<String> {
        match value {
            Value::String(text) => self.interpolated(text),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(flag.to_string()),
            other => bail!("{other:?} is no text"),
        }
    }

    /// `${NAME:-default}` and `${NAME:?why}`, as compose reads them.
    fn interpolated(&self, text: &str) -> anyhow::Result<String> {
        let mut whole = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (inner, behind) = after.split_once('}').context("an open brace")?;
            whole.push_str(before);
            whole.push_str(&self.variable(inner)?);
            rest = behind;
        }
        Ok(whole + rest)
    }

    fn variable(&self, inner: &str) -> anyhow::Result<String> {
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner.split(":?").next().unwrap_or(inner), None),
        };
        let given = self.variables.get(name).map(String::as_str).or(default);
        given.map(str::to_owned).with_context(|| format!("{name} is not set"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_and_variables_are_what_compose_makes_of_them() {
        let variables = BTreeMap::from([("LOG_LEVEL".to_owned(), "debug".to_owned())]);
        let compose = Compose::read(variables).expect("the file can be read");
        assert_eq!(compose.command("gateway-2").expect("a command"), ["gateway"]);
        let environment = compose.environment("gateway-2").expect("an environment");
        let value = |wanted: &str| {
            let found = environment.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("LOG_LEVEL"), Some("debug"), "from the variable, through two merges");
        assert_eq!(value("ALLOW_PASSTHROUGH"), Some("false"), "the default");
        assert!(compose.roles().iter().all(|name| name != "migrate" && name != "postgres"));
        assert!(compose.roles().len() >= 8, "{:?}", compose.roles());
    }
}
