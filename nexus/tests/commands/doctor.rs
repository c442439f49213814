//! Each mistake that a new user can make is found, with the sentence that mends it.

use std::{
    fs::File,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    thread,
};

use serde_json::{Value, json};

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

fn api_key(key: &Value) -> String {
    json!({"type": "api_key", "accountId": "acc_1", "api_key": "sk-ant-x", "client_api_key": key})
        .to_string()
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
fn a_port_in_use() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("bound").port().to_string();
    Doctor::new().with("PORT", port.as_str()).finds("problem", "gateway", "in use", "set PORT");
    Doctor::new()
        .with("NATS_URL", "nats://127.0.0.1:9")
        .with("NEXUS_ADMIN_PORT", port.as_str())
        .finds("problem", "admin", "in use", "set NEXUS_ADMIN_PORT");
    let nexus =
        answering(http("200 OK", "content-type: application/json\r\n", r#"{"status":"ok"}"#));
    let (code, findings) = Doctor::new().with("PORT", nexus.port().to_string()).findings();
    assert_eq!(code, Some(0), "a running Nexus is no problem: {findings:#?}");
    Doctor::new().with("PORT", "4567").with("DASHBOARD_PORT", "4567").finds(
        "problem",
        "dashboard",
        "both",
        "DASHBOARD_PORT",
    );
}

#[test]
fn a_port_whose_name_leads_elsewhere() {
    let Ok(other) = TcpListener::bind("[::1]:0") else {
        eprintln!("this machine has no IPv6, so localhost leads to one address only");
        return;
    };
    let port = other.local_addr().expect("bound").port().to_string();
    Doctor::new().with("PORT", port.as_str()).finds("warning", "gateway", "[::1]", "set PORT");
}

#[test]
fn a_key_without_a_domain() {
    let key = json!("cnp_test_k");
    Doctor::new().credential("Team.json", &api_key(&key)).finds(
        "problem",
        "credentials",
        "Team.json",
        "DOMAIN.credentials.json",
    );
    Doctor::new().credential("Team.Example.credentials.json", &api_key(&key)).finds(
        "problem",
        "credentials",
        "never used",
        "lower-case",
    );
    Doctor::new().credential("team.example.credentials.json", &api_key(&key)).finds(
        "warning",
        "credentials",
        "localhost",
        "http://team.example:",
    );
}

#[test]
fn a_domain_without_a_key() {
    Doctor::new().credential("localhost.credentials.json", &api_key(&json!([]))).finds(
        "problem",
        "credentials",
        "client_api_key",
        "nexus keys generate",
    );
    Doctor::new().with("HOST", "0.0.0.0").finds(
        "problem",
        "credentials",
        "refused",
        "ALLOW_PASSTHROUGH",
    );
}

#[test]
fn a_credential_file_that_cannot_be_read() {
    Doctor::new().credential("localhost.credentials.json", "{").finds(
        "problem",
        "credentials",
        "localhost: it is not valid JSON",
        "mend the file",
    );
    let doctor = Doctor::new();
    let path = doctor.nexus.path().join("credentials/localhost.credentials.json");
    std::fs::create_dir_all(path).expect("a directory in the file's place");
    doctor.finds("problem", "credentials", "localhost", "mend the file");
}

#[test]
fn a_stale_token() {
    let oauth = json!({"type": "oauth", "accountId": "acc_1", "client_api_key": "cnp_test_k", "oauth": {
        "accessToken": "a", "refreshToken": "r", "expiresAt": 1_700_000_000_000_u64, "scopes": [], "isMax": true}});
    Doctor::new().credential("localhost.credentials.json", &oauth.to_string()).finds(
        "warning",
        "credentials",
        "expired at 2023-11-14",
        "nexus credentials login --domain localhost",
    );
}

#[test]
fn a_wrong_upstream() {
    let wrong = |url: String, detail: &str, mend: &str| {
        Doctor::new().with("CLAUDE_API_BASE_URL", url).finds("problem", "upstream", detail, mend);
    };
    wrong("http://127.0.0.1:9".to_owned(), "cannot be reached", "CLAUDE_API_BASE_URL");
    let page = answering(http("200 OK", "content-type: text/html\r\n", "<html>"));
    wrong(format!("http://{page}"), "not as the Anthropic API", "without /v1");
    let itself = answering(http("401 Unauthorized", "x-nexus-request-id: 1\r\n", API_ERROR));
    wrong(format!("http://{itself}"), "gateway of Nexus", "https://api.anthropic.com");
    for added in ["/v1", "/v1/", "/v1/messages"] {
        wrong(upstream() + added, "clients add once more", "without /v1");
    }
    let not_found = r#"{"type":"error","error":{"type":"not_found_error","message":"Not found"}}"#;
    let astray = answering(http("404 Not Found", "", not_found));
    Doctor::new().with("CLAUDE_API_BASE_URL", format!("http://{astray}/claude")).finds(
        "warning",
        "upstream",
        "knows no /v1/models",
        "check the path",
    );
    Doctor::new().with("NEXUS_UPSTREAM_CA", "/missing.pem").finds(
        "problem",
        "upstream",
        "/missing.pem",
        "NEXUS_UPSTREAM_CA",
    );
}

#[test]
fn a_clock_that_is_off() {
    let late = http("401 Unauthorized", "date: Mon, 23 Nov 2020 10:00:00 GMT\r\n", API_ERROR);
    let url = format!("http://{}", answering(late));
    Doctor::new().with("CLAUDE_API_BASE_URL", url).finds("problem", "clock", "off", "NTP");
}

#[test]
fn a_nats_server_that_is_old_away_or_without_jetstream() {
    let nats = |url: String| {
        Doctor::new()
            .with("NATS_URL", url)
            .with("API_KEY_SALT", "s")
            .with("DATABASE_URL", "sqlite://x")
    };
    let info = r#"INFO {"server_id":"S","server_name":"n","version":"2.9.10","go":"go1","host":"127.0.0.1","port":1,"headers":true,"max_payload":1048576,"proto":1,"jetstream":true}"#;
    let old = answering_nats(info);
    nats(format!("nats://{old}")).finds("problem", "stream", "2.9.10", "2.10.23 or newer");
    nats("nats://127.0.0.1:9".to_owned()).finds("problem", "stream", "", "NATS_URL");
    nats("nats://127.0.0.1:9".to_owned()).with("NATS_CREDS", "/missing.creds").finds(
        "problem",
        "stream",
        "/missing.creds",
        "NATS_CREDS",
    );
}

/// A server that says who it is and answers pings.
fn answering_nats(info: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _told = stream.write_all(format!("{info}\r\n").as_bytes());
                let mut heard = [0; 4096];
                while stream.read(&mut heard).is_ok_and(|bytes| bytes > 0) {
                    if stream.write_all(b"PONG\r\n").is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn a_salt_that_is_missing_beside_nats() {
    Doctor::new().with("NATS_URL", "nats://127.0.0.1:9").finds(
        "problem",
        "access",
        "API_KEY_SALT",
        "for every role",
    );
    Doctor::new().with("NATS_URL", "nats://127.0.0.1:9").with("API_KEY_SALT", "s").finds(
        "warning",
        "store",
        "DATABASE_URL is not",
        "postgres://",
    );
}

#[test]
fn a_database_that_is_not_migrated_or_not_there() {
    let doctor = Doctor::new();
    let file = doctor.nexus.path().join("empty.sqlite");
    std::fs::write(&file, "").expect("written");
    doctor.with("DATABASE_URL", format!("sqlite://{}", file.display())).finds(
        "problem",
        "store",
        "no schema",
        "nexus migrate",
    );
    Doctor::new().with("DATABASE_URL", "postgres://u@127.0.0.1:9/d").finds(
        "problem",
        "store",
        "",
        "host and port in DATABASE_URL",
    );
    Doctor::new().with("DATABASE_URL", "mysql://u@h/d").finds(
        "problem",
        "store",
        "is no store",
        "sqlite://PATH",
    );
}

#[test]
fn a_schema_of_another_version() {
    let changed = |statement: &str| {
        let doctor = Doctor::new();
        doctor.nexus.says("migrate");
        execute(&doctor.nexus.path().join(".nexus/nexus.sqlite"), statement);
        doctor
    };
    let older = "DELETE FROM _sqlx_migrations WHERE version > 1";
    changed(older).finds("problem", "store", "lacks migration 2", "run nexus migrate");
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'later', 1, x'00', 0)";
    changed(newer).finds("problem", "store", "migration 9999", "or a newer one");
}

fn execute(database: &Path, statement: &str) {
    let script = "import sqlite3, sys\n\
        c = sqlite3.connect(sys.argv[1])\n\
        c.execute(sys.argv[2])\n\
        c.commit()\n";
    let python = Command::new("python3").args(["-c", script]).arg(database).arg(statement).output();
    let python = python.expect("python3 runs");
    assert!(python.status.success(), "{python:?}");
}

#[test]
fn an_embedded_log_that_is_in_use_or_cannot_be_opened() {
    let doctor = Doctor::new();
    let stream = doctor.nexus.path().join(".nexus/stream");
    std::fs::create_dir_all(&stream).expect("a directory");
    let lock = File::create(stream.join("lock")).expect("a file");
    lock.lock().expect("locked, as by a Nexus that runs");
    doctor.finds("warning", "stream", "in use by another process", "NEXUS_DATA_DIR of its own");

    let doctor = Doctor::new();
    let data = doctor.nexus.path().join(".nexus");
    std::fs::create_dir_all(&data).expect("a directory");
    std::fs::write(data.join("stream"), "").expect("a file in the directory's place");
    doctor.finds("problem", "stream", "stream", "set NEXUS_DATA_DIR");
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
