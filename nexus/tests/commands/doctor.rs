//! Each mistake that a new user can make is found, with the sentence that mends it.

mod credentials;
pub mod engines;
mod ports;
mod upstream;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    process::Command,
    thread,
};

use serde_json::Value;

use crate::rig::Nexus;

const API_ERROR: &str = r#"{"type":"error","error":{"type":"authentication_error","message":"x-api-key header is required"}}"#;

/// Answers every connection with the same bytes, as long as the test lives.
fn answering(text: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let _asked = stream.read(&mut head);
            let _told = stream.write_all(text.as_bytes());
        }
    });
    address
}

fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

/// An upstream with nothing wrong about it.
fn upstream() -> String {
    format!("http://{}", answering(http("401 Unauthorized", "", API_ERROR)))
}

struct Doctor {
    nexus: Nexus,
    env: Vec<(&'static str, String)>,
}

impl Doctor {
    /// An installation that is sound, on ports that are free.
    fn new() -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
        let port = || free().expect("a port").port().to_string();
        let env = vec![
            ("CLAUDE_API_BASE_URL", upstream()),
            ("DASHBOARD_API_KEY", "dashboard-key".to_owned()),
            ("PORT", port()),
            ("DASHBOARD_PORT", port()),
        ];
        Self { nexus: Nexus::new(), env }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.env.push((name, value.into()));
        self
    }

    fn credential(self, file: &str, content: &str) -> Self {
        let dir = self.nexus.path().join("credentials");
        std::fs::create_dir_all(&dir).expect("a directory");
        std::fs::write(dir.join(file), content).expect("written");
        self
    }

    fn command(&self) -> Command {
        let mut command = self.nexus.command("doctor --json");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn findings(&self) -> (Option<i32>, Vec<Value>) {
        let output = self.command().output().expect("runs");
        let findings = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), findings)
    }

    /// The finding of this check and verdict whose detail holds `detail`; its mend holds `mend`.
    fn finds(&self, verdict: &str, check: &str, detail: &str, mend: &str) {
        let (code, findings) = self.findings();
        let holds = |one: &Value, key: &str, part: &str| {
            one[key].as_str().is_some_and(|text| text.contains(part))
        };
        let found = findings.iter().any(|one| {
            one["verdict"] == verdict
                && one["check"] == check
                && holds(one, "detail", detail)
                && holds(one, "mend", mend)
        });
        assert!(found, "{check} {detail:?} → {mend:?}: {findings:#?}");
        assert_eq!(
            code == Some(1),
            verdict == "problem" || findings.iter().any(|one| one["verdict"] == "problem")
        );
    }
}

#[test]
fn a_sound_installation_has_no_finding() {
    let (code, findings) = Doctor::new().findings();
    assert!(findings.iter().all(|one| one["verdict"] == "ok"), "{findings:#?}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_variable_that_is_no_setting() {
    Doctor::new().with("NEXUS_DATADIR", "data").finds(
        "warning",
        "settings",
        "did you mean NEXUS_DATA_DIR?",
        "correct the name",
    );
}

#[test]
fn prices_that_cannot_be_read() {
    Doctor::new().with("NEXUS_PRICES", "/missing.toml").finds(
        "problem",
        "prices",
        "/missing.toml cannot be read",
        "NEXUS_PRICES",
    );
    let doctor = Doctor::new();
    std::fs::write(doctor.nexus.path().join("prices"), "{").expect("written");
    doctor.with("NEXUS_PRICES", "prices").finds("problem", "prices", "prices: ", "mend the file");
}

/// A directory below a file can't be made, whoever one is.
#[test]
fn a_data_directory_that_cannot_be_written() {
    let doctor = Doctor::new();
    std::fs::write(doctor.nexus.path().join("file"), "").expect("written");
    doctor.with("NEXUS_DATA_DIR", "file/data").finds(
        "problem",
        "data",
        "cannot be written",
        "NEXUS_DATA_DIR",
    );
}

#[test]
fn integrations_that_lack_something() {
    Doctor::new().with("AI_WORKER_ENABLED", "true").finds(
        "problem",
        "analysis",
        "GEMINI_API_KEY",
        "GEMINI_API_KEY",
    );
    Doctor::new()
        .with("MCP_ENABLED", "true")
        .with("MCP_GITHUB_OWNER", "o")
        .finds("problem", "prompts", "only one", "both");
    let doctor = Doctor::new();
    std::fs::write(doctor.nexus.path().join("file"), "").expect("written");
    doctor.with("MCP_ENABLED", "true").with("MCP_PROMPTS_DIR", "file").finds(
        "problem",
        "prompts",
        "not a directory",
        "MCP_PROMPTS_DIR",
    );
    Doctor::new().with("ENABLE_CLIENT_AUTH", "false").finds(
        "warning",
        "access",
        "anyone",
        "ENABLE_CLIENT_AUTH=true",
    );
}

#[test]
fn settings_are_shown_with_their_source_and_secrets_masked() {
    let nexus = Nexus::new();
    let mut settings = nexus.command("doctor --settings");
    settings
        .env("GEMINI_API_KEY", "very-secret")
        .env("TELEMETRY_ENDPOINT", "http://127.0.0.1:9/very-secret")
        .env("SPARK_API_URL", "http://spark:very-secret@127.0.0.1:9/");
    let output = settings.output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("[masked]") && text.contains("environment"), "{text}");
    assert!(!text.contains("very-secret"), "{text}");
    assert!(text.contains("http://spark:[masked]@127.0.0.1:9"), "{text}");
}
