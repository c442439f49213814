//! Commands through the binary, good and bad input, on a data directory of their own.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const SESSION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../linker-actor/linking/captures/s06_subagent.jsonl");

struct Nexus(TempDir);

impl Nexus {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nexus"));
        command.args(line.split_whitespace()).current_dir(self.0.path());
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().expect("the binary runs")
    }

    /// What a command that must succeed prints.
    fn says(&self, line: &str) -> String {
        let output = self.run(line);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "nexus {line}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.says(line)).expect("JSON")
    }

    fn import(&self) {
        let answer = self.json(&format!("import {SESSION} --json"));
        assert_eq!(answer["accepted"], 5, "{answer}");
    }
}

/// The exit code and the error of a command that must fail.
fn failure(output: &Output) -> (i32, String) {
    (output.status.code().expect("a code"), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_import_returns_when_all_is_stored_and_linked_and_is_safe_to_repeat() {
    let nexus = Nexus::new();
    nexus.import();
    let again = nexus.json(&format!("import {SESSION} --json"));
    assert_eq!((&again["accepted"], &again["duplicates"]), (&0.into(), &5.into()));
    let shown = nexus.json("show exchange s06-002");
    assert_eq!((&shown["externalId"], &shown["kind"]), (&"s06-002".into(), &"subagent".into()));
    let conversation = nexus.json("show conversation s06-005");
    assert_eq!(conversation["nodes"].as_array().map(Vec::len), Some(5));
}

#[test]
fn an_export_imports_elsewhere_as_the_same_conversation() {
    let (here, there) = (Nexus::new(), Nexus::new());
    here.import();
    let lines = here.says("export --conversation s06-001");
    std::fs::write(there.0.path().join("lines.jsonl"), &lines).expect("written");
    assert_eq!(there.json("import lines.jsonl --json")["accepted"], 5);
    assert_eq!(there.says("export --conversation s06-001"), lines);
    assert_eq!(here.says("export --domain team.example --since 2026-01-01T00:00:00Z"), lines);
}

#[test]
fn a_conversation_is_copied_into_another_database() {
    let nexus = Nexus::new();
    nexus.import();
    let database = format!("sqlite://{}", nexus.0.path().join("other.sqlite").display());
    let copy = format!("copy-conversation --conversation-id s06-001 --dest-db {database} --json");
    assert_eq!(nexus.json(&format!("{copy} --dry-run"))["exchanges"], 5);
    assert_eq!(nexus.json(&copy)["import"]["accepted"], 5);
    assert_eq!(nexus.json(&copy)["import"]["duplicates"], 5);
    let (code, error) = failure(&nexus.run(&format!("{copy} --source-table legacy")));
    assert!(code == 2 && error.contains("legacy"), "{code}: {error}");
}

#[test]
fn links_are_explained_and_stay_when_they_are_made_anew() {
    let nexus = Nexus::new();
    nexus.import();
    let explained = nexus.json("explain-link s06-001 s06-004 --json");
    assert_eq!((&explained["linked"], &explained["common"]), (&true.into(), &1.into()));
    let stranger = nexus.json("explain-link s06-002 s06-004 --json");
    assert_eq!(stranger["linked"], false);
    assert_eq!(nexus.json("relink --dry-run --json")["changed"], 0);
    assert_eq!(nexus.json("relink --json")["changed"], 0);
}

#[test]
fn what_is_old_is_counted_before_it_goes() {
    let nexus = Nexus::new();
    nexus.import();
    assert_eq!(nexus.json("prune --older-than 1ms --dry-run --json")["rows"], 5);
    assert_eq!(nexus.json("prune --older-than 1ms --payloads-only --json")["payloads"], 5);
    assert_eq!(nexus.json("rebuild --json")["exchanges"], 5);
    assert_eq!(nexus.json("prune --older-than 1ms --json")["rows"], 5);
    let (code, error) = failure(&nexus.run("show exchange s06-001"));
    assert!(code == 1 && error.starts_with("error: "), "{code}: {error}");
    let (code, error) = failure(&nexus.run("prune --older-than often"));
    assert!(code == 2 && error.contains("30d"), "{code}: {error}");
}

#[test]
fn lines_that_are_no_exchange_are_named() {
    let nexus = Nexus::new();
    let mut import = nexus
        .command("import - --json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut input = import.stdin.take().expect("piped");
    input.write_all(b"\n{bad\n[]\n").expect("written");
    drop(input);
    let output = import.wait_with_output().expect("it ends");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let lines: Vec<_> =
        answer["rejected"].as_array().expect("a list").iter().map(|one| &one["line"]).collect();
    assert_eq!(lines, [&Value::from(2), &Value::from(3)], "{answer}");
}

#[test]
fn mistakes_end_with_2_and_failures_with_1() {
    let nexus = Nexus::new();
    for wrong in ["up --prot 1", "export", "show exchange", "demo --conversations 3"] {
        assert_eq!(failure(&nexus.run(wrong)).0, 2, "nexus {wrong}");
    }
    for failing in ["show exchange nothing", "import missing.jsonl", "dead-letters show 1"] {
        let (code, error) = failure(&nexus.run(failing));
        assert!(code == 1 && error.starts_with("error: "), "nexus {failing}: {code} {error}");
    }
    let mistakes =
        nexus.command("doctor").env("PORT", "x").env("DEBUG", "y").output().expect("runs");
    let (code, error) = failure(&mistakes);
    assert!(code == 2 && error.contains("PORT") && error.contains("DEBUG"), "{code}: {error}");
}

#[test]
fn the_doctor_names_what_is_wrong_and_masks_secrets() {
    let nexus = Nexus::new();
    let mut doctor = nexus.command("doctor --json");
    doctor.env("CLAUDE_API_BASE_URL", "http://127.0.0.1:9").env("AI_WORKER_ENABLED", "true");
    let output = doctor.output().expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    for check in ["upstream", "analysis"] {
        let found =
            findings.iter().find(|one| one["check"] == check && one["verdict"] == "problem");
        assert!(found.is_some_and(|one| one["mend"].is_string()), "{check}: {findings:?}");
    }
    let mut settings = nexus.command("doctor --settings");
    let output = settings.env("GEMINI_API_KEY", "very-secret").output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("[masked]") && !text.contains("very-secret"), "{text}");
}

#[test]
fn keys_and_completions_need_no_settings() {
    let nexus = Nexus::new();
    assert!(nexus.says("keys generate").starts_with("cnp_live_"));
    assert!(nexus.json("keys generate --test --json")["clientApiKey"].is_string());
    assert!(nexus.says("completions bash").contains("_nexus"));
    assert!(!Path::new(&nexus.0.path().join(".nexus")).exists(), "nothing was made on disk");
}
