//! `nexus.toml`: one flat table, keys are the variables' names in lower case.

use std::{collections::BTreeMap, path::Path};

use super::{suggest, table};

/// The file's values by variable name, or every mistake in it.
pub fn read(path: &Path) -> Result<BTreeMap<String, String>, Vec<String>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![format!("{} cannot be read: {error}", path.display())])?;
    parse(&text, &path.display().to_string())
}

fn parse(text: &str, name: &str) -> Result<BTreeMap<String, String>, Vec<String>> {
    let entries: toml::Table =
        text.parse().map_err(|error| vec![format!("{name} is not valid TOML: {error}")])?;
    let mut values = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (key, value) in entries {
        match entry(&key, &value) {
            Ok((variable, text)) => drop(values.insert(variable, text)),
            Err(mistake) => mistakes.push(format!("{name}: {mistake}")),
        }
    }
    if mistakes.is_empty() { Ok(values) } else { Err(mistakes) }
}

fn entry(key: &str, value: &toml::Value) -> Result<(String, String), String> {
    let variable = key.to_ascii_uppercase();
    if table::find(&variable).is_none() {
        return Err(format!("unknown key `{key}`{}", did_you_mean(&variable)));
    }
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(_) | toml::Value::Boolean(_) | toml::Value::Float(_) => {
            value.to_string()
        }
        toml::Value::Array(parts) => parts
            .iter()
            .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(","),
        _ => return Err(format!("`{key}` must be a text, a number, true, false or a list")),
    };
    Ok((variable, text))
}

fn did_you_mean(variable: &str) -> String {
    suggest::nearest(variable, table::TABLE.iter().map(|definition| definition.name))
        .and_then(table::find)
        .map(|near| format!(", did you mean `{}`?", near.key()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_all_simple_types_become_text() {
        let values = parse(
            "port = 4000\nhost = \"::1\"\ndebug = true\ntrusted_proxies = [\"10.0.0.1\", \"::1\"]",
            "f",
        )
        .expect("valid");
        assert_eq!(values["PORT"], "4000");
        assert_eq!(values["DEBUG"], "true");
        assert_eq!(values["TRUSTED_PROXIES"], "10.0.0.1,::1");
    }

    #[test]
    fn unknown_keys_are_errors_that_name_the_nearest_and_all_are_reported() {
        let mistakes =
            parse("prot = 1\nelephants = 2\n[mcp]\nenabled = true", "f").expect_err("wrong");
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(mistakes.iter().any(|m| m.contains("did you mean `port`?")), "{mistakes:?}");
    }
}
