//! The demo's prompts for MCP clients, as a team might have them.

use std::{fs, io, path::Path};

/// Names and files.
const PROMPTS: [(&str, &str); 6] = [
    ("explain", include_str!("prompts/explain.yaml")),
    ("fix-bug", include_str!("prompts/fix-bug.yaml")),
    ("plan-migration", include_str!("prompts/plan-migration.yaml")),
    ("release-notes", include_str!("prompts/release-notes.yaml")),
    ("review", include_str!("prompts/review.yaml")),
    ("write-tests", include_str!("prompts/write-tests.yaml")),
];

/// Writes them into `folder`, which is made.
pub fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    PROMPTS.iter().try_for_each(|(name, text)| fs::write(folder.join(format!("{name}.yaml")), text))
}

#[cfg(test)]
mod tests {
    use nexus_dashboard::mcp::Prompt;

    use super::*;

    #[test]
    fn each_is_a_prompt_with_a_description_and_arguments() {
        for (name, text) in PROMPTS {
            let prompt =
                Prompt::parse(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(prompt.description.is_some(), "{name} has a description");
            assert!(prompt.arguments.iter().any(|one| one.required), "{name} asks for something");
            assert!(prompt.arguments.iter().any(|one| !one.required), "{name} offers something");
        }
    }
}
