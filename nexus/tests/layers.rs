//! Dependencies between the project's crates run downward: contract, then bus and store, then the
//! roles, then the binary.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// From the bottom up. A crate may use what stands in a lower layer, and in its own layer what is
/// listed before it, where [`SIBLINGS`] allows that.
const LAYERS: [&[&str]; 5] = [
    &["nexus-contract", "nexus-messages", "nexus-linking"],
    &["nexus-journal", "nexus-bus", "nexus-migrations", "nexus-store"],
    &["nexus-gateway", "nexus-linker", "nexus-storage", "nexus-analysis", "nexus-dashboard"],
    &["nexus-scripted"],
    &["nexus"],
];

/// Layers whose crates may use each other; roles never do.
const SIBLINGS: [usize; 2] = [0, 1];

/// What must not be used although it lies below.
const FORBIDDEN: [(&str, &str); 4] = [
    ("nexus-gateway", "nexus-store"),
    ("nexus-gateway", "nexus-migrations"),
    ("nexus-store", "nexus-bus"),
    ("nexus-store", "nexus-journal"),
];

/// Crates without I/O must not reach for these.
const NO_IO: [&str; 6] = ["tokio", "actix-web", "reqwest", "sqlx", "async-nats", "awc"];

type Uses = BTreeMap<String, Vec<String>>;

#[test]
fn dependencies_run_downward() {
    let uses = uses();
    let mut wrong = Vec::new();
    for (name, used) in &uses {
        let Some((layer, place)) = find(name) else { continue };
        for other in used.iter().filter(|other| other.starts_with("nexus")) {
            let below = find(other).is_some_and(|(l, p)| {
                l < layer || (l == layer && SIBLINGS.contains(&l) && p < place)
            });
            if !below || FORBIDDEN.contains(&(name, other)) {
                wrong.push(format!("{name} → {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "against the layers: {wrong:#?}");
}

#[test]
fn the_contract_does_no_io() {
    let uses = uses();
    for name in LAYERS[0] {
        let found: Vec<_> =
            uses[*name].iter().filter(|used| NO_IO.contains(&used.as_str())).collect();
        assert!(found.is_empty(), "{name} uses {found:?}");
    }
}

#[test]
fn every_crate_has_a_layer() {
    let tests = |name: &str| name == "nexus-e2e" || name == "nexus-bench";
    let lost: Vec<_> =
        uses().into_keys().filter(|name| find(name).is_none() && !tests(name)).collect();
    assert!(lost.is_empty(), "name a layer for {lost:?}");
}

fn find(name: &str) -> Option<(usize, usize)> {
    let place = |layer: &&[&str]| layer.iter().position(|known| *known == name);
    LAYERS.iter().enumerate().find_map(|(index, layer)| Some((index, place(layer)?)))
}

/// What each crate of the workspace uses, but for its tests.
fn uses() -> Uses {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(|package| (text(&package["name"]), used(package))).collect()
}

fn used(package: &Value) -> Vec<String> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    all.filter(|one| one["kind"] != "dev").map(|one| text(&one["name"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
