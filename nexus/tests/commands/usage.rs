//! What every command has: help, exit codes, errors that say what to do, completions.

use crate::rig::{Nexus, failure};

/// Every command, with arguments that are right.
const COMMANDS: &[&str] = &[
    "up",
    "gateway",
    "linker",
    "storage",
    "analysis",
    "dashboard",
    "demo",
    "migrate",
    "nats setup",
    "doctor",
    "keys generate",
    "credentials status",
    "credentials login --domain d",
    "credentials refresh --all",
    "import f",
    "export --domain d",
    "show exchange x",
    "show conversation x",
    "relink",
    "explain-link a b",
    "copy-conversation --conversation-id x --dest-db sqlite://y",
    "analyses list",
    "analyses show c b",
    "analyses retry c b",
    "analyses reset-stuck",
    "analyses fail-exceeded",
    "analyses check-config",
    "dead-letters list",
    "dead-letters show 1",
    "dead-letters requeue 1",
    "dead-letters drop 1",
    "prune --older-than 1d",
    "rebuild",
    "reprice",
    "health",
    "completions bash",
];

#[test]
fn every_command_has_help() {
    let nexus = Nexus::new();
    let whole = nexus.says("--help");
    for command in COMMANDS {
        let words = command.split(' ').take_while(|word| {
            word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with("--")
        });
        let names: Vec<&str> = words.collect();
        let top = names.first().expect("a name");
        assert!(whole.contains(top), "{top} is in the list");
        let help = nexus.says(&format!("{command} --help"));
        assert!(help.contains("Usage: nexus") && help.contains("--json"), "{command}: {help}");
    }
    assert!(nexus.says("--version").starts_with("nexus "));
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_right() {
    let nexus = Nexus::new();
    for (wrong, word) in [
        ("up --prot 1", "--port"),
        ("frobnicate", "--help"),
        ("import", "FILE"),
        ("export", "--conversation"),
        ("export --conversation a --domain b", "cannot be used"),
        ("export --conversation a --since 1d", "cannot be used"),
        ("export --domain d --since soon", "7d"),
        ("show exchange", "<ID>"),
        ("show thing x", "nexus show"),
        ("relink --since soon", "7d"),
        ("explain-link a", "<B>"),
        ("copy-conversation --conversation-id x", "--dest-db"),
        ("analyses list --status odd", "pending"),
        ("analyses check-config", "GEMINI_API_KEY"),
        ("dead-letters requeue", "<ID>"),
        ("credentials login", "--domain"),
        ("credentials login --domain Team.Example:3000", "without a port"),
        ("credentials refresh", "<DOMAIN>"),
        ("prune", "--older-than"),
        ("prune --older-than often", "30d"),
        ("nats setup", "NATS_URL"),
        ("demo --conversations 3", "--seed"),
        ("completions cmd", "bash"),
        ("doctor --config missing.toml", "missing.toml"),
    ] {
        let (code, error) = failure(&nexus.run(wrong));
        assert_eq!(code, 2, "nexus {wrong}: {error}");
        assert!(error.starts_with("error: ") && error.contains(word), "nexus {wrong}: {error}");
    }
}

#[test]
fn settings_that_cannot_be_are_named_all_at_once() {
    let nexus = Nexus::new();
    let mut doctor = nexus.command("doctor");
    let mistakes = doctor.env("PORT", "x").env("DEBUG", "y").output().expect("runs");
    let (code, error) = failure(&mistakes);
    assert!(code == 2 && error.contains("PORT") && error.contains("DEBUG"), "{code}: {error}");
    std::fs::write(nexus.path().join("nexus.toml"), "prot = 1").expect("written");
    let (code, error) = failure(&nexus.run("doctor"));
    assert!(code == 2 && error.contains("prot") && error.contains("port"), "{code}: {error}");
}

#[test]
fn failures_end_with_1_and_say_what_failed() {
    let nexus = Nexus::new();
    nexus.says("migrate");
    for (failing, word) in [
        ("show exchange nothing", "no"),
        ("show conversation nothing", "no"),
        ("export --conversation nothing", "nothing"),
        ("explain-link a b", "a"),
        ("copy-conversation --conversation-id x --dest-db sqlite://y", "x"),
        ("analyses show c b", "no analysis"),
        ("analyses retry c b", "no analysis"),
        ("import missing.jsonl", "missing.jsonl"),
        ("dead-letters show 1", "1"),
        ("dead-letters requeue 1", "1"),
        ("dead-letters drop 1", "1"),
        ("credentials login --domain d", "no code"),
        ("credentials refresh nobody", "nobody"),
        ("credentials refresh nobody --dry-run", "no OAuth credential"),
        ("health --port 9 --admin-port 9 --dashboard-port 9", "no role answers"),
    ] {
        let output = nexus.run(failing);
        let (code, error) = failure(&output);
        let said = format!("{error}{}", String::from_utf8_lossy(&output.stdout));
        assert!(code == 1 && said.contains(word), "nexus {failing}: {code} {said}");
    }
}

#[test]
fn what_prints_data_prints_it_as_json_too() {
    let nexus = Nexus::new();
    nexus.import();
    for command in [
        "migrate",
        "doctor --settings",
        "keys generate",
        "credentials status",
        "credentials refresh --all --dry-run",
        "show exchange s06-001",
        "show conversation s06-001",
        "relink --dry-run",
        "explain-link s06-001 s06-004",
        "analyses list",
        "analyses reset-stuck",
        "analyses fail-exceeded",
        "dead-letters list",
        "dead-letters requeue --all",
        "prune --older-than 1d --dry-run",
        "rebuild",
    ] {
        assert!(!nexus.says(command).trim().is_empty(), "{command} says something to people");
        let value = nexus.json(&format!("{command} --json"));
        assert!(value.is_object() || value.is_array(), "{command}: {value}");
    }
}

#[test]
fn completions_are_for_every_shell_and_need_no_settings() {
    let nexus = Nexus::new();
    for (shell, word) in [
        ("bash", "_nexus"),
        ("zsh", "#compdef nexus"),
        ("fish", "complete -c nexus"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let script = nexus.says(&format!("completions {shell}"));
        assert!(script.contains(word) && script.contains("copy-conversation"), "{shell}");
    }
    let script = nexus.says("completions bash");
    let file = nexus.path().join("completions.bash");
    std::fs::write(&file, script).expect("written");
    let checked = std::process::Command::new("bash").arg("-n").arg(file).output().expect("bash");
    assert!(checked.status.success(), "{checked:?}");
    assert!(nexus.says("keys generate").starts_with("cnp_live_"));
    assert!(nexus.says("keys generate --test").starts_with("cnp_test_"));
    assert!(!nexus.path().join(".nexus").exists(), "nothing was made on disk");
}

/// `nexus show … | head` is no failure.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let nexus = Nexus::new();
    let mut command = nexus.command("completions bash");
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    assert!(child.wait().expect("ends").success());
}
