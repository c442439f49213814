//! The documented lines of the data API, as a person would paste them into a shell.

use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use nexus_contract::SystemClock;
use nexus_e2e::{Nexus, NexusBuilder, nexus::DASHBOARD_KEY, paths};
use nexus_scripted::{Anthropic, Server};
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/api.md");
const SESSION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../linker-actor/linking/captures/s06_subagent.jsonl");

/// A failed request is a failed line; a stream is listened to for a moment.
const SHELL: &str = r#"curl() { command curl -f -m 30 "$@"; }; "#;
const LISTEN: &str = r#"curl() { command curl -f -m 1 "$@" || [ $? = 28 ]; }; "#;

struct Shell<'a> {
    nexus: &'a Nexus,
    base: String,
    request: String,
    conversation: String,
}

impl Shell<'_> {
    fn run(&self, line: &str) -> Output {
        let curl = if line.contains("/api/events") { LISTEN } else { SHELL };
        Command::new("sh")
            .args(["-c", &[curl, line].concat()])
            .current_dir(self.nexus.dir())
            .env("NEXUS", &self.base)
            .env("KEY", DASHBOARD_KEY)
            .env("REQUEST", &self.request)
            .env("CONVERSATION", &self.conversation)
            .output()
            .expect("a shell")
    }

    fn says(&self, line: &str) -> String {
        let output = self.run(line);
        let error = String::from_utf8_lossy(&output.stderr);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{line}\n{}\n{error}{said}", self.base);
        said
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.says(line)).expect(line)
    }
}

/// Lines of the page that begin with the command; a line that ends in `\` goes on.
fn lines() -> Vec<String> {
    let page = PAGE.replace("\\\n", " ");
    page.lines().filter(|line| line.starts_with("curl ")).map(str::to_owned).collect()
}

async fn started() -> (Server, Nexus) {
    let upstream = Server::local(Anthropic::new(Arc::new(SystemClock), "docs")).expect("a port");
    let builder = NexusBuilder::new("up", &upstream.url()).env("MCP_ENABLED", "true");
    let nexus = builder.start().await.expect("nexus starts");
    std::fs::copy(Path::new(SESSION), nexus.dir().join("exchanges.jsonl")).expect("copied");
    (upstream, nexus)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_documented_line_works_on_both_ports() {
    let (_upstream, nexus) = started().await;
    let import = lines().into_iter().find(|line| line.contains("/api/import")).expect("an import");
    let mut shell = Shell {
        nexus: &nexus,
        base: nexus.url(),
        request: "s06-002".into(),
        conversation: "s06-001".into(),
    };
    let first = shell.json(&import);
    assert_eq!((&first["accepted"], &first["rejectedCount"]), (&5.into(), &0.into()), "{first}");
    let again = shell.json(&import);
    assert_eq!((&again["accepted"], &again["duplicates"]), (&0.into(), &5.into()), "{again}");
    let request = nexus.api().request("s06-002").await.expect("it is stored and linked");
    assert_eq!(request["kind"], "subagent");
    shell.conversation = request["conversationId"].as_str().expect("an id").to_owned();
    for base in [nexus.url(), nexus.dashboard()] {
        shell.base = base;
        let lines = lines();
        assert!(lines.len() > 20, "{} lines", lines.len());
        for line in lines {
            shell.says(&line);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_names_the_lines_that_it_cannot_take() {
    let (_upstream, nexus) = started().await;
    let shell = Shell {
        nexus: &nexus,
        base: nexus.url(),
        request: String::new(),
        conversation: String::new(),
    };
    let session = std::fs::read_to_string(SESSION).expect("a recording");
    let first = session.lines().next().expect("a line");
    let lines = format!("not JSON\n\n{first}\n{{\"id\":1}}\n{first}\n\u{fffd}");
    std::fs::write(nexus.dir().join("exchanges.jsonl"), lines).expect("written");
    let import = crate::lines().into_iter().find(|line| line.contains("/api/import"));
    let report = shell.json(&import.expect("an import"));
    assert_eq!((&report["accepted"], &report["duplicates"]), (&1.into(), &1.into()), "{report}");
    let rejected = report["rejected"].as_array().expect("a list");
    let named: Vec<_> = rejected.iter().filter_map(|one| one["line"].as_u64()).collect();
    assert_eq!(named, [1, 4, 6], "{report}");
    assert!(rejected.iter().all(|one| one["reason"].as_str().is_some_and(|why| !why.is_empty())));
}

/// Schemathesis makes up parameters, bodies and headers from the description, valid and hostile ones.
/// The stream never ends, an import is no JSON, and what Spark is asked goes on to Spark.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemathesis_finds_no_error_of_ours() {
    let (_upstream, nexus) = started().await;
    let shell = Shell {
        nexus: &nexus,
        base: nexus.dashboard(),
        request: String::new(),
        conversation: String::new(),
    };
    let import = lines().into_iter().find(|line| line.contains("/api/import"));
    shell.says(&import.expect("an import"));
    let output = tokio::process::Command::new(paths::python_tool("st"))
        .arg("run")
        .arg(paths::root().join("dashboard/src/api/openapi.json"))
        .args(["--url", &nexus.dashboard(), "--workers", "2", "--seed", "1", "--no-color"])
        .args(["--header", &format!("X-Dashboard-Key: {DASHBOARD_KEY}")])
        .args(["--checks", "not_a_server_error", "--phases", "coverage,fuzzing"])
        .args(["--max-examples", "10", "--exclude-path-regex", "/(events|import|spark)"])
        .current_dir(nexus.dir())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .await
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
