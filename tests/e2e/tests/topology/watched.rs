//! Who watches the processes finds them: Kubernetes' probes, Prometheus, and nobody else.

use std::{collections::BTreeMap, fs};

use nexus_e2e::{Installation, Nexus, http_client, paths};
use serde_json::{Value, json};

/// The first document of a YAML file of `deploy`.
fn document(file: &str) -> Value {
    let text = fs::read_to_string(paths::deploy(file)).expect("a file of deploy");
    let first = text.split("\n---\n").next().unwrap_or_default();
    yaml_serde::from_str(first).expect("YAML")
}

async fn assert_answers(process: &Nexus, port: &Value, path: &str) {
    let number = port.as_u64().or_else(|| port.as_str()?.parse().ok()).expect("a number");
    let base = process.instead_of(number).unwrap_or_else(|| panic!("nothing has port {number}"));
    let answer = http_client().get(format!("{base}{path}")).send().await;
    let status = answer.unwrap_or_else(|error| panic!("{}: {error}", process.role())).status();
    assert!(status.is_success(), "{} at {number}{path}: {status}", process.role());
}

/// What the manifest of its role asks of a process is answered.
pub async fn probes_are_answered(scaled: &Installation) {
    for (_, process) in scaled.roles() {
        let role = process.role();
        let pod = document(&format!("kubernetes/{role}.yaml"))["spec"]["template"].take();
        let container = &pod["spec"]["containers"][0];
        assert_eq!(container["args"], json!([role]));
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let asked = &container[probe]["httpGet"];
            let path = asked["path"].as_str().expect("a path");
            assert_answers(process, &asked["port"], path).await;
        }
        let annotations = &pod["metadata"]["annotations"];
        assert_eq!(annotations["prometheus.io/scrape"], "true");
        assert_answers(process, &annotations["prometheus.io/port"], "/metrics").await;
    }
}

/// Prometheus of the compose file asks every process, where it answers. The balancer passes nobody on.
pub async fn every_process_is_scraped_from_inside(scaled: &Installation) {
    let configuration = document("prometheus/prometheus.yml");
    let jobs = configuration["scrape_configs"].as_array().expect("jobs").iter();
    let of_nexus =
        jobs.filter(|job| job["job_name"].as_str().is_some_and(|n| n.starts_with("nexus")));
    let targets = of_nexus.filter_map(|job| job["static_configs"][0]["targets"].as_array());
    let targets = targets.flatten().filter_map(|target| target.as_str()?.split_once(':'));
    let targets: BTreeMap<&str, &str> = targets.collect();
    for (service, process) in scaled.roles() {
        let port = targets.get(service.as_str()).unwrap_or_else(|| panic!("nobody asks {service}"));
        assert_answers(process, &json!(port), "/metrics").await;
    }
    assert_eq!(targets.len(), scaled.roles().count(), "{targets:?}");
    let outside = http_client().get(format!("{}/metrics", scaled.url())).send().await;
    assert_eq!(outside.expect("an answer").status(), 404);
}
