//! Who sent a request: session, agent, class and client, as far as the client says.

use std::borrow::Cow;

use nexus_contract::Headers;
use serde::{Deserialize, Serialize};

use crate::request::{Object, Request};

/// What the headers, `metadata.user_id` and the billing line of the system prompt say. Everything
/// is optional: older clients and plain SDK users send little or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// `x-claude-code-session-id`, else the session in `metadata.user_id`.
    pub session_id: Option<String>,
    /// `x-claude-code-agent-id`: present on a sub-agent's requests.
    pub agent_id: Option<String>,
    /// `x-claude-code-parent-agent-id`: the agent that started a nested one.
    pub parent_agent_id: Option<String>,
    /// `x-claude-code-request-class`.
    pub class: Option<RequestClass>,
    /// `x-claude-code-agent-type`.
    pub agent_type: Option<String>,
    /// `x-claude-code-prompt-id`.
    pub prompt_id: Option<String>,
    /// `x-claude-code-compaction`: the request asks for a summary.
    pub compaction: Option<String>,
    /// `x-claude-code-context-compacted`: the request goes on from a summary.
    pub context_compacted: Option<String>,
    /// `x-claude-code-prev-tool-durations`: how long the tools ran whose results the request brings.
    pub prev_tool_ms: Option<u64>,
    /// The account named in `metadata.user_id`.
    pub account_id: Option<String>,
    /// The billing line says that a sub-agent asks (`cc_is_subagent=true`).
    pub is_subagent: bool,
    pub client: Option<Client>,
}

/// What a request is for, in the client's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestClass {
    Main,
    Subagent,
    Workflow,
    Compaction,
    Auxiliary,
}

/// The program that sent a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// As in its user agent, `claude-cli` or `Anthropic/Python` for instance.
    pub name: String,
    /// `2.1.330`; empty when it gives none.
    pub version: String,
}

/// Longest value that is taken over; nothing a client sends as an id is longer.
const MAX_VALUE: usize = 256;

/// How the system prompt of clients without a billing line begins.
const CLAUDE_CODE: &str = "You are Claude Code";

impl Identity {
    /// Reads the identity of `request`, sent with `headers`.
    pub fn read(headers: &Headers, request: &Request<'_>) -> Self {
        let user = request.user_id.as_deref().map(User::read).unwrap_or_default();
        let billing = request.system_texts().find_map(billing_line).unwrap_or_default();
        Self {
            session_id: header(headers, "x-claude-code-session-id").or(user.session),
            agent_id: header(headers, "x-claude-code-agent-id"),
            parent_agent_id: header(headers, "x-claude-code-parent-agent-id"),
            class: header(headers, "x-claude-code-request-class")
                .as_deref()
                .and_then(RequestClass::parse),
            agent_type: header(headers, "x-claude-code-agent-type"),
            prompt_id: header(headers, "x-claude-code-prompt-id"),
            compaction: header(headers, "x-claude-code-compaction"),
            context_compacted: header(headers, "x-claude-code-context-compacted"),
            prev_tool_ms: headers.get("x-claude-code-prev-tool-durations").and_then(tool_ms),
            account_id: user.account,
            is_subagent: billing_field(billing, "cc_is_subagent") == Some("true"),
            client: client(headers, billing),
        }
    }

    /// Whether the client named a session, so that equal requests of different people differ.
    pub fn is_known(&self) -> bool {
        self.session_id.is_some()
    }
}

/// Whether a coding agent sent it: `metadata.user_id` names the session, or the system prompt begins as theirs.
pub(crate) fn is_from_agent(request: &Request<'_>) -> bool {
    let begins = |text: &str| billing_line(text).is_some() || text.starts_with(CLAUDE_CODE);
    request.user_id.as_deref().map(User::read).is_some_and(|user| user.session.is_some())
        || request.system_texts().next().is_some_and(begins)
}

impl RequestClass {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "main" => Some(Self::Main),
            "subagent" => Some(Self::Subagent),
            "workflow" => Some(Self::Workflow),
            "compaction" => Some(Self::Compaction),
            "auxiliary" | "side_reply" => Some(Self::Auxiliary),
            _ => None,
        }
    }
}

/// What `metadata.user_id` holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct User {
    session: Option<String>,
    account: Option<String>,
}

impl User {
    /// Both forms that clients have used: a JSON object in a string, and formerly
    /// `user_<device>_account_<uuid>_session_<uuid>`, each part but the last possibly empty.
    fn read(user_id: &str) -> Self {
        if let Ok(fields) = serde_json::from_str::<Object>(user_id) {
            return Self {
                session: fields.text("session_id").and_then(value),
                account: fields.text("account_uuid").and_then(value),
            };
        }
        let (rest, session) = split(user_id, "_session_");
        let (_, account) = split(rest, "_account_");
        Self { session: session.and_then(value), account: account.and_then(value) }
    }
}

fn split<'a>(text: &'a str, mark: &str) -> (&'a str, Option<Cow<'a, str>>) {
    match text.rsplit_once(mark) {
        Some((before, after)) => (before, Some(Cow::Borrowed(after))),
        None => (text, None),
    }
}

fn header(headers: &Headers, name: &str) -> Option<String> {
    headers.get(name).map(Cow::Borrowed).and_then(value)
}

