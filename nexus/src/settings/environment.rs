//! The process's environment as settings see it. Read once, here.

use std::collections::BTreeMap;

use super::table::TABLE;

/// Variables that exist in lower case by older convention.
const LOWER_CASE: [&str; 2] = ["HTTPS_PROXY", "NO_PROXY"];

/// The environment, with secrets that stand in files (`DATABASE_URL_FILE=/run/secrets/…`) read.
pub fn read() -> Result<BTreeMap<String, String>, Vec<String>> {
    prepare(std::env::vars_os().filter_map(|(name, value)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    }))
}

fn prepare(
    variables: impl Iterator<Item = (String, String)>,
) -> Result<BTreeMap<String, String>, Vec<String>> {
    let mut environment: BTreeMap<String, String> = variables.collect();
    for name in LOWER_CASE {
        if let Some(value) = environment.get(&name.to_ascii_lowercase()).cloned() {
            environment.entry(name.to_owned()).or_insert(value);
        }
    }
    let mut mistakes = Vec::new();
    for definition in TABLE.iter().filter(|definition| definition.secret) {
        if let Some(path) = environment.remove(&format!("{}_FILE", definition.name)) {
            match secret(definition.name, &path, environment.contains_key(definition.name)) {
                Ok(value) => drop(environment.insert(definition.name.to_owned(), value)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
    }
    if mistakes.is_empty() { Ok(environment) } else { Err(mistakes) }
}

fn secret(name: &str, path: &str, given_twice: bool) -> Result<String, String> {
    if given_twice {
        return Err(format!("{name} and {name}_FILE are both set; keep one"));
    }
    std::fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .map_err(|error| format!("{name}_FILE: {path} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<BTreeMap<String, String>, Vec<String>> {
        prepare(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn a_secret_can_stand_in_a_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        std::fs::write(&path, "abc\n").expect("written");
        let path = path.to_str().expect("UTF-8");
        let environment = from(&[("DASHBOARD_API_KEY_FILE", path)]).expect("valid");
        assert_eq!(environment["DASHBOARD_API_KEY"], "abc");
        assert!(from(&[("DASHBOARD_API_KEY_FILE", "/nowhere")]).is_err());
        assert!(from(&[("NATS_URL_FILE", path), ("NATS_URL", "x")]).is_err());
    }

    #[test]
    fn the_proxy_variables_count_in_lower_case_too() {
        let environment = from(&[("https_proxy", "http://p:1")]).expect("valid");
        assert_eq!(environment["HTTPS_PROXY"], "http://p:1");
    }
}
