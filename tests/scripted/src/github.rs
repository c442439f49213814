//! The stand-in for GitHub's API: one repository's branch with files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::http::{Answer, Request, Service};

/// The stand-in for GitHub. Share it in an `Arc` to change it while it serves.
#[derive(Debug, Default)]
pub struct GitHub {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, String>,
    broken: BTreeSet<String>,
    /// Calls until the rate limit; `None` without one.
    calls_left: Option<usize>,
}

impl GitHub {
    /// Puts a file into the branch, which gives it a new head.
    pub fn put(&self, path: &str, content: &str) {
        self.state().files.insert(path.to_owned(), content.to_owned());
    }

    pub fn remove(&self, path: &str) {
        self.state().files.remove(path);
    }

    /// Lets a file's content fail with 500, or no more.
    pub fn break_file(&self, path: &str, broken: bool) {
        let mut state = self.state();
        if broken {
            state.broken.insert(path.to_owned())
        } else {
            state.broken.remove(path)
        };
    }

    /// Refuses all because of the rate limit, or no more.
    pub fn limit(&self, limited: bool) {
        self.state().calls_left = limited.then_some(0);
    }

    /// Refuses all because of the rate limit after so many more calls.
    pub fn limit_after(&self, calls: usize) {
        self.state().calls_left = Some(calls);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a call; false when it is one too many.
    fn count_call(&mut self) -> bool {
        match &mut self.calls_left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    fn head(&self) -> String {
        sha(&format!("{:?}", self.files))
    }

    fn commit(&self) -> Value {
        json!({"sha": self.head(), "commit": {"tree": {"sha": self.head()}}})
    }

    fn tree(&self) -> Value {
        let entry = |(path, content): (&String, &String)| json!({"path": path, "mode": "100644", "type": "blob", "sha": sha(content), "size": content.len()});
        json!({"sha": self.head(), "tree": self.files.iter().map(entry).collect::<Vec<_>>(), "truncated": false})
    }

    /// A file, or the files of a folder.
    fn contents(&self, path: &str, base: &str) -> Answer {
        let path = path.trim_matches('/');
        if self.broken.contains(path) {
            return Answer::json(500, &json!({"message": "Server Error"}));
        }
        if let Some(content) = self.files.get(path) {
            let mut file = file(path, content, base);
            file["content"] = STANDARD.encode(content).into();
            file["encoding"] = "base64".into();
            return Answer::json(200, &file);
        }
        let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
        let inside = self.files.iter().filter(|(name, _)| name.starts_with(&folder));
        let direct = inside.filter(|(name, _)| !name[folder.len()..].contains('/'));
        let files: Vec<Value> = direct.map(|(name, content)| file(name, content, base)).collect();
        if files.is_empty() { missing() } else { Answer::json(200, &files.into()) }
    }

    fn blob(&self, wanted: &str) -> Answer {
        let Some((path, content)) = self.files.iter().find(|(_, content)| sha(content) == wanted)
        else {
            return missing();
        };
        if self.broken.contains(path) {
            return Answer::json(500, &json!({"message": "Server Error"}));
        }
        Answer::json(
            200,
            &json!({"sha": wanted, "content": STANDARD.encode(content), "encoding": "base64"}),
        )
    }
}

impl Service for GitHub {
    fn answer(&self, request: &Request) -> Answer {
        let mut state = self.state();
        if !state.count_call() {
            let message = json!({"message": "API rate limit exceeded"});
            return Answer::json(403, &message)
                .header("x-ratelimit-remaining", "0")
                .header("retry-after", "1");
        }
        let path = request.path();
        if let Some(raw) = path.strip_prefix("/raw/") {
            let found = state.files.get(raw).filter(|_| !state.broken.contains(raw));
            return found.map_or_else(missing, |content| Answer::text(200, content.clone()));
        }
        let mut parts = path.trim_start_matches('/').splitn(4, '/');
        let (Some("repos"), Some(_owner), Some(_name), rest) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return missing();
        };
        let rest = rest.unwrap_or_default();
        let etag = format!("\"{}\"", state.head());
        if request.header("if-none-match") == Some(etag.as_str()) {
            return Answer::new(304).header("etag", etag);
        }
        let base = format!("http://{}", request.header("host").unwrap_or_default());
        route(&state, rest, &base).header("etag", etag).header("x-ratelimit-remaining", "4999")
    }
}

fn route(state: &State, rest: &str, base: &str) -> Answer {
    if let Some(path) = rest.strip_prefix("contents") {
        return state.contents(&path.replace("%20", " "), base);
    }
    if let Some(sha) = rest.strip_prefix("git/blobs/") {
        return state.blob(sha);
    }
    if rest.starts_with("git/trees/") {
        return Answer::json(200, &state.tree());
    }
    if rest.starts_with("commits/") {
        return Answer::json(200, &state.commit());
    }
    if let Some(branch) = rest.strip_prefix("branches/") {
        return Answer::json(200, &json!({"name": branch, "commit": state.commit()}));
    }
    if rest.starts_with("git/ref") {
        return Answer::json(
            200,
            &json!({"ref": rest, "object": {"type": "commit", "sha": state.head()}}),
        );
    }
    missing()
}

fn file(path: &str, content: &str, base: &str) -> Value {
    let name = path.rsplit('/').next().unwrap_or_default();
    let raw = format!("{base}/raw/{path}");
    json!({"type": "file", "name": name, "path": path, "sha": sha(content), "size": content.len(), "download_url": raw})
}

fn missing() -> Answer {
    Answer::json(404, &json!({"message": "Not Found"}))
}

/// Not git's own hash, but as good a name for the content.
fn sha(content: &str) -> String {
    hex::encode(&Sha256::digest(content)[..20])
}
