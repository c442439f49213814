//! Commands as clients of the data API: of a running instance, or of a private one.

use anyhow::{Context, bail};
use nexus_store::analyses::Analysis;
use reqwest::{Method, RequestBuilder, Response};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use crate::{
    output::Output,
    roles::{Access, PrivateApi},
    settings::Settings,
};

/// An API and the key to it.
pub struct Api {
    http: reqwest::Client,
    url: String,
    key: Option<String>,
    private: Option<PrivateApi>,
}

impl Api {
    /// Of the running instance at `url`, with the dashboard's key of the settings.
    pub fn remote(url: &Url, settings: &Settings) -> anyhow::Result<Self> {
        let key = settings.dashboard_api_key.as_ref().map(|key| key.expose_secret().to_owned());
        let url = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http: client()?, url, key, private: None })
    }

    /// Of this data directory or database.
    pub async fn private(settings: &Settings, access: Access) -> anyhow::Result<Self> {
        let api = PrivateApi::start(settings.clone(), access).await?;
        let (url, key) = (api.url.clone(), Some(api.key.clone()));
        Ok(Self { http: client()?, url, key, private: Some(api) })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/{path}", self.url));
        match &self.key {
            Some(key) => request.header("x-dashboard-key", key),
            None => request,
        }
    }

    /// Imports JSON Lines; returns when all of them are stored and linked.
    pub async fn import(&self, lines: impl Into<reqwest::Body>) -> anyhow::Result<Value> {
        json(self.request(Method::POST, "import").body(lines).send().await?).await
    }

    /// Asks for an analysis as it was asked for before. One that waits already stays as it is, and is
    /// announced to the workers anew.
    pub async fn request_analysis(&self, job: &Analysis) -> anyhow::Result<Value> {
        let wanted = json!({
            "conversationId": job.branch.conversation_id, "branchId": job.branch.branch_id,
            "customPrompt": job.custom_prompt,
        });
        json(self.request(Method::POST, "analyses").json(&wanted).send().await?).await
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        json(self.request(Method::GET, path).send().await?).await
    }

    /// Ends a private API.
    pub async fn close(self) -> anyhow::Result<()> {
        match self.private {
            Some(api) => api.stop().await,
            None => Ok(()),
        }
    }
}

fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}

/// The answer's JSON, or its error's message.
async fn json(response: Response) -> anyhow::Result<Value> {
    let status = response.status();
    let text = response.text().await.context("the API's answer broke off")?;
    if status.is_success() {
        return serde_json::from_str(&text).context("the API's answer is not JSON");
    }
    let message = serde_json::from_str::<Value>(&text).unwrap_or_default();
    match message["error"]["message"].as_str() {
        Some(message) => bail!("{message}"),
        None => bail!("the API answers {status}"),
    }
}

/// Prints what one path answers.
pub async fn show(settings: &Settings, path: &str, output: Output) -> anyhow::Result<()> {
    let api = Api::private(settings, Access::Read).await?;
    let answer = api.get(path).await;
    api.close().await?;
    output.print(&answer?, |value| format!("{value:#}"))
}
