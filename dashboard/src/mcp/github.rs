//! The few calls of GitHub's REST API that synchronising needs (<https://docs.github.com/rest>).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use secrecy::ExposeSecret;
use serde::{Deserialize, de::DeserializeOwned};
use thiserror::Error;

use super::{config::GitHubConfig, prompt::MAX_BYTES};

const TIMEOUT: Duration = Duration::from_secs(20);
/// A folder of 1,000 files is some hundred kilobytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// GitHub lists no more files of a folder, and does not say that there are more.
const MAX_FILES: usize = 1_000;
/// Limits are counted by the hour.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Why GitHub gave nothing.
#[derive(Debug, Error)]
pub(super) enum GitHubError {
    #[error("GitHub cannot be reached: {0}")]
    Unreachable(String),
    #[error("GitHub's rate limit is reached")]
    RateLimited(Option<Duration>),
    #[error("GitHub answered {0}: {mend}", mend = mend(.0.as_u16()))]
    Status(StatusCode),
    #[error("GitHub's answer cannot be read: {0}")]
    Answer(String),
}

/// What an operator can do about a status.
fn mend(status: u16) -> &'static str {
    match status {
        401 | 403 => "check MCP_GITHUB_TOKEN, it must be allowed to read the repository's contents",
        404 => {
            "check MCP_GITHUB_OWNER, MCP_GITHUB_REPO, MCP_GITHUB_BRANCH and MCP_GITHUB_PATH; a private repository needs MCP_GITHUB_TOKEN"
        }
        301..=308 => "the repository has moved, set MCP_GITHUB_OWNER and MCP_GITHUB_REPO anew",
        500.. => "it is tried again",
        _ => "check MCP_GITHUB_API_URL",
    }
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
        nexus_bus::choose_cryptography();
        let mut http = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("nexus/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &config.proxy {
            http = http.proxy(proxy.clone());
        }
        Ok(Self { http: http.build()?, config })
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
        let files: Vec<RemoteFile> = self.get(&path, Some(commit)).await?;
        if files.len() >= MAX_FILES {
            return Err(GitHubError::Answer(format!("the folder holds {MAX_FILES} files or more")));
        }
        Ok(files)
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
        || (status == StatusCode::FORBIDDEN
            && (header("x-ratelimit-remaining") == Some("0") || header("retry-after").is_some()));
    if is_limited {
        let seconds = header("retry-after").and_then(|seconds| seconds.parse().ok());
        let reset = || until(header("x-ratelimit-reset")?, header("date")?);
        let wait = seconds.map(Duration::from_secs).or_else(reset);
        return Err(GitHubError::RateLimited(wait.map(|wait| wait.min(LONGEST_WAIT))));
    }
    if status.is_success() { Ok(()) } else { Err(GitHubError::Status(status)) }
}

/// How long it is from the answer's own date to the second at which the limit begins anew.
fn until(reset: &str, date: &str) -> Option<Duration> {
    let reset = Timestamp::from_second(reset.parse().ok()?).ok()?;
    let now = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    Duration::try_from(reset.duration_since(now)).ok()
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
