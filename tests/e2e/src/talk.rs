//! A small conversation, one request after the other, so that two installations in front of equal
//! upstreams get the same bytes.

use reqwest::Client;
use serde_json::{Value, json};

use crate::load;

/// What one installation was asked, in order; the same for all.
pub async fn all(url: &str, conversations: usize, turns: usize) -> anyhow::Result<()> {
    let client = crate::http_client();
    for number in 0..conversations {
        one(&client, url, number, turns).await?;
    }
    Ok(())
}

/// A conversation that grows turn by turn. Every third one goes another way from its second turn.
async fn one(client: &Client, url: &str, number: usize, turns: usize) -> anyhow::Result<()> {
    let mut messages = Vec::new();
    for turn in 0..turns {
        say(client, url, &mut messages, &format!("talk {number}, turn {turn}")).await?;
    }
    if number.is_multiple_of(3) && messages.len() > 2 {
        messages.truncate(2);
        say(client, url, &mut messages, &format!("talk {number}, another way")).await?;
    }
    Ok(())
}

async fn say(
    client: &Client,
    url: &str,
    messages: &mut Vec<Value>,
    text: &str,
) -> anyhow::Result<()> {
    messages.push(json!({"role": "user", "content": format!("{text} [[say: Answer to {text}]]")}));
    let body = json!({"model": "claude-opus-5-5", "max_tokens": 100, "messages": messages});
    let request = load::with_headers(client.post(format!("{url}/v1/messages")));
    let answer = request.body(body.to_string()).send().await?.error_for_status()?;
    let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
    messages.push(json!({"role": "assistant", "content": answer["content"]}));
    Ok(())
}
