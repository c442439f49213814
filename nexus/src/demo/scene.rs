//! The demo's sessions as data.

use std::collections::BTreeMap;

use serde::Deserialize;

const SCENES: &str = include_str!("scenes.toml");

/// One session of one person.
#[derive(Debug, Clone, Deserialize)]
pub struct Scene {
    pub domain: String,
    pub model: String,
    pub system: String,
    pub step: Vec<Step>,
}

/// One thing that the person does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Step {
    /// What is typed.
    pub human: String,
    /// How the stand-in answers.
    pub script: String,
    /// How it answers sub-agents, by their description.
    pub agents: BTreeMap<String, String>,
    /// The history is taken back to before this step (counted from 1) first.
    pub rewind: Option<usize>,
    /// The history is summarised instead.
    pub compact: bool,
}

#[derive(Deserialize)]
struct Scenes {
    scene: Vec<Scene>,
}

/// All scenes.
pub fn all() -> anyhow::Result<Vec<Scene>> {
    Ok(toml::from_str::<Scenes>(SCENES)?.scene)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_step_types_something_or_compacts() {
        let scenes = super::all().expect("valid");
        assert!(scenes.len() > 3);
        for step in scenes.iter().flat_map(|scene| &scene.step) {
            assert!(
                step.compact != (!step.human.is_empty() && !step.script.is_empty()),
                "{step:?}"
            );
        }
    }
}
