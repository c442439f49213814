//! Stories: exchanges and the links expected of them, in a form that reads like a script.
//!
//! ```text
//! # What it is about.
//! NAME [Nd]HH:MM:SS SESSION[/AGENT[^PARENT-AGENT]]   an exchange, N days later; `-` without session,
//!                                                `~SESSION` when only metadata names it, `{SESSION}`
//!                                                when it does so as JSON
//!   after NAME        the history of that exchange, and its answer
//!   upto NAME         its history alone
//!   user: TEXT        a message; `system:` and `assistant:` likewise
//!   block: TEXT       one more text in the last message
//!   result ID: TEXT   a tool result in the last message of the user, or in a new one
//!   calls ID TOOL: PROMPT   a tool call in the last message of the model
//!   rewrite HOW       `strings`, `blocks`, `merge`, `split`, `crlf`, `reminders`, `thinking`, `doubled`,
//!                     `cached` (the cache's mark moves to the end)
//!   answer: TEXT      what the model says; `call ID TOOL: PROMPT` what it calls
//!   fails | cut | aborted | pending
//!   thread NAME       only the new messages, behind that exchange's answer
//!   message NAME      the answer has the same id as that exchange's
//!   class NAME | header NAME: TEXT (of the client's own) | billing: TEXT (before the system prompt)
//!   prompt: TEXT (system prompt) | plain (no tools) | domain NAME | max_tokens N
//! expect NAME KIND [of NAME] [on BRANCH] [by METHOD] [task ID] [with NAME] [apart NAME]
//!                   `with`: in the same conversation; `apart`: in another one
//! ```

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::{SignedDuration, Timestamp};
use nexus_contract::{ExchangeId, Headers, TerminalState};
use nexus_linking::{AnswerFacts, Fact, Link, LinkKind, Memory, RequestContext, RequestFacts};
use nexus_messages::{Answer, Identity, Request};
use serde_json::{Value, json};

/// Where the client names its session.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Naming {
    #[default]
    Header,
    Metadata,
    JsonMetadata,
}

#[derive(Debug, Clone, Default)]
struct Scene {
    at: String,
    session: Option<String>,
    naming: Naming,
    agent: Option<String>,
    parent_agent: Option<String>,
    messages: Vec<Value>,
    answer: Vec<Value>,
    state: Option<TerminalState>,
    pending: bool,
    thread: Option<String>,
    message: Option<String>,
    hints: Vec<(String, String)>,
    billing: Option<String>,
    prompt: Option<String>,
    plain: bool,
    domain: Option<String>,
    max_tokens: u64,
}

/// A story and what is expected of it.
#[derive(Default)]
pub struct Story {
    scenes: BTreeMap<String, Scene>,
    expected: Vec<String>,
}

