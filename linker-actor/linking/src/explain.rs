//! Why two exchanges are, or are not, parent and child.

use nexus_messages::request::Request;
use serde::Serialize;

use crate::{
    chain,
    decide::{RETRY_WINDOW, call_scope},
    facts::{AnswerFacts, RequestFacts},
    hash::Hash,
    index::{Call, Place},
    link::Reply,
};

/// Where the parent's history ends in the child's cannot be said then.
const PARENT_UNKNOWN: &str = "the parent's whole history is not known";

/// One of the two exchanges, read from its bodies.
pub struct Side {
    pub request: RequestFacts,
    pub answer: Option<AnswerFacts>,
    /// The history's blocks in normal form, as they are hashed; of a thread's continuation what is new.
    pub lines: Vec<String>,
    /// The end of the whole history; `None` while a message thread's beginning is unknown.
    pub place: Option<Place>,
    /// The call whose result names its agent; the result stands in another exchange.
    pub named: Option<Call>,
}

/// What the comparison says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Blocks that both histories begin with.
    pub common: usize,
    /// The first block of each that the other does not have there; `None` where a history ends.
    pub left: Option<String>,
    pub right: Option<String>,
    pub verdicts: Vec<Verdict>,
}

/// What one rule says of the pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub rule: &'static str,
    pub holds: bool,
    pub because: String,
}

impl Side {
    /// What the bodies tell.
    pub fn new(request: RequestFacts, answer: Option<AnswerFacts>, body: &Request<'_>) -> Self {
        let nodes = chain::extend(Hash::START, 0, &request.blocks);
        let last = nodes.last().filter(|_| request.thread.is_none());
        let place = last.map(|node| Place { current: node.hash, length: node.length });
        Self { request, answer, lines: chain::lines(body), place, named: None }
    }

    /// Blocks of the whole history.
    fn length(&self) -> usize {
        self.place.map_or(0, |place| place.length as usize)
    }
}

/// Compares `parent` with `child`, rule by rule.
pub fn explain(parent: &Side, child: &Side) -> Explanation {
    let common =
        parent.lines.iter().zip(&child.lines).take_while(|(left, right)| left == right).count();
    Explanation {
        common,
        left: parent.lines.get(common).cloned(),
        right: child.lines.get(common).cloned(),
        verdicts: vec![
            near(parent, child),
            repeat(parent, child),
            thread(parent, child),
            prefix(parent, child),
            answer(parent, child),
            agent_result(parent, child),
            task(parent, child),
            agent_header(parent, child),
            summary(parent, child),
            summary_header(parent, child),
            session(parent, child),
        ],
    }
}

fn verdict(rule: &'static str, holds: bool, because: impl Into<String>) -> Verdict {
    Verdict { rule, holds, because: because.into() }
}

fn near(parent: &Side, child: &Side) -> Verdict {
    let (parent, child) = (&parent.request, &child.request);
    let because = match (is_same_session(parent, child), parent.domain == child.domain) {
        (true, _) => "both name the same session",
        (false, true) => "the sessions differ or are unknown; the domain is the same",
        (false, false) => "neither session nor domain is the same: never linked",
    };
    verdict("scope", is_near(parent, child), because)
}

fn is_same_session(parent: &RequestFacts, child: &RequestFacts) -> bool {
    parent.session.is_some() && parent.session == child.session
}

fn is_near(parent: &RequestFacts, child: &RequestFacts) -> bool {
    is_same_session(parent, child) || parent.domain == child.domain
}

fn repeat(parent: &Side, child: &Side) -> Verdict {
    let (before, request) = (&parent.request, &child.request);
    let failed = parent.answer.as_ref().is_some_and(|answer| !answer.complete);
    let answered = parent.answer.as_ref().is_some_and(AnswerFacts::satisfies);
    // Continuations of equal summaries look alike without being the same step.
    let opens_summary =
        request.summary_length > 0 && request.summary_length as usize == child.length();
    let named = request.identified && !opens_summary;
    let soon = before.moment.at.abs_diff(request.moment.at) < RETRY_WINDOW;
    let (holds, because) = if parent.place.is_none() || parent.place != child.place {
        (false, "the histories are not equal, or not known")
    } else if !could_repeat(before, request) {
        (false, "equal histories, but not an earlier one of the same session and agent")
    } else if named && answered && request.continues {
        (false, "equal histories, but the first was answered: asked anew, a branch")
    } else if named && answered {
        (true, "equal histories in one session: an edge when no open call has its prompt")
    } else if named {
        (true, "equal histories in one session and agent")
    } else if failed && soon {
        (true, "equal histories, and the first did not complete")
    } else if failed {
        (false, "equal histories, but the first failed 10 minutes before or more")
    } else {
        (false, "equal histories, but the first completed or is not known to have failed")
    };
    verdict("attempt", holds, because)
}

