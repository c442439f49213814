//! Random sets of exchanges: few words, few sessions, close times, so that everything collides.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::{Answer, Identity, Request};
use rand::{Rng, seq::IndexedRandom as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{AnswerFacts, Fact, RequestContext, RequestFacts};

const WORDS: [&str; 4] = ["hi", "go on", "count", "why"];
const SUMMARIES: [&str; 2] = [
    "1. Primary Request and Intent: apples, apples and once more apples were to be counted.",
    "1. Primary Request and Intent: pears, pears and once more pears were to be counted.",
];
/// 2026-11-23T09:00:00Z.
const START: i64 = 1_795_424_400;

/// One exchange in the making.
#[derive(Clone)]
struct Grown {
    messages: Vec<Value>,
    answer: Vec<Value>,
    session: Option<String>,
    agent: Option<String>,
    domain: String,
    message_id: String,
    spawns: Vec<String>,
}

/// The facts of `count` exchanges, each part by itself.
///
/// # Panics
/// Never: what it makes is well formed.
pub fn forest(random: &mut impl Rng, count: usize) -> Vec<Fact> {
    let mut grown: Vec<Grown> = Vec::new();
    let mut facts = Vec::new();
    for number in 0..count {
        let one = grow(random, &grown, number);
        let jitter = if random.random_bool(0.1) { -40 } else { 0 };
        let at =
            START + 10 * i64::try_from(number).expect("few") + jitter + random.random_range(0..12);
        facts.extend(facts_of(random, &one, number, at));
        grown.push(one);
    }
    facts
}

fn grow(random: &mut impl Rng, grown: &[Grown], number: usize) -> Grown {
    let Some(parent) = grown.choose(random).filter(|_| random.random_bool(0.85)).cloned() else {
        return root(random, number);
    };
    let mut next = match random.random_range(0..12) {
        0 => return Grown { ..retry(random, parent, number) },
        1 => compact(random, parent),
        10 => kept_tail(random, parent),
        11 => aside(random, parent),
        2 | 3 if !parent.spawns.is_empty() => subagent(random, parent),
        4 => other_session(random, parent),
        _ => turn(random, parent),
    };
    next.answer = answer(random, number);
    next.spawns = spawned(&next.answer);
    next.message_id = format!("msg_{}", if random.random_bool(0.05) { 0 } else { number });
    next
}

fn root(random: &mut impl Rng, number: usize) -> Grown {
    let session = random.random_bool(0.6).then(|| format!("s{}", random.random_range(0..3)));
    let answer = answer(random, number);
    Grown {
        messages: vec![user(WORDS.choose(random).expect("words"))],
        spawns: spawned(&answer),
        answer,
        session,
        agent: None,
        domain: format!("d{}", u8::from(random.random_bool(0.2))),
        message_id: format!("msg_{number}"),
    }
}

fn turn(random: &mut impl Rng, parent: Grown) -> Grown {
    let mut next = parent;
    if random.random_bool(0.9) {
        next.messages.push(json!({"role": "assistant", "content": next.answer}));
    }
    let mut content: Vec<Value> = Vec::new();
    for id in &next.spawns {
        if random.random_bool(0.5) {
            let report = format!("Done. agentId: a{} .", random.random_range(0..3));
            content.push(json!({"type": "tool_result", "tool_use_id": id, "content": report}));
        }
    }
    content.push(json!({"type": "text", "text": WORDS.choose(random).expect("words")}));
    if random.random_bool(0.1) {
        let ask = "Your task is to create a detailed summary of the conversation so far";
        content.push(json!({"type": "text", "text": ask}));
    }
    next.messages.push(json!({"role": "user", "content": content}));
    next
}

fn retry(random: &mut impl Rng, parent: Grown, number: usize) -> Grown {
    let message_id = format!("msg_{number}");
    Grown { answer: answer(random, number), spawns: Vec::new(), message_id, ..parent }
}

fn compact(random: &mut impl Rng, parent: Grown) -> Grown {
    let summary = SUMMARIES.choose(random).expect("summaries");
    let text = format!(
        "This session is being continued from a previous conversation that ran out of context.\n\
         Summary:\n{summary}\n\nGo on."
    );
    let mut messages = if random.random_bool(0.2) { parent.messages.clone() } else { Vec::new() };
    messages.push(user(&text));
    if random.random_bool(0.5) {
        messages.push(user(WORDS.choose(random).expect("words")));
    }
    Grown { messages, ..parent }
}

/// A continuation that keeps the last answer, and what was said to it, behind the summary.
fn kept_tail(random: &mut impl Rng, parent: Grown) -> Grown {
    let kept = json!({"role": "assistant", "content": parent.answer});
    let mut next = compact(random, parent);
    next.messages.push(kept);
    next.messages.push(user(WORDS.choose(random).expect("words")));
    next
}

/// A question aside, behind the whole history: auxiliary.
fn aside(random: &mut impl Rng, parent: Grown) -> Grown {
    let mut next = turn(random, parent);
    let text = "<system-reminder>This is a side question from the user.</system-reminder>";
    next.messages.push(user(text));
    next
}

fn subagent(random: &mut impl Rng, parent: Grown) -> Grown {
    let agent = (parent.session.is_some() && random.random_bool(0.7))
        .then(|| format!("a{}", random.random_range(0..4)));
    let prompt = if random.random_bool(0.8) { "count" } else { "why" };
    Grown { messages: vec![user(prompt)], agent, ..parent }
}

fn other_session(random: &mut impl Rng, parent: Grown) -> Grown {
    let session = random.random_bool(0.7).then(|| format!("s{}", random.random_range(0..3)));
    let agent = session.as_ref().and(parent.agent.clone());
    Grown { session, agent, ..turn(random, parent) }
}

fn answer(random: &mut impl Rng, number: usize) -> Vec<Value> {
    let mut blocks = vec![json!({"type": "text", "text": WORDS.choose(random).expect("words")})];
    if random.random_bool(0.15) {
        let summary = SUMMARIES.choose(random).expect("summaries");
        blocks = vec![json!({"type": "text", "text": format!("<summary>{summary}</summary>")})];
    }
    for call in 0..random.random_range(0..3) {
        let prompt = if random.random_bool(0.8) { "count" } else { "hi" };
        let name = if random.random_bool(0.9) { "Agent" } else { "Workflow" };
        let id = format!("toolu_{}_{call}", if random.random_bool(0.05) { 0 } else { number });
        blocks
            .push(json!({"type": "tool_use", "id": id, "name": name, "input": {"prompt": prompt}}));
    }
    if random.random_bool(0.1) { Vec::new() } else { blocks }
}

fn spawned(answer: &[Value]) -> Vec<String> {
    let ids = answer.iter().filter_map(|block| block.get("id")?.as_str());
    ids.map(str::to_owned).collect()
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn facts_of(random: &mut impl Rng, one: &Grown, number: usize, at: i64) -> Vec<Fact> {
    // Ids in no order, so that nothing leans on them.
    let id = ExchangeId(Uuid::from_u128(u128::from(random.random::<u64>()) << 32 | number as u128));
    let mut body = json!({"model": "m", "messages": one.messages, "tools": [{"name": "Agent"}]});
    if random.random_bool(0.1) && one.messages.len() > 1 {
        let previous = format!("msg_{}", random.random_range(0..=number));
        body["thread"] = json!({"type": "continue", "previous_message_id": previous});
        let last = one.messages.last().cloned().expect("not empty");
        body["messages"] = json!([last]);
    }
    if random.random_bool(0.3) {
        body["system"] = json!("You count.");
    }
    let body = body.to_string();
    let request = Request::parse(body.as_bytes()).expect("a request");
    let names_session = one.session.is_some() && one.session.as_deref() != Some("s2");
    let identity = Identity {
        session_id: one.session.clone(),
        agent_id: one.agent.clone(),
        parent_agent_id: random
            .random_bool(0.2)
            .then(|| "a0".to_owned())
            .filter(|_| one.agent.is_some()),
        ..Identity::default()
    };
    let at = Timestamp::from_second(at).expect("in range");
    let context = RequestContext { id, at, domain: &one.domain, names_session };
    let request = RequestFacts::read(&context, &identity, &request);
    let mut message = Answer::from_message(json!({
        "id": one.message_id, "type": "message", "role": "assistant", "content": one.answer,
        "stop_reason": if random.random_bool(0.1) { "max_tokens" } else { "end_turn" },
    }));
    let failed = random.random_bool(0.2);
    message.complete = !failed;
    let state = if failed { TerminalState::UpstreamCut } else { TerminalState::Completed };
    let mut facts = vec![Fact::Request(id, Box::new(request))];
    if random.random_bool(0.95) {
        facts.push(Fact::Answer(id, Box::new(AnswerFacts::read(state, &message))));
    }
    facts
}
