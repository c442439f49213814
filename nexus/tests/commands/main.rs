//! Commands through the binary, good and bad input, on a data directory of their own.

mod analyses;
mod doctor;
mod rig;
mod usage;

use std::{
    io::Write,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    doctor::engines::{OLD_NATS, answering_nats},
    rig::{Nexus, SESSION, THREADS, failure},
};

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
    std::fs::write(there.path().join("lines.jsonl"), &lines).expect("written");
    assert_eq!(there.json("import lines.jsonl --json")["accepted"], 5);
    assert_eq!(there.says("export --conversation s06-001"), lines);
    assert_eq!(here.says("export --domain team.example --since 2026-01-01T00:00:00Z"), lines);
}

#[test]
fn a_conversation_is_copied_into_another_database() {
    let nexus = Nexus::new();
    nexus.import();
    let database = format!("sqlite://{}", nexus.path().join("other.sqlite").display());
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

/// Whether `rule` speaks for the link from the first to the second of `pair`.
fn holds(nexus: &Nexus, pair: &str, rule: &str) -> bool {
    let explained = nexus.json(&format!("explain-link {pair} --json"));
    let verdicts = explained["verdicts"].as_array().expect("a list");
    let verdict = verdicts.iter().find(|verdict| verdict["rule"] == rule);
    verdict.expect("a verdict of the rule")["holds"] == true
}

#[test]
fn the_rule_that_linked_is_the_one_that_speaks_for_it() {
    let nexus = Nexus::new();
    nexus.import();
    assert_eq!(nexus.json(&format!("import {THREADS} --json"))["accepted"], 9);
    assert!(holds(&nexus, "s42-001 s42-002", "thread"));
    assert!(!holds(&nexus, "s42-001 s42-003", "thread"), "it names the second answer");
    assert!(!holds(&nexus, "s42-003 s42-004", "thread"), "it goes on with none");
    assert!(holds(&nexus, "s42-002 s42-004", "prefix"), "the whole history behind a thread");
    assert!(!holds(&nexus, "s42-001 s42-002", "prefix"), "only what is new is sent");
    assert!(holds(&nexus, "s42-005 s42-006", "attempt"), "a lost thread is sent whole");
    assert!(holds(&nexus, "s06-001 s06-002", "agent result"));
    assert!(!holds(&nexus, "s06-001 s06-004", "agent result"), "it is of the main agent");
    assert!(!holds(&nexus, "s06-004 s06-002", "agent result"), "another one's call");
    assert!(holds(&nexus, "s06-001 s06-002", "sub-agent"));
    assert!(holds(&nexus, "s06-001 s06-002", "agent header"));
    assert!(!holds(&nexus, "s06-001 s06-004", "agent header"), "it is of the main agent");
    assert!(!holds(&nexus, "s06-001 s06-002", "attempt"));
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

/// The stream would take its exchanges for known ones if it still had them.
#[test]
fn an_erased_conversation_can_be_imported_as_if_it_had_never_been() {
    let nexus = Nexus::new();
    nexus.import();
    assert_eq!(nexus.json(&format!("import {THREADS} --json"))["accepted"], 9);
    let erase = "prune --conversation s06-004 --json";
    let counted = nexus.json(&format!("{erase} --dry-run"));
    assert_eq!((&counted["exchanges"], &counted["events"]), (&5.into(), &Value::Null));
    let erased = nexus.json(erase);
    assert_eq!(erased["exchanges"], 5);
    assert!(erased["events"].as_u64() >= Some(10), "a request and an answer of each: {erased}");
    assert!(erased["notes"].as_array().is_some_and(Vec::is_empty), "none without NATS: {erased}");
    let (code, error) = failure(&nexus.run("show exchange s06-001"));
    assert!(code == 1 && error.starts_with("error: "), "{code}: {error}");
    let (code, error) = failure(&nexus.run(erase));
    assert!(code == 1 && error.contains("s06-004"), "{code}: {error}");
    assert_eq!(nexus.json("rebuild --json")["exchanges"], 9, "the others stay");
    nexus.import();
    let (code, error) = failure(&nexus.run("prune --conversation s06-001 --older-than 1d"));
    assert_eq!(code, 2, "{error}");
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
    assert_eq!(output.status.code(), Some(1), "what was meant is not stored");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let lines: Vec<_> =
        answer["rejected"].as_array().expect("a list").iter().map(|one| &one["line"]).collect();
    assert_eq!(lines, [&Value::from(2), &Value::from(3)], "{answer}");
}

#[test]
fn a_generated_store_is_linked_priced_and_summed_up() {
    let nexus = Nexus::new();
    nexus.says("demo --seed 3 --conversations 4 --into .nexus");
    let counted = nexus.json("rebuild --json")["exchanges"].as_u64().expect("a number");
    assert!(counted > 4, "{counted} exchanges");
    let repriced = nexus.json("reprice --json");
    assert_eq!((&repriced["exchanges"], &repriced["changed"]), (&counted.into(), &0.into()));
    assert_eq!(nexus.json("relink --dry-run --json")["changed"], 0);
    let (code, error) = failure(&nexus.run("demo --seed 4 --conversations 1 --into .nexus"));
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("holds exchanges already"), "{error}");
}

/// It does not go on without the work it is there for: a service manager sees it end, and why.
#[test]
fn a_role_whose_consumer_is_gone_ends_with_the_reason() {
    let nexus = Nexus::new();
    nexus.says("migrate");
    for role in ["storage", "linker"] {
        let mut command = nexus.command(role);
        command.env("NATS_URL", format!("nats://{}", answering_nats(OLD_NATS)));
        command.env("API_KEY_SALT", "s").env("NEXUS_ADMIN_PORT", "0");
        let (code, error) = failure(&command.output().expect("the binary runs"));
        let consumer = format!("consumer {role} is gone");
        assert_eq!(code, 1, "{error}");
        assert!(error.contains(&consumer) && error.contains("2.9.10"), "{error}");
    }
}

/// Whichever command makes it.
#[test]
fn the_data_directory_is_its_owners_alone() {
    for first in [
        "migrate",
        "credentials status",
        "dead-letters list",
        "doctor --claude-api-base-url http://127.0.0.1:9",
    ] {
        let nexus = Nexus::new();
        let run = nexus.run(first);
        let made = std::fs::metadata(nexus.path().join(".nexus"));
        let rights = made.unwrap_or_else(|error| panic!("{first}: {error}, {run:?}")).mode();
        assert_eq!(rights & 0o077, 0, "{first}: {rights:o}");
    }
}

const GETTING_STARTED: &str = include_str!("../../../docs/getting-started.md");
const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");

/// The block of a page that is written in `language` and holds `word`.
fn block<'a>(page: &'a str, language: &str, word: &str) -> &'a str {
    let fence = format!("```{language}\n");
    let rests = page.split(fence.as_str()).skip(1);
    let mut blocks = rests.filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.contains(word)).expect("a block")
}

