//! A small client that works like a coding agent: it keeps the history, calls tools, starts
//! sub-agents, tries again after errors, compacts and rewinds.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, bail};
use futures::future::{BoxFuture, FutureExt, join_all};
use nexus_messages::Answer;
use reqwest::header::HOST;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{scene::Scene, tools};

/// Pause of the "person" between steps, and of a tool.
const TYPING: Duration = Duration::from_millis(1_200);
const TOOL: Duration = Duration::from_millis(250);
/// Requests per prompt at most; a script that never ends its turn ends here.
const MAX_TURNS: usize = 40;
const MAX_ATTEMPTS: u32 = 4;

const CONTINUED: &str = "This session is being continued from a previous conversation that ran out of context. The summary below covers the earlier portion of the conversation.\n\nSummary:\n";

/// One agent: the main one of a session, or a sub-agent.
#[derive(Clone)]
pub struct Agent {
    http: reqwest::Client,
    base: String,
    scene: Scene,
    session: Uuid,
    /// Set for sub-agents.
    id: Option<String>,
    messages: Vec<Value>,
}

impl Agent {
    pub fn new(http: reqwest::Client, base: String, scene: Scene) -> Self {
        Self { http, base, scene, session: Uuid::new_v4(), id: None, messages: Vec::new() }
    }

    /// Plays the scene to its end.
    pub async fn play(mut self) -> anyhow::Result<()> {
        let mut before_step = vec![0];
        for step in self.scene.step.clone() {
            if let Some(length) = step.rewind.and_then(|step| before_step.get(step - 1)) {
                self.messages.truncate(*length);
            }
            if step.compact {
                self.compact().await?;
            } else {
                self.prompt(&step.human, &step.script, &step.agents).await?;
            }
            before_step.push(self.messages.len());
            tokio::time::sleep(TYPING).await;
        }
        Ok(())
    }

    /// One prompt and everything until the model ends its turn; gives the last answer's text.
    fn prompt<'a>(
        &'a mut self,
        human: &'a str,
        script: &'a str,
        agents: &'a BTreeMap<String, String>,
    ) -> BoxFuture<'a, anyhow::Result<String>> {
        async move {
            self.messages
                .push(json!({"role": "user", "content": [{"type": "text", "text": human}]}));
            for turn in 0..MAX_TURNS {
                let answer = self.send(script, turn).await?;
                self.messages.push(json!({"role": "assistant", "content": answer.content}));
                let calls: Vec<_> = answer.tool_uses().collect();
                if calls.is_empty() {
                    return Ok(answer.text());
                }
                let results = join_all(
                    calls.iter().map(|call| self.call(call.id, call.name, call.input, agents)),
                )
                .await;
                let results = results.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
                self.messages.push(json!({"role": "user", "content": results}));
            }
            bail!("the script never ends its turn")
        }
        .boxed()
    }

    async fn call(
        &self,
        id: &str,
        name: &str,
        input: &Value,
        agents: &BTreeMap<String, String>,
    ) -> anyhow::Result<Value> {
        tokio::time::sleep(TOOL).await;
        if name != "Agent" && name != "Task" {
            return Ok(tools::result(id, name, input));
        }
        let field = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
        let script =
            agents.get(field("description")).map_or("[[say: Nothing found.]]", String::as_str);
        let agent_id = Uuid::new_v4().simple().to_string()[..17].to_owned();
        let mut agent = Self { id: Some(agent_id), messages: Vec::new(), ..self.clone() };
        let text = agent.prompt(field("prompt"), script, agents).await?;
        Ok(
            json!({"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": text}]}),
        )
    }

    async fn compact(&mut self) -> anyhow::Result<()> {
        let ask = "Your task is to create a detailed summary of the conversation so far.";
        self.messages.push(json!({"role": "user", "content": [{"type": "text", "text": ask}]}));
        let script = r"[[say: <analysis>Prices load late; two components reserved no room.</analysis>\n<summary>1. Request: keep checkout and cart from jumping.\n2. Done: Summary.tsx and Drawer.tsx reserve their height.\n3. Open: the pull request's description.</summary>]]";
        let text = self.send(script, 0).await?.text();
        let summary =
            text.split("<summary>").nth(1).and_then(|rest| rest.split("</summary>").next());
        let continued = format!("{CONTINUED}{}", summary.unwrap_or(&text).trim());
        self.messages =
            vec![json!({"role": "user", "content": [{"type": "text", "text": continued}]})];
        Ok(())
    }

    /// One request, tried again after an error of the upstream.
    async fn send(&self, script: &str, turn: usize) -> anyhow::Result<Answer> {
        for attempt in 0..MAX_ATTEMPTS {
            let response = self
                .request(script, turn)
                .header("x-stainless-retry-count", attempt)
                .send()
                .await?;
            let status = response.status();
            let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
            let kind = kind.map(str::to_owned);
            let body = response.bytes().await?;
            if status.is_success() {
                return Ok(Answer::read(kind.as_deref(), &body));
            }
            if status.is_client_error() && status.as_u16() != 429 {
                bail!("{status}: {}", String::from_utf8_lossy(&body));
            }
            tokio::time::sleep(TOOL * (attempt + 1)).await;
        }
        Err(anyhow::anyhow!("the upstream kept failing")).context("the demo's client")
    }

    fn request(&self, script: &str, turn: usize) -> reqwest::RequestBuilder {
        let mut body = json!({
            "model": self.scene.model, "max_tokens": 32_000, "stream": true,
            "messages": self.messages,
            "system": [{"type": "text", "text": self.scene.system, "cache_control": {"type": "ephemeral"}}],
            "metadata": {"user_id": json!({"session_id": self.session}).to_string()},
        });
        if self.scene.system.contains("Claude Code") {
            body["tools"] = tools::declarations();
        }
        let request = self
            .http
            .post(format!("{}/v1/messages?beta=true", self.base))
            .header(HOST, &self.scene.domain)
            .header("x-api-key", "sk-ant-demo")
            .header("anthropic-version", "2023-06-01")
            .header("user-agent", "claude-cli/2.1.330 (demo)")
            .header("x-claude-code-session-id", self.session.to_string())
            .header("x-script", script)
            .header("x-script-step", turn)
            .json(&body);
        match &self.id {
            Some(id) => request.header("x-claude-code-agent-id", id),
            None => request,
        }
    }
}
