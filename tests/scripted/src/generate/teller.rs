//! Sends generated requests: keeps the time, the ids and who sends.

use jiff::Timestamp;
use nexus_contract::{ExchangeId, TerminalState};
use serde_json::json;

use super::{
    answer::{self, Block, Used},
    exchange::Exchange,
    random::Random,
};

const TOOLS: &str = concat!(
    r#"[{"name":"Agent","description":"Start an agent","input_schema":{"type":"object"}},"#,
    r#"{"name":"Bash","description":"Run a command","input_schema":{"type":"object"}},"#,
    r#"{"name":"Read","description":"Read a file","input_schema":{"type":"object"}},"#,
    r#"{"name":"Edit","description":"Change a file","input_schema":{"type":"object"}},"#,
    r#"{"name":"Grep","description":"Search files","input_schema":{"type":"object"}}]"#,
);
/// Bytes of a token, roughly.
const TOKEN: u64 = 4;
/// A cache entry that was not read for so long is gone.
const CACHE_LIFE_MS: i64 = 300_000;
const DOMAINS: [&str; 4] = ["team.example", "lab.example", "shop.example", "localhost"];

pub(super) struct Teller {
    pub(super) random: Random,
    /// Milliseconds since 1970.
    pub(super) now: i64,
    pub(super) sent: Vec<Exchange>,
    domain: &'static str,
    account: String,
}

/// A history with who tells it: the main line, a fork of it, or a sub-agent's.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) session: String,
    pub(super) agent: Option<String>,
    pub(super) model: &'static str,
    pub(super) messages: Vec<String>,
    cached: u64,
    cached_at: i64,
}

impl Line {
    pub(super) fn new(session: String, agent: Option<String>, model: &'static str) -> Self {
        Self { session, agent, model, messages: Vec::new(), cached: 0, cached_at: 0 }
    }

    pub(super) fn say(&mut self, text: &str) {
        let content = json!([{"type": "text", "text": text}]);
        self.messages.push(json!({"role": "user", "content": content}).to_string());
    }

    pub(super) fn result(&mut self, id: &str, text: &str) {
        let content = json!([{"type": "tool_result", "tool_use_id": id, "content": text}]);
        self.messages.push(json!({"role": "user", "content": content}).to_string());
    }

    fn body(&self) -> Vec<u8> {
        let system = json!([
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=cli;"},
            {"type": "text", "text": "You are a coding agent.", "cache_control": {"type": "ephemeral"}},
        ]);
        let user = json!({"session_id": self.session}).to_string();
        format!(
            r#"{{"model":"{}","max_tokens":32000,"stream":true,"metadata":{{"user_id":{}}},"system":{system},"tools":{TOOLS},"messages":[{}]}}"#,
            self.model,
            json!(user),
            self.messages.join(",")
        )
        .into_bytes()
    }
}

impl Teller {
    pub(super) fn new(mut random: Random, now: i64, number: u32) -> Self {
        let domain = random.pick(&DOMAINS);
        let account = format!("acc_{:04}", number % 7);
        Self { random, now, sent: Vec::new(), domain, account }
    }

    pub(super) fn wait(&mut self, low_ms: u64, high_ms: u64) {
        self.now += self.random.between(low_ms, high_ms).cast_signed();
    }

    /// Asks with the line's history, after a failed attempt now and then; the answer joins the history.
    pub(super) fn ask(&mut self, line: &mut Line, blocks: &[Block]) {
        let body = line.body();
        if self.random.chance(2) {
            self.fail(line, &body);
        }
        let context = body.len() as u64 / TOKEN;
        let is_alive = self.now - line.cached_at < CACHE_LIFE_MS;
        let read = if is_alive { line.cached.min(context) } else { 0 };
        let message = answer::message(blocks);
        let output = message.len() as u64 / TOKEN;
        let used = Used { input: 3, output, read, created: context - read };
        let id = format!("msg_{}", self.random.hex(24));
        let stream = answer::stream(&id, line.model, blocks, used, false);
        let duration = 400 + output * 14 + self.random.below(1_500);
        let first = 250 + self.random.below(600);
        let usage = Some(used.json().to_string());
        self.record(
            line,
            body,
            Ending {
                status: Some(200),
                response: stream,
                state: TerminalState::Completed,
                first_byte_ms: Some(first),
                duration_ms: duration.max(first),
                usage,
            },
        );
        line.messages.push(message);
        line.cached = context;
        line.cached_at = self.now;
    }

