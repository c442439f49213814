//! Prometheus reads its files, and each alert fires on what it is for and on nothing else.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use nexus_e2e::paths::{deploy, root};
use tempfile::TempDir;

use crate::tool::{assert_valid, documents, list, read, write};

const ALERTS: &str = "prometheus/alerts.yml";
const TESTS: &str = "prometheus/alerts.test.yml";

#[test]
fn prometheus_takes_its_configuration_and_alerts() {
    let dir = TempDir::new().expect("a folder");
    fs::copy(deploy(ALERTS), dir.path().join("alerts.yml")).expect("a copy");
    let text = read("prometheus/prometheus.yml").replace("/etc/prometheus/", "");
    let file = write(&dir, "prometheus.yml", &text);
    assert_valid(Command::new("promtool").args(["check", "config"]).arg(file));
}

#[test]
fn alerts_fire_on_what_they_are_for() {
    assert_valid(Command::new("promtool").args(["test", "rules"]).arg(deploy(TESTS)));
}

/// The names of the alerts that some test sees firing.
fn fired() -> BTreeSet<String> {
    let file = documents(TESTS).remove(0);
    let cases = list(&file["tests"]).iter().flat_map(|test| list(&test["alert_rule_test"]));
    let cases = cases.filter(|case| !list(&case["exp_alerts"]).is_empty());
    cases.filter_map(|case| Some(case["alertname"].as_str()?.to_owned())).collect()
}

#[test]
fn every_alert_is_seen_to_fire_and_is_explained() {
    let file = documents(ALERTS).remove(0);
    let rules = list(&file["groups"]).iter().flat_map(|group| list(&group["rules"]));
    let names: BTreeSet<String> =
        rules.filter_map(|rule| Some(rule["alert"].as_str()?.to_owned())).collect();
    assert_eq!(fired(), names);
    let operations = fs::read_to_string(root().join("docs/operations.md")).expect("a page");
    for name in names {
        assert!(operations.contains(&format!("| `{name}` |")), "{name} is not in operations.md");
    }
}

/// Every metric that an alert or a panel asks for is one that some part of Nexus counts.
#[test]
fn alerts_and_panels_ask_for_metrics_that_exist() {
    let sources = sources(root());
    let asked = [read(ALERTS), read("grafana/dashboards/nexus.json")].concat();
    let names = asked.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut found = 0;
    for name in names.filter(|name| name.starts_with("nexus_")) {
        let plain = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let name = plain.unwrap_or(name);
        assert!(sources.contains(&format!("\"{name}\"")), "nobody counts {name}");
        found += 1;
    }
    assert!(found > 10, "{found} names");
}

/// The text of all crates' sources.
fn sources(root: &Path) -> String {
    let mut all = String::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy().into_owned();
            if path.is_dir() && !["target", "node_modules", ".git", "tests"].contains(&&*name) {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == "rs") {
                all += &fs::read_to_string(path).expect("a source");
            }
        }
    }
    all
}
