//! The data API, as a script would use it.

use anyhow::{Context, ensure};
use futures::{Stream, StreamExt, stream};
use reqwest::Client;
use serde_json::Value;

/// Exchanges whose bodies are asked for at once.
const AT_ONCE: usize = 8;

/// A client of the data API.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    key: String,
    client: Client,
}

impl Api {
    pub fn new(base: String, key: &str) -> Self {
        Self { base, key: key.to_owned(), client: crate::http_client() }
    }

    /// `GET /api/…`.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let body = self.text(path).await?;
        serde_json::from_str(&body).with_context(|| format!("{path}: {body}"))
    }

    /// The same as the text that came.
    pub async fn text(&self, path: &str) -> anyhow::Result<String> {
        Ok(String::from_utf8(self.bytes(path).await?)?)
    }

    /// The recorded bytes of an exchange's `request` or `response`.
    pub async fn body(&self, id: &str, part: &str) -> anyhow::Result<Vec<u8>> {
        self.bytes(&format!("requests/{id}/body/{part}")).await
    }

    /// Each of these rows with its exchange's request and response, in their order.
    pub fn with_bodies<'a>(
        &'a self,
        rows: &'a [Value],
    ) -> impl Stream<Item = anyhow::Result<(&'a Value, [Vec<u8>; 2])>> {
        let both = move |row: &'a Value| async move {
            let id = row["requestId"].as_str().context("a row without an id")?;
            let both = [self.body(id, "request").await?, self.body(id, "response").await?];
            anyhow::Ok((row, both))
        };
        stream::iter(rows).map(both).buffered(AT_ONCE)
    }

    async fn bytes(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}/api/{path}", self.base);
        let answer = self.client.get(&url).header("x-dashboard-key", &self.key).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        ensure!(status.is_success(), "{url}: {status}: {}", String::from_utf8_lossy(&body));
        Ok(body.into())
    }

    /// Whether every consumer has settled every event there is.
    pub async fn is_drained(&self) -> bool {
        let Ok(pipeline) = self.get("pipeline").await else { return false };
        let Some(consumers) = pipeline["stream"]["consumers"].as_array() else { return false };
        let idle = |row: &Value| row["lag"] == 0 && row["unsettled"] == 0;
        pipeline["stream"]["connected"] == true && consumers.iter().all(idle)
    }

    /// Whether both halves of an exchange are stored. Either may be first; when the answer's is, both
    /// are in the stream.
    pub async fn is_stored(&self, id: &str) -> bool {
        let ended = self.request(id).await.is_ok_and(|row| !row["state"].is_null());
        ended && self.is_drained().await
    }

    /// All exchanges, once there are so many and all have ended, are stored whole, and are linked.
    pub async fn find_settled(&self, count: usize) -> Option<Vec<Value>> {
        // Cheap, where a list of thousands is not.
        if !self.is_drained().await {
            return None;
        }
        let rows = self.requests("").await.ok()?;
        let ended = rows.len() >= count && rows.iter().all(|row| !row["state"].is_null());
        if !ended || !self.is_drained().await {
            return None;
        }
        self.requests("").await.ok()
    }

    /// All exchanges that a query finds, newest first, over all pages.
    pub async fn requests(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        self.all("requests", query).await
    }

    pub async fn conversations(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        self.all("conversations", query).await
    }

    /// One exchange with its bodies.
    pub async fn request(&self, id: &str) -> anyhow::Result<Value> {
        self.get(&format!("requests/{id}")).await
    }

    /// One conversation with its graph.
    pub async fn conversation(&self, id: &str) -> anyhow::Result<Value> {
        self.get(&format!("conversations/{id}")).await
    }

    async fn all(&self, list: &str, query: &str) -> anyhow::Result<Vec<Value>> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{list}?limit=500&{query}{cursor}")).await?;
            let rows = page[list].as_array().with_context(|| format!("no {list}: {page}"))?;
            found.extend(rows.iter().cloned());
            let Some(next) = page["nextCursor"].as_str() else { return Ok(found) };
            cursor = format!("&cursor={next}");
        }
    }
}