impl Story {
    pub fn parse(text: &str) -> Self {
        let mut story = Self::default();
        let mut current = String::new();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            if let Some(expected) = line.strip_prefix("expect ") {
                story.expected.push(expected.to_owned());
            } else if line.starts_with(' ') {
                let mut scene = story.scenes.remove(&current).expect("an exchange before");
                story.tell(&mut scene, line.trim());
                story.scenes.insert(current.clone(), scene);
            } else {
                let mut words = line.split_whitespace();
                words.next().expect("a name").clone_into(&mut current);
                let at = words.next().expect("a time").to_owned();
                story.scenes.insert(current.clone(), Scene::new(at, words.next().unwrap_or("-")));
            }
        }
        story
    }

    fn tell(&self, scene: &mut Scene, line: &str) {
        let (word, text) = line.split_once(": ").unwrap_or((line, ""));
        let text = &text.replace("\\n", "\n");
        let mut words = word.split_whitespace();
        match (words.next().expect("a word"), words.next()) {
            ("after", Some(name)) => scene.go_on(&self.scenes[name], true),
            ("upto", Some(name)) => scene.go_on(&self.scenes[name], false),
            ("thread", Some(name)) => scene.thread = Some(format!("msg_{name}")),
            ("message", Some(name)) => scene.message = Some(name.to_owned()),
            (role @ ("user" | "system" | "assistant"), None) => {
                scene.messages.push(json!({"role": role, "content": text.as_str()}));
            }
            ("block", None) => scene.push_block(json!({"type": "text", "text": text})),
            ("result", Some(id)) => {
                scene.push_result(
                    json!({"type": "tool_result", "tool_use_id": id, "content": text}),
                );
            }
            ("rewrite", Some(how)) => scene.rewrite(how),
            ("answer", None) => scene.answer.push(json!({"type": "text", "text": text})),
            ("call", Some(id)) => scene.answer.push(call(id, words.next(), text)),
            ("calls", Some(id)) => scene.push_block(call(id, words.next(), text)),
            ("fails", None) => scene.state = Some(TerminalState::UpstreamError),
            ("cut", None) => scene.state = Some(TerminalState::UpstreamCut),
            ("aborted", None) => scene.state = Some(TerminalState::ClientAborted),
            ("pending", None) => scene.pending = true,
            ("class", Some(class)) => scene.hint("request-class", class),
            ("header", Some(name)) => scene.hint(name, text),
            ("billing", None) => scene.billing = Some(text.to_owned()),
            ("prompt", None) => scene.prompt = Some(text.to_owned()),
            ("plain", None) => scene.plain = true,
            ("domain", Some(name)) => scene.domain = Some(name.to_owned()),
            ("max_tokens", Some(count)) => scene.max_tokens = count.parse().expect("a number"),
            _ => panic!("{line:?} says nothing"),
        }
    }

    /// The facts, in the order of names.
    pub fn facts(&self) -> Vec<Fact> {
        self.scenes.iter().flat_map(|(name, scene)| scene.facts(name)).collect()
    }

    /// Where the links are not those expected.
    pub fn differences(&self, index: &Memory) -> Vec<String> {
        let names: BTreeMap<_, _> = self.scenes.keys().map(|name| (id(name), name)).collect();
        let mut differences = Vec::new();
        for expected in &self.expected {
            let mut words = expected.split_whitespace();
            let name = words.next().expect("a name");
            let link = &index.links[&id(name)];
            let mut found = format!("{name} {}", link.edge.kind.as_str());
            let mut wanted = format!("{name} {}", words.next().expect("a kind"));
            while let (Some(word), Some(value)) = (words.next(), words.next()) {
                write!(wanted, " {word} {value}").expect("a string");
                let is = match word {
                    "of" => link.edge.parent.map(|parent| names[&parent].clone()),
                    "on" => label(index, link),
                    "by" => Some(link.edge.method.as_str().to_owned()),
                    "task" => link.edge.parent_task.as_ref().map(|task| task.tool_use_id.clone()),
                    "with" => (index.links[&id(value)].conversation == link.conversation)
                        .then(|| value.to_owned()),
                    "apart" => (index.links[&id(value)].conversation != link.conversation)
                        .then(|| value.to_owned()),
                    _ => panic!("{expected:?}: {word} says nothing"),
                };
                let is = is.as_deref().unwrap_or("nothing");
                write!(found, " {word} {is}").expect("a string");
            }
            if matches!(link.edge.kind, LinkKind::Root) && !wanted.contains(" of ") {
                assert!(link.edge.parent.is_none());
            }
            if found != wanted {
                differences
                    .push(format!("{wanted:?} but {found:?} ({})", link.edge.method.as_str()));
            }
        }
        differences
    }
}

fn label(index: &Memory, link: &Link) -> Option<String> {
    let branch = link.branch?;
    let main = || (link.conversation == Some(branch)).then(|| "main".to_owned());
    index.labels.get(&branch).cloned().or_else(main)
}

fn id(name: &str) -> ExchangeId {
    ExchangeId::from_external(name)
}

