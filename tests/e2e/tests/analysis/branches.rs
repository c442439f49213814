//! What is sent of recorded sessions: ancestors once, sub-agents as prompt and result, no reminders.

use nexus_e2e::{Nexus, paths};
use nexus_scripted::Server;

use crate::rig::{ask, branch_of, builder, gemini, is_completed, job, post, transcript};

/// `nexus up` with a recording in it.
struct Recorded {
    nexus: Nexus,
    gemini: Server,
}

/// One message of a transcript: whose it is, and its text.
type Message = (String, String);

impl Recorded {
    async fn new(name: &str) -> Self {
        let gemini = gemini();
        let nexus = builder("up", &gemini).start().await.expect("nexus starts");
        let file = paths::root().join(format!("linker-actor/linking/captures/{name}.jsonl"));
        let lines = std::fs::read_to_string(file).expect("the recording");
        let count = lines.lines().count();
        assert_eq!(post(&nexus, "import", lines).await["accepted"], count);
        Self { nexus, gemini }
    }

    /// What Gemini is sent of the branch that this exchange is on.
    async fn sent(&self, exchange: &str) -> Vec<Message> {
        let branch = branch_of(&self.nexus, exchange).await;
        ask(&self.nexus, &branch).await;
        job(&self.nexus, &branch, is_completed).await;
        let entries = self.gemini.seen().entries();
        messages(&transcript(&entries.last().expect("a call").request))
    }
}

fn messages(transcript: &str) -> Vec<Message> {
    let mark = format!("--- {} ", transcript.split(' ').nth(1).expect("a mark"));
    let parts = transcript.split(&mark);
    let messages = parts.filter_map(|part| part.split_once(" ---\n")).filter_map(|(head, text)| {
        let (number, from) = head.split_once(' ')?;
        number.parse::<usize>().ok().map(|_| (from.to_owned(), text.trim_end().to_owned()))
    });
    messages.collect()
}

fn texts<'a>(messages: &'a [Message], from: &str) -> Vec<&'a str> {
    let of = messages.iter().filter(|(whose, _)| whose == from);
    of.map(|(_, text)| text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_branch_is_read_with_its_ancestors_and_without_its_siblings() {
    let recorded = Recorded::new("s05_fork").await;
    let long = recorded.sent("s05-008").await;
    let start = ["Name a colour", "Name another colour", "Name a third colour"];
    let asked = [&start[..], &["Name a warm colour", "And once more in French"]].concat();
    assert_eq!(texts(&long, "human"), asked, "{long:#?}");
    assert_eq!(texts(&long, "assistant").len(), asked.len(), "an answer each: {long:#?}");
    let cold = recorded.sent("s05-005").await;
    assert_eq!(texts(&cold, "human"), [&start[..], &["Name a cold colour"]].concat());
    let early = recorded.sent("s05-006").await;
    assert_eq!(texts(&early, "human"), ["Name a colour", "Name a cold colour"]);
    for (_, text) in [long, cold, early].concat() {
        assert!(!text.contains("system-reminder") && !text.contains("# Environment"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sub_agent_is_its_prompt_and_its_result() {
    const PROMPT: &str = "Count the files in the current directory and report the number only.";
    let recorded = Recorded::new("s06_subagent").await;
    let main = recorded.sent("s06-005").await;
    let asked = ["Use one sub-agent to count the files here", "Say goodbye in one word"];
    assert_eq!(texts(&main, "human"), asked, "{main:#?}");
    let calls = texts(&main, "tool call");
    assert!(
        matches!(calls[..], [call] if call.starts_with("Agent\n")
        && call.contains(PROMPT) && call.contains("\nresult: ") && call.contains("hand-back")),
        "{main:#?}"
    );
    let agent = recorded.sent("s06-003").await;
    assert_eq!(texts(&agent, "human"), [PROMPT], "{agent:#?}");
    assert_eq!(texts(&agent, "tool call").len(), 1, "{agent:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compacted_branch_is_read_from_its_beginning() {
    let recorded = Recorded::new("s09a_compact_manual").await;
    let all = recorded.sent("s09a-012").await;
    let asked = [
        "Look at notes.txt and tell me what is in it",
        "Append a line to notes.txt",
        "/compact",
        "Carry on after the compaction",
        "/compact keep the apple facts only",
        "Say goodbye in one word",
        "And once more in French",
    ];
    assert_eq!(texts(&all, "human"), asked, "{all:#?}");
    assert_eq!(texts(&all, "summary of the compacted history").len(), 2, "{all:#?}");
    let calls = texts(&all, "tool call");
    let once = |command: &str| calls.iter().filter(|call| call.contains(command)).count() == 1;
    for command in ["ls -1", "wc -l", "new_string: gamma", "tail -1", "echo after"] {
        assert!(once(command), "{command} in {all:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_thread_is_put_together_from_its_requests() {
    let recorded = Recorded::new("s42_ts_threads").await;
    let fork = recorded.sent("s42-004").await;
    let asked = ["Thread question one", "Thread question two", "Thread fork question"];
    assert_eq!(texts(&fork, "human"), asked, "{fork:#?}");
    assert_eq!(texts(&fork, "assistant").len(), 3, "{fork:#?}");
    let tool = recorded.sent("s42-009").await;
    assert_eq!(texts(&tool, "human"), ["Look at the weather tool"], "{tool:#?}");
    assert!(texts(&tool, "tool call")[0].contains("result: sunny"), "{tool:#?}");
}