/// A value worth keeping: not empty, not longer than any real one.
#[expect(clippy::needless_pass_by_value, reason = "fits `Option::and_then` on both kinds of `Cow`")]
fn value(text: Cow<'_, str>) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= MAX_VALUE).then(|| text.to_owned())
}

/// The sum of `Bash=742;Read=9`, in milliseconds; `None` when that is not what the text is.
fn tool_ms(durations: &str) -> Option<u64> {
    let mut each = durations.split(';').map(|one| one.rsplit_once('=')?.1.trim().parse().ok());
    each.try_fold(0_u64, |sum, one: Option<u32>| Some(sum + u64::from(one?)))
}

/// The rest of a line `x-anthropic-billing-header: cc_version=…; cc_entrypoint=…;`.
fn billing_line(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix("x-anthropic-billing-header:")?.lines().next()
}

fn billing_field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = line.split(';').filter_map(|field| field.trim().split_once('='));
    fields.find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn client(headers: &Headers, billing: &str) -> Option<Client> {
    header(headers, "user-agent").as_deref().map(Client::parse).or_else(|| {
        // `2.1.330.9f5`: the part behind the third dot is no version but a fingerprint.
        let version = billing_field(billing, "cc_version")?.split('.').take(3);
        Some(Client { name: "claude-cli".into(), version: version.collect::<Vec<_>>().join(".") })
    })
}

impl Client {
    /// `claude-cli/2.1.330 (external, cli)` and `Anthropic/Python 2.12.0` alike.
    fn parse(user_agent: &str) -> Self {
        let mut words = user_agent.split_whitespace();
        let first = words.next().unwrap_or_default();
        let (name, version) = match (first.rsplit_once('/'), words.next()) {
            (Some((name, version)), _) if is_version(version) => (name, version),
            (_, Some(version)) if is_version(version) => (first, version),
            _ => (first, ""),
        };
        Self { name: name.to_owned(), version: version.to_owned() }
    }
}

fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &str)], body: &str) -> Identity {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let request = Request::parse(body.as_bytes()).expect("a request");
        Identity::read(&headers.collect(), &request)
    }

    #[test]
    fn headers_win_over_metadata() {
        let identity = read(
            &[
                ("x-claude-code-session-id", "s1"),
                ("x-claude-code-agent-id", "a1"),
                ("x-claude-code-parent-agent-id", "a0"),
                ("x-claude-code-request-class", "subagent"),
                ("user-agent", "claude-cli/2.1.330 (external, cli)"),
            ],
            r#"{"metadata":{"user_id":"{\"session_id\":\"s2\",\"account_uuid\":\"acc\"}"}}"#,
        );
        assert_eq!(identity.session_id.as_deref(), Some("s1"));
        assert_eq!(identity.agent_id.as_deref(), Some("a1"));
        assert_eq!(identity.parent_agent_id.as_deref(), Some("a0"));
        assert_eq!(identity.class, Some(RequestClass::Subagent));
        assert_eq!(identity.account_id.as_deref(), Some("acc"));
        let client = identity.client.expect("a client");
        assert_eq!((client.name.as_str(), client.version.as_str()), ("claude-cli", "2.1.330"));
    }

    #[test]
    fn measured_durations_of_tools_are_summed() {
        for (text, sum) in [
            ("Bash=742;Read=9", Some(751)),
            ("mcp__a%3Db=5", Some(5)),
            ("", None),
            ("[120,340]", None),
            ("Bash=-1", None),
        ] {
            let identity = read(&[("x-claude-code-prev-tool-durations", text)], "{}");
            assert_eq!(identity.prev_tool_ms, sum, "{text}");
        }
    }

    #[test]
    fn the_former_user_id_names_session_and_account() {
        for (user_id, session, account) in [
            ("user_ab_account_11-22_session_33-44", Some("33-44"), Some("11-22")),
            ("user_ab_account__session_33-44", Some("33-44"), None),
            ("user_ab_session_33-44", Some("33-44"), None),
            ("somebody", None, None),
            ("{}", None, None),
        ] {
            let user = User::read(user_id);
            assert_eq!((user.session.as_deref(), user.account.as_deref()), (session, account));
        }
    }

    #[test]
    fn the_billing_line_stands_in_for_the_user_agent() {
        let body = r#"{"system":[{"type":"text",
            "text":"x-anthropic-billing-header: cc_version=2.1.330.9f5; cc_is_subagent=true;"}]}"#;
        let identity = read(&[], body);
        assert!(identity.is_subagent && !identity.is_known());
        assert_eq!(identity.client.map(|client| client.version).as_deref(), Some("2.1.330"));
    }

    #[test]
    fn sdk_user_agents_keep_their_language() {
        for (agent, name, version) in [
            ("Anthropic/Python 2.12.0", "Anthropic/Python", "2.12.0"),
            ("AsyncAnthropic/JS 1.0", "AsyncAnthropic/JS", "1.0"),
            ("curl/8.1", "curl", "8.1"),
            ("thing", "thing", ""),
        ] {
            let client = Client::parse(agent);
            assert_eq!((client.name.as_str(), client.version.as_str()), (name, version));
        }
    }
}