impl Scene {
    fn new(at: String, who: &str) -> Self {
        let (session, agent) = who.split_once('/').unwrap_or((who, ""));
        let (agent, parent) = agent.split_once('^').unwrap_or((agent, ""));
        let given = |text: &str| (!text.is_empty() && text != "-").then(|| text.to_owned());
        Self {
            at,
            naming: match session.chars().next() {
                Some('~') => Naming::Metadata,
                Some('{') => Naming::JsonMetadata,
                _ => Naming::Header,
            },
            session: given(session.trim_matches(['~', '{', '}'])),
            agent: given(agent),
            parent_agent: given(parent),
            ..Self::default()
        }
    }

    fn go_on(&mut self, from: &Self, with_answer: bool) {
        self.messages.clone_from(&from.messages);
        if with_answer && !from.answer.is_empty() {
            self.messages.push(json!({"role": "assistant", "content": from.answer}));
        }
    }

    fn hint(&mut self, name: &str, value: &str) {
        self.hints.push((name.to_owned(), value.to_owned()));
    }

    /// The last message's content as a list.
    fn blocks(&mut self) -> &mut Vec<Value> {
        let last = self.messages.last_mut().expect("a message before");
        if let Some(text) = last["content"].as_str() {
            last["content"] = json!([{"type": "text", "text": text}]);
        }
        last["content"].as_array_mut().expect("a list")
    }

    fn push_block(&mut self, block: Value) {
        self.blocks().push(block);
    }

    fn push_result(&mut self, result: Value) {
        if self.messages.last().is_none_or(|last| last["role"] != "user") {
            self.messages.push(json!({"role": "user", "content": []}));
        }
        self.push_block(result);
    }

    fn rewrite(&mut self, how: &str) {
        let messages = std::mem::take(&mut self.messages);
        for message in messages {
            let merges = how == "merge"
                && message["role"] == "user"
                && self.messages.last().is_some_and(|last| last["role"] == "user");
            self.messages.push(message);
            if how != "strings" {
                self.blocks();
            }
            if merges {
                let last = self.messages.pop().expect("just pushed");
                let more = last["content"].as_array().expect("a list").clone();
                self.blocks().extend(more);
            }
        }
        for message in &mut self.messages {
            rewrite(message, how);
        }
        if how == "cached"
            && let Some(block) = self.blocks().last_mut()
        {
            block["cache_control"] = json!({"type": "ephemeral"});
        }
        if how == "split" {
            self.messages = self.messages.iter().flat_map(split).collect();
        }
    }

    fn facts(&self, name: &str) -> Vec<Fact> {
        let mut body = json!({
            "model": "m", "messages": self.messages,
            "max_tokens": if self.max_tokens > 0 { self.max_tokens } else { 1000 },
        });
        if !self.plain {
            body["tools"] = json!([{"name": "Bash"}]);
        }
        if let Some(system) = self.system() {
            body["system"] = system;
        }
        if let Some(previous) = &self.thread {
            body["thread"] = json!({"type": "continue", "previous_message_id": previous});
        }
        if let Some(user) = self.user_id() {
            body["metadata"] = json!({"user_id": user});
        }
        let body = body.to_string();
        let request = Request::parse(body.as_bytes()).expect("a request");
        let headers = self.headers();
        let identity = Identity::read(&headers, &request);
        let (days, time) = self.at.split_once('d').unwrap_or(("0", self.at.as_str()));
        let at: Timestamp = format!("2026-11-23T{time}Z").parse().expect("a time");
        let days: i64 = days.parse().expect("a number");
        let context = RequestContext {
            id: id(name),
            at: at + SignedDuration::from_hours(24 * days),
            domain: self.domain.as_deref().unwrap_or("team.example"),
            names_session: headers.get("x-claude-code-session-id").is_some(),
        };
        let request = RequestFacts::read(&context, &identity, &request);
        let mut facts = vec![Fact::Request(id(name), Box::new(request))];
        if !self.pending {
            facts.push(Fact::Answer(id(name), Box::new(self.answered(name))));
        }
        facts
    }