    /// An attempt that an overload, a limit or a cut ends.
    fn fail(&mut self, line: &Line, body: &[u8]) {
        let (status, kind) = match self.random.below(4) {
            0 | 1 => (529, "overloaded_error"),
            2 => (429, "rate_limit_error"),
            _cut => (200, ""),
        };
        let ending = if status == 200 {
            let block = Block::Text("Let me see what happens here".to_owned());
            let id = format!("msg_{}", self.random.hex(24));
            let response = answer::stream(&id, line.model, &[block], Used::default(), true);
            Ending {
                status: Some(200),
                response,
                state: TerminalState::UpstreamCut,
                first_byte_ms: Some(400),
                duration_ms: 900,
                // What its first event said.
                usage: Some(Used { output: 1, ..Used::default() }.json().to_string()),
            }
        } else {
            let error = json!({"type": "error", "error": {"type": kind, "message": "Try later"}});
            Ending {
                status: Some(status),
                response: error.to_string().into_bytes(),
                state: TerminalState::UpstreamError,
                first_byte_ms: Some(90),
                duration_ms: 95,
                usage: None,
            }
        };
        self.record(line, body.to_vec(), ending);
        self.wait(500, 2_000);
    }

    /// A request for the user interface: a title.
    pub(super) fn title(&mut self, line: &Line, prompt: &str, title: &str) {
        let body = json!({
            "model": "claude-haiku-4-5-20251001", "max_tokens": 512, "stream": true,
            "system": [{"type": "text", "text": "Generate a concise, sentence-case title (3-7 words)."}],
            "messages": [{"role": "user", "content": prompt}],
        });
        let body = body.to_string().into_bytes();
        let used = Used { input: body.len() as u64 / TOKEN, output: 9, ..Used::default() };
        let id = format!("msg_{}", self.random.hex(24));
        let blocks = [Block::Text(title.to_owned())];
        let response = answer::stream(&id, "claude-haiku-4-5-20251001", &blocks, used, false);
        self.record(
            line,
            body,
            Ending {
                status: Some(200),
                response,
                state: TerminalState::Completed,
                first_byte_ms: Some(180),
                duration_ms: 420,
                usage: Some(used.json().to_string()),
            },
        );
    }

    fn record(&mut self, line: &Line, request: Vec<u8>, ending: Ending) {
        let at = Timestamp::from_millisecond(self.now).unwrap_or(Timestamp::UNIX_EPOCH);
        let stamp = format!("{:012x}", self.now.max(0));
        let tail = self.random.hex(19);
        let id = format!(
            "{}-{}-7{}-8{}-{}",
            &stamp[..8],
            &stamp[8..],
            &tail[..3],
            &tail[3..6],
            self.random.hex(12)
        );
        self.now += ending.duration_ms.cast_signed();
        let is_stream = ending.state != TerminalState::UpstreamError;
        let response_headers = self.response_headers(is_stream);
        self.sent.push(Exchange {
            id: ExchangeId::from_external(&id),
            at,
            domain: self.domain.to_owned(),
            account_id: self.account.clone(),
            request_headers: request_headers(line),
            response_headers,
            request,
            status: ending.status,
            response: ending.response,
            state: ending.state,
            first_byte_ms: ending.first_byte_ms,
            duration_ms: ending.duration_ms,
            usage: ending.usage,
        });
    }

    fn response_headers(&mut self, is_stream: bool) -> Vec<(String, String)> {
        let share = self.random.below(90);
        let reset = self.now / 1_000 / 18_000 * 18_000 + 18_000;
        let kind = if is_stream { "text/event-stream; charset=utf-8" } else { "application/json" };
        [
            ("content-type", kind.to_owned()),
            ("request-id", format!("req_{}", self.random.hex(24))),
            ("anthropic-ratelimit-unified-5h-utilization", format!("0.{share:02}")),
            ("anthropic-ratelimit-unified-5h-reset", reset.to_string()),
            ("anthropic-ratelimit-unified-5h-status", "allowed".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

struct Ending {
    status: Option<u16>,
    response: Vec<u8>,
    state: TerminalState,
    first_byte_ms: Option<u64>,
    duration_ms: u64,
    usage: Option<String>,
}

fn request_headers(line: &Line) -> Vec<(String, String)> {
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("user-agent".to_owned(), "claude-cli/2.1.330 (external, cli)".to_owned()),
        ("x-claude-code-session-id".to_owned(), line.session.clone()),
    ];
    if let Some(agent) = &line.agent {
        headers.push(("x-claude-code-agent-id".to_owned(), agent.clone()));
    }
    headers
}
