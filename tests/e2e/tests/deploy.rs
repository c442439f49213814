//! The files of `deploy`, read by the tools that will read them. A tool that is not there is skipped,
//! in a line that says so.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use nexus_e2e::paths::{deploy, root};
use tempfile::TempDir;

/// Runs a tool; `None`, with a line that says so, where there is none.
fn run(command: &mut Command) -> Option<Output> {
    let output = command.stdin(Stdio::null()).output();
    if output.is_err() {
        eprintln!("skipped: {} is not installed", command.get_program().display());
    }
    output.ok()
}

/// Fails with what the tool said.
fn assert_valid(command: &mut Command) -> Option<String> {
    let output = run(command)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout);
    assert!(output.status.success(), "{command:?}:\n{said}\n{}", text(&output.stderr));
    Some(said)
}

fn read(file: &str) -> String {
    fs::read_to_string(deploy(file)).expect("a file of deploy")
}

fn write(dir: &TempDir, name: &str, text: &str) -> std::path::PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, text).expect("it can be written");
    path
}

#[test]
fn nginx_takes_its_configuration() {
    let dir = TempDir::new().expect("a folder");
    // Names of other containers are known only beside them.
    let servers = read("nginx/nexus.conf").replace("gateway-1", "127.0.0.1");
    let servers = servers.replace("gateway-2", "127.0.0.2");
    let home = dir.path().display();
    let whole = format!(
        "pid {home}/pid; error_log {home}/log; events {{}} http {{ client_body_temp_path {home}/b;\n\
         proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u;\n\
         scgi_temp_path {home}/s; {servers} }}"
    );
    let file = write(&dir, "nginx.conf", &whole);
    assert_valid(Command::new("nginx").arg("-t").arg("-p").arg(dir.path()).arg("-c").arg(file));
}

#[test]
fn nats_takes_its_configuration() {
    let server = nexus_e2e::paths::python_tool("nats-server");
    let mut command = Command::new(server);
    command.arg("-t").arg("-c").arg(deploy("nats/nats.conf"));
    assert_valid(command.env("NATS_NODE", "nats-1").env("NATS_PASSWORD", "x"));
}

#[test]
fn prometheus_takes_its_configuration_and_alerts() {
    let dir = TempDir::new().expect("a folder");
    fs::copy(deploy("prometheus/alerts.yml"), dir.path().join("alerts.yml")).expect("a copy");
    let text = read("prometheus/prometheus.yml").replace("/etc/prometheus/", "");
    let file = write(&dir, "prometheus.yml", &text);
    assert_valid(Command::new("promtool").args(["check", "config"]).arg(file));
}

/// Every metric that an alert or a panel asks for is one that some part of Nexus counts.
#[test]
fn alerts_and_panels_ask_for_metrics_that_exist() {
    let sources = sources(root());
    let asked = [read("prometheus/alerts.yml"), read("grafana/dashboards/nexus.json")].concat();
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

#[test]
fn kubernetes_takes_the_manifests() {
    let dir = TempDir::new().expect("a folder");
    let mut kustomize = Command::new("kubectl");
    let Some(rendered) = assert_valid(kustomize.arg("kustomize").arg(deploy("kubernetes"))) else {
        return;
    };
    let secret = read("kubernetes/secret.example.yaml");
    let file = write(&dir, "all.yaml", &format!("{rendered}\n---\n{secret}"));
    let validate = root().join("target/tools/venv/bin/kubernetes-validate");
    assert_valid(Command::new(validate).arg("--strict").arg(file));
}

/// What an operator may change in one form of the deployment exists under the same name in the other.
#[test]
fn both_deployments_know_the_same_settings() {
    let settings =
        fs::read_to_string(root().join("nexus/src/settings/table.rs")).expect("a source");
    let manifests = ["configuration", "gateway", "linker", "storage", "analysis", "dashboard"];
    let manifests = manifests.map(|name| read(&format!("kubernetes/{name}.yaml"))).concat();
    let names = manifests.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("- { name: ");
        let name = line.split([',', ':']).next()?;
        let upper = |c: char| c.is_ascii_uppercase() || c == '_';
        (name.len() > 3 && name.chars().all(upper)).then_some(name)
    });
    let mut found = 0;
    for name in names {
        assert!(settings.contains(&format!("\"{name}\"")), "{name} is no setting");
        found += 1;
    }
    assert!(found > 20, "{found} settings");
    assert!(manifests.contains("NEXUS_NATS_REPLICAS"), "copies in the cluster");
}