    /// A prompt alone is sent as a string, as clients without a billing line send it.
    fn system(&self) -> Option<Value> {
        let text = |text: &str| json!({"type": "text", "text": text});
        match (&self.billing, &self.prompt) {
            (None, prompt) => prompt.as_ref().map(|prompt| json!(prompt)),
            (Some(line), Some(prompt)) => {
                let line = format!("x-anthropic-billing-header: {line}");
                Some(json!([text(&line), text(prompt)]))
            }
            (Some(line), None) => panic!("{line:?} stands before no prompt"),
        }
    }

    fn user_id(&self) -> Option<String> {
        let session = self.session.as_ref()?;
        match self.naming {
            Naming::Header => None,
            Naming::Metadata => Some(format!("user_ab_account__session_{session}")),
            Naming::JsonMetadata => {
                Some(json!({"device_id": "ab", "session_id": session}).to_string())
            }
        }
    }

    fn answered(&self, name: &str) -> AnswerFacts {
        let state = self.state.unwrap_or(TerminalState::Completed);
        let answer = if state == TerminalState::UpstreamError {
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
        } else {
            let name = self.message.as_deref().unwrap_or(name);
            json!({"id": format!("msg_{name}"), "type": "message", "content": self.answer})
        };
        let mut answer = Answer::from_message(answer);
        answer.complete &= state == TerminalState::Completed;
        AnswerFacts::read(state, &answer)
    }

    fn headers(&self) -> Headers {
        let session = self.session.clone().filter(|_| self.naming == Naming::Header);
        let named = [
            ("session-id", session),
            ("agent-id", self.agent.clone()),
            ("parent-agent-id", self.parent_agent.clone()),
        ];
        let named = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let all = named.chain(self.hints.iter().cloned());
        all.map(|(name, value)| (format!("x-claude-code-{name}"), value)).collect()
    }
}

/// One message for each block.
fn split(message: &Value) -> Vec<Value> {
    let blocks = message["content"].as_array().into_iter().flatten();
    blocks.map(|block| json!({"role": message["role"], "content": [block]})).collect()
}

fn call(id: &str, name: Option<&str>, prompt: &str) -> Value {
    let input = json!({"description": "d", "prompt": prompt});
    json!({"type": "tool_use", "id": id, "name": name.expect("a tool"), "input": input})
}

fn rewrite(message: &mut Value, how: &str) {
    let assistant = message["role"] == "assistant";
    let Some(blocks) = message["content"].as_array_mut() else { return };
    match how {
        "strings" => {
            if let [block] = blocks.as_slice()
                && let Some(text) = block["text"].as_str()
            {
                message["content"] = json!(text);
            }
        }
        "crlf" => {
            for block in blocks {
                if let Some(text) = block["text"].as_str() {
                    block["text"] = json!(format!("  {}\r\n", text.replace('\n', "\r\n")));
                }
            }
        }
        "reminders" => {
            const REMINDER: &str = "<system-reminder>\nNow.\n</system-reminder>";
            for block in blocks.iter_mut() {
                let key = if block["type"] == "tool_result" { "content" } else { "text" };
                if let Some(text) = block[key].as_str() {
                    block[key] = json!(format!("{text}\n\n{REMINDER}"));
                }
            }
            if !assistant {
                blocks.insert(0, json!({"type": "text", "text": REMINDER}));
            }
        }
        "thinking" if assistant => {
            blocks.insert(0, json!({"type": "thinking", "thinking": "Hm.", "signature": "x"}));
        }
        "cached" => {
            for block in blocks.iter_mut().filter_map(Value::as_object_mut) {
                block.remove("cache_control");
            }
        }
        "doubled" => {
            let twice = blocks.iter().filter(|block| block["type"] != "text").cloned();
            let twice: Vec<_> = twice.collect();
            blocks.extend(twice);
        }
        _ => {}
    }
}
