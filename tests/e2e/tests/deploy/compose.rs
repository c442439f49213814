//! The compose file, and whether the manifests know what it knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use nexus_e2e::{installation::Compose, paths::root};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    kubernetes,
    tool::{assert_valid, documents, list, read, write},
};

const ROLES: [&str; 5] = ["gateway", "linker", "storage", "analysis", "dashboard"];

#[test]
fn compose_takes_its_file() {
    let dir = TempDir::new().expect("a folder");
    // What it is built from has to be there.
    fs::create_dir(dir.path().join("cli")).expect("a folder");
    // The first version of the tool does not know the project's name at the top.
    let text = read("compose.yaml").replace("\nname: nexus\n", "\n");
    let file = write(&dir, "compose.yaml", &text);
    let plugin = Command::new("docker").args(["compose", "version"]).output();
    let mut command = if plugin.is_ok_and(|output| output.status.success()) {
        let mut command = Command::new("docker");
        command.arg("compose");
        command
    } else {
        Command::new("docker-compose")
    };
    // Profiles are a setting of the tool, not an argument that both versions have.
    command.env("COMPOSE_PROFILES", "cli").env("NATS_PASSWORD", "x").arg("-f").arg(file);
    if let Some(read) = assert_valid(command.args(["config", "--services"])) {
        for service in ["nginx", "gateway-2", "storage-2", "nats-3", "postgres", "grafana"] {
            assert!(read.lines().any(|line| line == service), "{service} is not in\n{read}");
        }
    }
}

/// Nothing can be reached from other machines until an operator says so.
#[test]
fn everything_is_published_on_loopback_alone() {
    let file = documents("compose.yaml").remove(0);
    let services = file["services"].as_object().expect("services").values();
    let published = services.flat_map(|service| list(&service["ports"]));
    let published: Vec<&str> = published.filter_map(Value::as_str).collect();
    assert!(published.len() > 3, "{published:?}");
    for port in published {
        assert!(port.starts_with("127.0.0.1:"), "{port}");
    }
    assert_eq!(file["networks"]["inside"]["internal"], true);
}

/// Secrets are in no layer of an image, and whoever may not read them can build one.
#[test]
fn what_an_operator_has_is_not_sent_to_the_builder() {
    let left_out = fs::read_to_string(root().join(".dockerignore")).expect("a list");
    for own in read(".gitignore").lines() {
        let path = format!("deploy/{}", own.trim_end_matches('/'));
        assert!(left_out.lines().any(|line| line == path), "{path} is sent");
    }
}

/// A volume takes its owner from the directory in the image; without one it is root's.
#[test]
fn the_volume_belongs_to_the_images_user() {
    let file = read("Dockerfile");
    let said = |word: &str| file.lines().find_map(|line| line.strip_prefix(word)).expect("a line");
    let (user, volume) = (said("USER "), said("VOLUME "));
    assert!(file.contains(&format!("install -d -o {user} -m 700 {volume}")), "{user}: {volume}");
}

/// What the compose file's processes of a role are told. A file that holds a setting is that setting.
fn environment(compose: &Compose, role: &str) -> BTreeSet<String> {
    let is_of_role = |service: &String| compose.command(service).is_ok_and(|words| words == [role]);
    let services = compose.roles().into_iter().filter(is_of_role);
    let pairs = services.flat_map(|service| compose.environment(&service).expect("its variables"));
    pairs.map(|(name, _)| name.strip_suffix("_FILE").unwrap_or(&name).to_owned()).collect()
}

/// Every class of data can be given an age.
#[test]
fn the_storage_processes_know_every_age() {
    let settings =
        fs::read_to_string(root().join("nexus/src/settings/table.rs")).expect("a source");
    let quoted = settings.split('"').filter(|text| text.starts_with("NEXUS_RETENTION_"));
    let ages: BTreeSet<_> = quoted.map(str::to_owned).collect();
    assert!(ages.len() > 3, "{ages:?}");
    let compose = Compose::read(BTreeMap::new()).expect("the file can be read");
    let known = environment(&compose, "storage");
    let missing: Vec<_> = ages.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What an operator may change in one form of the deployment exists for the same role in the other.
#[test]
fn both_deployments_know_the_same_settings() {
    let settings =
        fs::read_to_string(root().join("nexus/src/settings/table.rs")).expect("a source");
    let compose = Compose::read(BTreeMap::new()).expect("the file can be read");
    for role in ROLES {
        let (here, there) = (environment(&compose, role), kubernetes::environment(role));
        assert!(here.len() > 5, "{role}: {here:?}");
        for name in here.union(&there) {
            assert!(settings.contains(&format!("\"{name}\"")), "{name} is no setting");
        }
        let only_here: Vec<_> = here.difference(&there).collect();
        assert!(only_here.is_empty(), "the manifest of {role} does not know {only_here:?}");
        for names in [&here, &there] {
            assert_eq!(names.contains("DATABASE_URL"), role != "gateway", "{role}: {names:?}");
        }
        assert!(there.contains("DASHBOARD_API_KEY"), "{role} would answer anybody");
    }
}
