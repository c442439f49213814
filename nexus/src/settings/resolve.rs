//! From four sources to one value per setting.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use super::{file, suggest, table, table::TABLE};

/// Where settings come from.
#[derive(Debug, Default)]
pub struct Inputs {
    /// Values of command-line flags by variable name.
    pub flags: BTreeMap<String, String>,
    /// The process's environment.
    pub environment: BTreeMap<String, String>,
    /// The settings file; `None` when there is none.
    pub file: Option<PathBuf>,
}

/// Which source a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Flag,
    Environment,
    File,
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "nexus.toml",
            Self::Default => "default",
        })
    }
}

/// Every setting's text and source.
#[derive(Debug, Default)]
pub struct Resolved {
    values: BTreeMap<&'static str, (String, Source)>,
    /// Things to say that stop nothing: unknown `NEXUS_*` variables.
    pub warnings: Vec<String>,
}

impl Resolved {
    /// The text and where it came from; `None` when the setting is unset and has no default.
    pub fn get(&self, name: &str) -> Option<(&str, Source)> {
        self.values.get(name).map(|(text, source)| (text.as_str(), *source))
    }
}

/// Takes each setting from the first source that has it. An empty text counts as unset.
pub fn resolve(inputs: &Inputs) -> Result<Resolved, Vec<String>> {
    let from_file = match &inputs.file {
        Some(path) => file::read(path)?,
        None => BTreeMap::new(),
    };
    let sources = [
        (Source::Flag, &inputs.flags),
        (Source::Environment, &inputs.environment),
        (Source::File, &from_file),
    ];
    let mut resolved = Resolved { warnings: unknown(&inputs.environment), ..Resolved::default() };
    for definition in TABLE {
        let found = sources.iter().find_map(|(source, values)| {
            let text = values.get(definition.name)?.trim();
            (!text.is_empty()).then(|| (text.to_owned(), *source))
        });
        let value = found.or_else(|| Some((definition.default?.to_owned(), Source::Default)));
        if let Some(value) = value {
            resolved.values.insert(definition.name, value);
        }
    }
    Ok(resolved)
}

/// A warning for each `NEXUS_*` variable that means nothing; orchestrators set such by themselves,
/// so it is no error.
fn unknown(environment: &BTreeMap<String, String>) -> Vec<String> {
    environment
        .keys()
        .filter(|name| name.starts_with("NEXUS_") && table::find(name).is_none())
        .map(|name| {
            let near = suggest::nearest(name, TABLE.iter().map(|definition| definition.name))
                .map(|near| format!(", did you mean {near}?"))
                .unwrap_or_default();
            format!("the environment variable {name} is not a setting{near}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("nexus.toml");
        std::fs::write(&path, "port = 1\nhost = \"::1\"\ndashboard_port = 7").expect("written");
        let resolved = resolve(&Inputs {
            flags: map(&[("PORT", "3")]),
            environment: map(&[("PORT", "2"), ("HOST", "0.0.0.0"), ("LOG_LEVEL", " ")]),
            file: Some(path),
        })
        .expect("valid");
        assert_eq!(resolved.get("PORT"), Some(("3", Source::Flag)));
        assert_eq!(resolved.get("HOST"), Some(("0.0.0.0", Source::Environment)));
        assert_eq!(resolved.get("DASHBOARD_PORT"), Some(("7", Source::File)));
        assert_eq!(resolved.get("LOG_LEVEL"), Some(("info", Source::Default)));
        assert_eq!(resolved.get("NATS_URL"), None);
    }

    #[test]
    fn unknown_nexus_variables_are_warnings() {
        let environment = map(&[("NEXUS_DATADIR", "x"), ("NEXUS_SERVICE_HOST", "y"), ("PATH", "")]);
        let resolved = resolve(&Inputs { environment, ..Inputs::default() }).expect("valid");
        assert_eq!(resolved.warnings.len(), 2);
        assert!(resolved.warnings[0].ends_with("did you mean NEXUS_DATA_DIR?"));
    }
}
