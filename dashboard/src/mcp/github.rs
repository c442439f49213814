//! The few calls of GitHub's REST API that synchronising needs (<https://docs.github.com/rest>).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use secrecy::ExposeSecret;
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

use super::{config::GitHubConfig, prompt::MAX_BYTES};

const TIMEOUT: Duration = Duration::from_secs(20);
/// A folder of 2,000 files is some hundred kilobytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Why GitHub gave nothing.
#[derive(Debug, Error)]
pub(super) enum GitHubError {
    #[error("GitHub cannot be reached: {0}")]
    Unreachable(String),
    #[error("GitHub's rate limit is reached")]
    RateLimited(Option<Duration>),
    #[error("GitHub answered {0}")]
    Status(StatusCode),
    #[error("GitHub's answer cannot be read: {0}")]
    Answer(String),
}

/// A file of the folder.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct RemoteFile {
    pub name: String,
    pub sha: String,
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
}

#[derive(Deserialize)]
struct Blob {
    content: String,
}

pub(super) struct GitHub {
    http: Client,
    config: GitHubConfig,
}

impl GitHub {
    pub fn new(config: GitHubConfig) -> reqwest::Result<Self> {
        let http = Client::builder()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("nexus/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, config })
    }

    /// The head of the branch.
    pub async fn head(&self) -> Result<String, GitHubError> {
        let commit: Commit = self.get(&["commits", &self.config.branch], None).await?;
        Ok(commit.sha)
    }

    /// The files of the folder at `commit`.
    pub async fn files(&self, commit: &str) -> Result<Vec<RemoteFile>, GitHubError> {
        let mut path = vec!["contents"];
        path.extend(self.config.path.split('/').filter(|part| !part.is_empty()));
        self.get(&path, Some(commit)).await
    }

    pub async fn content(&self, file: &RemoteFile) -> Result<String, GitHubError> {
        let blob: Blob = self.get(&["git", "blobs", &file.sha], None).await?;
        let packed = blob.content.split_whitespace().collect::<String>();
        let bytes =
            STANDARD.decode(packed).map_err(|error| GitHubError::Answer(error.to_string()))?;
        if bytes.len() > MAX_BYTES {
            return Err(GitHubError::Answer("the file is too large".to_owned()));
        }
        String::from_utf8(bytes).map_err(|error| GitHubError::Answer(error.to_string()))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        commit: Option<&str>,
    ) -> Result<T, GitHubError> {
        let wrong = |error: &dyn std::fmt::Display| GitHubError::Unreachable(error.to_string());
        let mut url = url::Url::parse(&self.config.api_url).map_err(|error| wrong(&error))?;
        url.path_segments_mut()
            .map_err(|()| wrong(&"MCP_GITHUB_API_URL has no path"))?
            .pop_if_empty()
            .extend(["repos", &self.config.owner, &self.config.repo])
            .extend(path);
        let mut request = self.http.get(url).header("accept", "application/vnd.github+json");
        if let Some(commit) = commit {
            request = request.query(&[("ref", commit)]);
        }
        if let Some(token) = &self.config.token {
            request = request.bearer_auth(token.expose_secret());
        }
        let answer = request.send().await.map_err(|error| wrong(&error.without_url()))?;
        refusal(&answer)?;
        let body = bounded(answer).await?;
        serde_json::from_slice(&body).map_err(|error| GitHubError::Answer(error.to_string()))
    }
}

fn refusal(answer: &Response) -> Result<(), GitHubError> {
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let status = answer.status();
    let is_limited = status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN && header("x-ratelimit-remaining") == Some("0"));
    if is_limited {
        let wait = header("retry-after").and_then(|seconds| seconds.parse().ok());
        return Err(GitHubError::RateLimited(wait.map(Duration::from_secs)));
    }
    if status.is_success() { Ok(()) } else { Err(GitHubError::Status(status)) }
}

async fn bounded(mut answer: Response) -> Result<Vec<u8>, GitHubError> {
    let mut body = Vec::new();
    let broken = |error: reqwest::Error| GitHubError::Unreachable(error.without_url().to_string());
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(GitHubError::Answer("it is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