/// Attempts are looked for in the session and agent; without a session, in the domain.
fn could_repeat(parent: &RequestFacts, child: &RequestFacts) -> bool {
    let without_session = parent.session.is_none() && child.session.is_none();
    let nameless = without_session && parent.domain == child.domain;
    is_earlier_of_agent(parent, child) || nameless && parent.moment < child.moment
}

fn is_earlier_of_agent(parent: &RequestFacts, child: &RequestFacts) -> bool {
    is_same_session(parent, child) && parent.agent == child.agent && parent.moment < child.moment
}

fn thread(parent: &Side, child: &Side) -> Verdict {
    let named = child.request.thread.as_deref();
    let answered = parent.answer.as_ref().and_then(|answer| answer.message_id.as_deref());
    let (parent, child) = (&parent.request, &child.request);
    let (holds, because) = if named.is_none() {
        (false, "the child goes on with no message thread")
    } else if named != answered {
        (false, "the child's thread names another answer than the parent's")
    } else if !is_near(parent, child) || parent.moment >= child.moment {
        (false, "the child's thread names an answer of another domain and session, or a later one")
    } else {
        (true, "the child's thread names the parent's answer")
    };
    verdict("thread", holds, because)
}

fn prefix(parent: &Side, child: &Side) -> Verdict {
    if child.request.thread.is_some() {
        return verdict(
            "prefix",
            false,
            "the child sends only what is new; its thread leads further",
        );
    }
    let Some(place) = parent.place else {
        return verdict("prefix", false, PARENT_UNKNOWN);
    };
    let (shorter, longer) = (parent.length(), chain::extend(Hash::START, 0, &child.request.blocks));
    let holds = longer.len() > shorter
        && longer[..shorter].last().is_some_and(|node| node.hash == place.current);
    let because = if holds {
        format!("all {shorter} blocks of the parent begin the child's {}", longer.len())
    } else {
        format!("the child's {} blocks do not begin with the parent's {shorter}", longer.len())
    };
    verdict("prefix", holds, because)
}

fn answer(parent: &Side, child: &Side) -> Verdict {
    let Some(answer) = &parent.answer else {
        return verdict("answer", false, "the parent's answer is not known");
    };
    if child.request.thread.is_some() {
        return verdict("answer", false, "the child repeats no answer; its thread names one");
    }
    if parent.place.is_none() {
        return verdict("answer", false, PARENT_UNKNOWN);
    }
    let behind = child.request.blocks.get(parent.length()..).unwrap_or_default();
    let reply: Vec<_> = behind.iter().take_while(|block| block.assistant).collect();
    let call = Reply { hash: None, call: reply.iter().find_map(|block| block.tool_use.clone()) };
    let same = answer.blocks.iter().eq(reply) && !answer.blocks.is_empty();
    if same {
        return verdict("answer", true, "the parent's answer is what follows in the child");
    }
    let same_call = answer.first_call.is_some() && answer.first_call == call.call;
    let because = if same_call {
        "the answer differs, but its first tool call is the one that follows"
    } else {
        "something else than the parent's answer follows in the child"
    };
    verdict("answer", same_call, because)
}

fn task(parent: &Side, child: &Side) -> Verdict {
    let spawns = parent.answer.as_ref().map(|answer| answer.spawns.as_slice()).unwrap_or_default();
    let called = spawns
        .iter()
        .find(|call| call.prompt.is_some_and(|prompt| child.request.openings.contains(&prompt)));
    match called {
        Some(call) => {
            verdict("sub-agent", true, format!("call {} has the child's prompt", call.tool_use_id))
        }
        None if spawns.is_empty() => verdict("sub-agent", false, "the answer starts no sub-agent"),
        None => {
            verdict("sub-agent", false, "no call of the answer has a text of the child's opening")
        }
    }
}

fn summary(parent: &Side, child: &Side) -> Verdict {
    if child.request.summary_length == 0 {
        return verdict("compaction", false, "the child does not go on from a summary");
    }
    let answer = parent.answer.as_ref();
    let plain = answer.and_then(|a| a.plain_summary).filter(|_| parent.request.summarises);
    let probe = answer.and_then(|answer| answer.summary).or(plain);
    let holds = probe.is_some_and(|probe| child.request.probes_behind(0).contains(&probe));
    let because = match (probe, holds) {
        (None, _) => "the parent's answer is no summary, or too short a one",
        (_, true) => "the child's summary is in the parent's answer",
        (_, false) => "the child's summary is another one",
    };
    verdict("compaction", holds, because)
}