#[test]
fn the_documented_import_works_as_it_stands() {
    let nexus = Nexus::new();
    let binary = Path::new(env!("CARGO_BIN_EXE_nexus"));
    let folder = binary.parent().expect("a folder").display();
    let run = Command::new("bash")
        .args(["-euc", block(GETTING_STARTED, "sh", "nexus import")])
        .current_dir(nexus.path())
        .env_clear()
        .env("PATH", format!("{folder}:/usr/bin:/bin"))
        .output()
        .expect("bash runs");
    assert!(run.status.success(), "{run:?}");
    let shown = nexus.json("show exchange any-name");
    assert_eq!((&shown["state"], &shown["outputTokens"]), (&"completed".into(), &2.into()));
}

#[test]
fn the_documented_settings_file_is_one() {
    let nexus = Nexus::new();
    let text = block(CONFIGURATION, "toml", "port");
    std::fs::write(nexus.path().join("nexus.toml"), text).expect("written");
    let settings = nexus.json("doctor --settings --json");
    let from_file = settings.as_array().expect("a list").iter();
    let from_file = from_file.filter(|one| one["source"] == "nexus.toml").count();
    assert_eq!(from_file, text.lines().filter(|line| line.contains(" = ")).count());
}

/// `nexus analyses check-config` with these settings.
fn check_config(settings: &[(&str, &str)]) -> std::process::Output {
    let nexus = Nexus::new();
    let mut command = nexus.command("analyses check-config --json");
    command.envs(settings.iter().copied()).output().expect("the binary runs")
}

/// Settings, and the exit code and a part of the error that they lead to.
type Case<'a> = (&'a [(&'a str, &'a str)], i32, &'a str);

/// The stand-in serves on another thread while the command is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_config_asks_gemini_and_says_what_is_wrong() {
    use nexus_scripted::{Gemini, Server};

    let gemini = Server::local(Gemini::default()).expect("a port");
    let url = format!("{}/v1beta/models", gemini.url());
    let (key, url) = (("GEMINI_API_KEY", "key"), ("GEMINI_API_URL", url.as_str()));

    let fine = check_config(&[key, url, ("GEMINI_MODEL_NAME", "gemini-x")]);
    let error = String::from_utf8_lossy(&fine.stderr);
    assert!(fine.status.success(), "{error}");
    let found: Value = serde_json::from_slice(&fine.stdout).expect("JSON");
    assert_eq!((&found["answeredBy"], &found["keepsToSchema"]), (&"gemini-x".into(), &true.into()));
    assert!(found["promptTokens"].is_u64() && found["estimatedPromptTokens"].is_u64(), "{found}");
    assert_eq!(gemini.seen().count(), 1);

    let cases: [Case<'_>; 5] = [
        (&[url], 2, "GEMINI_API_KEY is not set"),
        (&[("GEMINI_API_KEY", "invalid"), url], 1, "check GEMINI_API_KEY"),
        (&[key, ("GEMINI_API_URL", "http://127.0.0.1:9/models")], 1, "check GEMINI_API_URL"),
        (&[key, url, ("AI_MAX_PROMPT_TOKENS", "100")], 1, "raise AI_MAX_PROMPT_TOKENS"),
        (&[key, url, ("AI_ANALYSIS_MAX_RETRIES", "0")], 2, "AI_ANALYSIS_MAX_RETRIES"),
    ];
    for (settings, code, advice) in cases {
        let (found, error) = failure(&check_config(settings));
        assert_eq!(found, code, "{settings:?}: {error}");
        assert!(error.contains(advice), "{settings:?}: {error}");
    }
}
