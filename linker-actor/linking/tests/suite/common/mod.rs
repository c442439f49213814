//! Recordings and what a person would draw of them.
#![allow(dead_code, reason = "each test uses its part")]

pub mod story;

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    future::Future,
    path::Path,
    pin::pin,
    task::{Context, Poll, Waker},
};

use nexus_contract::ExchangeId;
use nexus_linking::{Fact, LinkKind, Memory, ingest};
use nexus_messages::line::parse_line;
use serde::Deserialize;
use serde_json::Value;

/// Runs a future that never waits.
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the index in memory never waits"),
    }
}

/// The link that a person would draw.
#[derive(Debug, Deserialize)]
pub struct Expected {
    pub id: String,
    pub kind: LinkKind,
    pub parents: Vec<String>,
    pub conversation: Option<String>,
    #[serde(default)]
    pub or_turn: bool,
}

/// A recorded session.
pub struct Recording {
    pub facts: Vec<Fact>,
    pub expected: Vec<Expected>,
}

impl Recording {
    /// Reads `NAME.jsonl` and `NAME.expected.jsonl`; `change` may alter each exchange before.
    pub fn read(path: &Path, change: impl Fn(&mut Value)) -> Self {
        let read = |path: &Path| std::fs::read_to_string(path).expect("the recording is there");
        let mut facts = Vec::new();
        for line in read(path).lines() {
            let mut value: Value = serde_json::from_str(line).expect("a line of JSON");
            change(&mut value);
            let (request, response) = parse_line(&value.to_string()).expect("an exchange");
            for event in [request, response] {
                facts.extend(Fact::of_event(&event).expect("whole bodies"));
            }
        }
        let expected = read(&path.with_extension("expected.jsonl"));
        let expected =
            expected.lines().map(|line| serde_json::from_str(line).expect("an expectation"));
        Self { facts, expected: expected.collect() }
    }

    /// Links the recording, and says where the links are not those expected.
    pub fn differences(&self) -> BTreeMap<String, String> {
        let mut index = Memory::default();
        ready(ingest(&mut index, &self.facts)).expect("infallible");
        self.compare(&index)
    }

    pub fn compare(&self, index: &Memory) -> BTreeMap<String, String> {
        let names: HashMap<_, _> =
            self.expected.iter().map(|one| (ExchangeId::from_external(&one.id), &one.id)).collect();
        let mut labels: HashMap<&String, Option<ExchangeId>> = HashMap::new();
        let mut differences = BTreeMap::new();
        for expected in &self.expected {
            let link = &index.links[&ExchangeId::from_external(&expected.id)];
            let mut wrong = String::new();
            let as_turn = expected.or_turn && link.edge.kind == LinkKind::Turn;
            if link.edge.kind != expected.kind && !as_turn {
                write!(
                    wrong,
                    "{} instead of {}; ",
                    link.edge.kind.as_str(),
                    expected.kind.as_str()
                )
                .expect("a string");
            }
            let parent = link.edge.parent.and_then(|parent| names.get(&parent));
            let fits = match parent {
                Some(parent) => expected.parents.contains(parent) || as_turn,
                None => expected.parents.is_empty(),
            };
            if !fits {
                write!(wrong, "parent {parent:?} instead of {:?}; ", expected.parents)
                    .expect("a string");
            }
            if let Some(label) = &expected.conversation {
                let known = labels.entry(label).or_insert(link.conversation);
                if *known != link.conversation {
                    write!(wrong, "another conversation than the rest of {label}; ")
                        .expect("a string");
                }
            }
            if !wrong.is_empty() {
                wrong.push_str(link.edge.method.as_str());
                differences.insert(expected.id.clone(), wrong);
            }
        }
        let mut roots: HashMap<ExchangeId, &String> = HashMap::new();
        for (label, conversation) in labels {
            if let Some(other) = conversation.and_then(|root| roots.insert(root, label)) {
                differences.insert(label.clone(), format!("one conversation with {other}"));
            }
        }
        differences
    }
}

/// Leaves only what plain SDK users send: no identity in headers and metadata.
pub fn anonymous(exchange: &mut Value) {
    if let Some(headers) = exchange["request"]["headers"].as_object_mut() {
        headers.retain(|name, _| !name.starts_with("x-claude-code-"));
    }
    if let Some(body) = exchange["request"]["body"].as_object_mut() {
        body.shift_remove("metadata");
    }
}

/// All recordings.
pub fn recordings() -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let files = std::fs::read_dir(folder).expect("the recordings are there");
    let mut files: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
    files.retain(|file| {
        let name = file.to_string_lossy();
        name.ends_with(".jsonl") && !name.ends_with(".expected.jsonl")
    });
    files.sort();
    files
}