/// Whether the agent is new cannot be told from the two.
fn agent_result(parent: &Side, child: &Side) -> Verdict {
    let (holds, because) = match &child.named {
        _ if child.request.agent.is_none() => (false, "the child's headers name no agent"),
        None => (false, "no result of a call names the child's agent"),
        Some(call) if call.caller.id != parent.request.moment.id => {
            (false, "the child's agent is named by the result of another exchange's call")
        }
        Some(call) if !call.is_open_for(child.request.moment) => {
            (false, "the call whose result names the child's agent is later, or taken by another")
        }
        Some(_) => {
            (true, "the result of its call names the child's agent: an edge when the agent is new")
        }
    };
    verdict("agent result", holds, because)
}

/// Whether the agent is new, and the call not yet taken, cannot be told from the two.
fn agent_header(parent: &Side, child: &Side) -> Verdict {
    let spawns = parent.answer.as_ref().is_some_and(|answer| !answer.spawns.is_empty());
    let (parent, child) = (&parent.request, &child.request);
    let scope = |one: &RequestFacts| call_scope(one.session.as_deref(), &one.domain);
    let (holds, because) = if child.agent.is_none() {
        (false, "the child's headers name no agent")
    } else if scope(parent) != scope(child) || parent.moment >= child.moment {
        (false, "not an earlier exchange of the same session")
    } else if parent.agent != child.parent_agent {
        (false, "the parent is not of the agent above the child's")
    } else if spawns {
        (true, "the agent above made a call: an edge when the agent is new and the call still open")
    } else {
        (false, "the answer starts no sub-agent")
    };
    verdict("agent header", holds, because)
}

fn summary_header(parent: &Side, child: &Side) -> Verdict {
    let (parent, child) = (&parent.request, &child.request);
    let (holds, because) = if !child.is_continuation() {
        (false, "the child does not say that its history was summarised")
    } else if !is_earlier_of_agent(parent, child) {
        (false, "not an earlier exchange of the same session and agent")
    } else if parent.summarises {
        (
            true,
            "the parent was asked for a summary: an edge when the text of none is found, and none \
             goes on from it since",
        )
    } else {
        (false, "the parent was not asked for a summary")
    };
    verdict("summary header", holds, because)
}

fn session(parent: &Side, child: &Side) -> Verdict {
    let holds = is_earlier_of_agent(&parent.request, &child.request);
    let because = if holds {
        "the same session and agent, earlier: an edge when nothing better is found"
    } else {
        "not an earlier exchange of the same session and agent"
    };
    verdict("session", holds, because)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use nexus_contract::{ExchangeId, TerminalState};
    use nexus_messages::{Answer, Identity};
    use serde_json::json;

    use super::*;
    use crate::facts::RequestContext;

    fn side(agent: &str, second: i64) -> Side {
        side_of(agent, second, r#"{"role":"user","content":"Hello"}"#)
    }

    fn side_of(agent: &str, second: i64, messages: &str) -> Side {
        let body = format!(r#"{{"model":"m","messages":[{messages}]}}"#);
        let request = Request::parse(body.as_bytes()).expect("a request");
        let identity = Identity {
            session_id: Some("session".into()),
            agent_id: Some(agent.into()),
            ..Identity::default()
        };
        let context = RequestContext {
            id: ExchangeId::from_external(agent),
            at: Timestamp::from_second(second).expect("in range"),
            domain: "team.example",
            names_session: true,
        };
        Side::new(RequestFacts::read(&context, &identity, &request), None, &request)
    }

    #[test]
    fn repeated_ids_and_other_roles_are_no_difference() {
        let call =
            r#"{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Bash"}]}"#;
        let result = r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"}]}"#;
        let other = r#"{"role":"developer","content":"Be brief."}"#;
        let hello = r#"{"role":"user","content":"Hello"}"#;
        let plain = side_of("a", 0, &[hello, call, result].join(","));
        let told = side_of("a", 1, &[other, hello, call, call, result, other, result].join(","));
        let explanation = explain(&plain, &told);
        assert_eq!((explanation.common, explanation.left, explanation.right), (3, None, None));
    }

    #[test]
    fn what_follows_an_unknown_history_is_not_judged() {
        let hello = r#"{"role":"user","content":"Hello"}"#;
        let hi = r#"{"role":"assistant","content":"Hi"}"#;
        let child = side_of("a", 1, &[hello, hi, hello].join(","));
        let message = json!({"type": "message", "content": [{"type": "text", "text": "Hi"}]});
        let said = AnswerFacts::read(TerminalState::Completed, &Answer::from_message(message));
        let mut parent = Side { answer: Some(said), ..side("a", 0) };
        assert!(answer(&parent, &child).holds);
        parent.place = None;
        assert_eq!(answer(&parent, &child), verdict("answer", false, PARENT_UNKNOWN));
    }

    #[test]
    fn an_attempt_is_of_the_same_agent() {
        let first = side("a", 0);
        assert!(repeat(&first, &side("a", 1)).holds);
        assert!(!repeat(&first, &side("b", 1)).holds);
        assert!(!repeat(&side("a", 1), &first).holds, "the later one is not the parent");
    }
}
