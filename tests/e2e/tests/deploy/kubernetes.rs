//! The Kubernetes manifests: valid by their own tools, and whole: what they name is there.

use std::{collections::BTreeSet, fs, process::Command};

use nexus_e2e::paths::{deploy, root};
use serde_json::Value;
use tempfile::TempDir;

use crate::tool::{assert_valid, documents, list, read, write};

/// Filled in by the operator, and not applied with the rest.
const SECRET: &str = "kubernetes/secret.example.yaml";

#[test]
fn kubernetes_takes_the_manifests() {
    let dir = TempDir::new().expect("a folder");
    let mut kustomize = Command::new("kubectl");
    let Some(rendered) = assert_valid(kustomize.arg("kustomize").arg(deploy("kubernetes"))) else {
        return;
    };
    let secret = read(SECRET);
    let file = write(&dir, "all.yaml", &format!("{rendered}\n---\n{secret}"));
    let validate = root().join("target/tools/venv/bin/kubernetes-validate");
    assert_valid(Command::new(validate).arg("--strict").arg(file));
}

fn names(values: &[Value]) -> BTreeSet<&str> {
    values.iter().filter_map(|value| value["name"].as_str()).collect()
}

fn keys(map: &Value) -> BTreeSet<String> {
    map.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

/// The files that are applied.
fn files() -> BTreeSet<String> {
    let all = documents("kubernetes/kustomization.yaml").remove(0);
    list(&all["resources"]).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn manifests() -> Vec<Value> {
    files().iter().flat_map(|file| documents(&format!("kubernetes/{file}"))).collect()
}

fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> Vec<&'a Value> {
    manifests.iter().filter(|manifest| manifest["kind"] == kind).collect()
}

/// Everything that runs containers.
fn workloads(manifests: &[Value]) -> Vec<&Value> {
    manifests.iter().filter(|manifest| manifest["spec"]["template"].is_object()).collect()
}

fn container(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]["containers"][0]
}

/// What the processes of a role are told.
pub fn environment(role: &str) -> BTreeSet<String> {
    let all = manifests();
    let found = workloads(&all).into_iter().find(|workload| workload["metadata"]["name"] == role);
    let container = container(found.expect("its workload"));
    let shared = of_kind(&all, "ConfigMap").remove(0);
    assert_eq!(container["envFrom"][0]["configMapRef"], shared["metadata"], "{role}");
    let own = names(list(&container["env"])).into_iter().map(str::to_owned);
    keys(&shared["data"]).into_iter().chain(own).collect()
}

#[test]
fn every_file_is_applied() {
    let folder = fs::read_dir(deploy("kubernetes")).expect("a folder").flatten();
    let mut there: BTreeSet<String> =
        folder.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(there.remove("kustomization.yaml") && there.remove("secret.example.yaml"));
    assert_eq!(files(), there);
}

#[test]
fn secrets_and_volumes_that_containers_name_are_there() {
    let (all, secret) = (manifests(), documents(SECRET).remove(0));
    let known = keys(&secret["stringData"]);
    let mut asked = BTreeSet::new();
    for workload in workloads(&all) {
        let name = &workload["metadata"]["name"];
        let container = container(workload);
        let keys = list(&container["env"]).iter();
        let keys =
            keys.map(|pair| &pair["valueFrom"]["secretKeyRef"]).filter(|key| key.is_object());
        for key in keys {
            assert_eq!(key["name"], secret["metadata"]["name"], "{name}");
            asked.insert(key["key"].as_str().expect("a name").to_owned());
        }
        let spec = &workload["spec"];
        let claims = list(&spec["volumeClaimTemplates"]).iter().map(|claim| &claim["metadata"]);
        let claims = claims.filter_map(|claim| claim["name"].as_str());
        let volumes = names(list(&spec["template"]["spec"]["volumes"]));
        let volumes: BTreeSet<&str> = volumes.into_iter().chain(claims).collect();
        let mounts = names(list(&container["volumeMounts"]));
        assert_eq!(volumes, mounts, "{name}");
    }
    assert_eq!(asked, known, "what the example holds is what is asked for");
}

#[test]
fn services_and_ingresses_lead_to_a_port() {
    let all = manifests();
    let leads = |service: &Value| {
        let (selector, port) = (&service["spec"]["selector"], &service["spec"]["ports"][0]);
        let is_there = |workload: &&Value| {
            let labels = &workload["spec"]["template"]["metadata"]["labels"];
            let ports = list(&container(workload)["ports"]);
            labels == selector && ports.iter().any(|open| open["name"] == port["targetPort"])
        };
        workloads(&all).into_iter().filter(is_there).count()
    };
    let services = of_kind(&all, "Service");
    for service in &services {
        assert_eq!(leads(service), 1, "{}", service["metadata"]["name"]);
    }
    let ingresses = of_kind(&all, "Ingress");
    assert!(ingresses.len() > 2, "clients, clients of /mcp, and nobody for metrics");
    for ingress in ingresses {
        let backend = &ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"];
        let found = services.iter().find(|service| service["metadata"]["name"] == backend["name"]);
        let ports = &found.expect("its service")["spec"]["ports"];
        assert_eq!(ports[0]["name"], backend["port"]["name"], "{backend}");
    }
}
