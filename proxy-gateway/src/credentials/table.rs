//! The credentials by domain. Readers take no lock; a look at the directory replaces the table.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::{sync::watch, time::Instant};

use super::{
    directory::{Directory, Found, Stamp},
    file::{Credential, FileError, Secret},
    fingerprint::{Digest, Fingerprinter, is_among},
};

/// How long a credential outlives its file: an editor or a mount may be replacing it. After that
/// the domain has none, so that deleting a file revokes it.
const GRACE: Duration = Duration::from_secs(5);

/// Looks after a change at which a file is read again.
const REREADS: u8 = 4;

/// Domains that are kept at most.
const MAX_DOMAINS: usize = 10_000;

/// Client keys that are remembered beyond their files at most.
const MAX_REMEMBERED: usize = 10_000;

/// The table, and where it comes from.
pub struct Credentials {
    path: PathBuf,
    fingerprinter: Fingerprinter,
    table: ArcSwap<HashMap<String, Entry>>,
    /// Every client key of the table.
    client_keys: ArcSwap<HashSet<Digest>>,
    /// Every client key that ever was in the table: one whose file is gone lets nobody in, and is
    /// still none of the upstream's business.
    remembered: ArcSwap<HashSet<Digest>>,
    directory: ArcSwapOption<DirectoryProblem>,
    /// Domains whose last refresh failed.
    failed_refreshes: Mutex<BTreeMap<String, FailedRefresh>>,
    /// Looks happen one at a time.
    looking: Mutex<()>,
    /// Counts the looks that changed something.
    changes: watch::Sender<u64>,
}

/// Why which pair was not renewed.
pub struct FailedRefresh {
    /// When the pair expires, which tells it from one that somebody else has put in its place.
    pub expires_at: i64,
    pub problem: String,
}

/// What is known of one domain.
#[derive(Debug, Clone)]
struct Entry {
    /// The last good version.
    good: Option<Arc<Credential>>,
    stamp: Option<Stamp>,
    /// Looks at which the file is read again although it looks the same: two changes may fall into
    /// one tick of the file system's clock.
    rereads: u8,
    content: Digest,
    problem: Option<FileError>,
    missing_since: Option<Instant>,
}

/// Why there is no listing of the directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryProblem {
    #[error("the directory does not exist")]
    Missing,
    #[error("the directory can't be read: {0}")]
    Unreadable(String),
}

/// How one domain's file stands, for people who may know.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub domain: String,
    /// `api_key` or `oauth`; absent when no version was ever good.
    pub kind: Option<&'static str>,
    pub account_id: Option<String>,
    pub client_keys: usize,
    /// Milliseconds since the epoch, for OAuth.
    pub expires_at: Option<i64>,
    /// What is wrong with the file as it stands; the last good version serves meanwhile.
    pub problem: Option<String>,
}

impl Credentials {
    /// Looks at the directory for the first time. A missing directory is an empty one.
    pub fn open(path: impl Into<PathBuf>, fingerprinter: Fingerprinter) -> Self {
        let credentials = Self {
            path: path.into(),
            fingerprinter,
            table: ArcSwap::default(),
            client_keys: ArcSwap::default(),
            remembered: ArcSwap::default(),
            directory: ArcSwapOption::default(),
            failed_refreshes: Mutex::default(),
            looking: Mutex::new(()),
            changes: watch::Sender::new(0),
        };
        credentials.look();
        credentials
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn fingerprinter(&self) -> &Fingerprinter {
        &self.fingerprinter
    }

    /// Whether the domain has a file, and its last good version.
    pub fn find(&self, domain: &str) -> Option<Option<Arc<Credential>>> {
        self.table.load().get(domain).map(|entry| entry.good.clone())
    }

    /// Whether one of `keys` is a client key of any domain. True as well when no domain has one:
    /// then there is nothing to prove.
    pub fn proves_client(&self, keys: &[&str]) -> bool {
        let known: Vec<Digest> = self.client_keys.load().iter().copied().collect();
        let is_known = |key: &&str| is_among(&self.fingerprinter.digest(key), &known);
        known.is_empty() || keys.iter().any(is_known)
    }

    /// Whether a key of this digest is, or ever was, a client key of any domain. Says what must not
    /// go up, and nothing of who may pass.
    pub fn knows_client_key(&self, digest: &Digest) -> bool {
        self.client_keys.load().contains(digest) || self.remembered.load().contains(digest)
    }

    /// What is wrong with the directory as a whole.
    pub fn directory_problem(&self) -> Option<Arc<DirectoryProblem>> {
        self.directory.load_full()
    }

    /// Notes what became of a domain's refresh, for [`statuses`](Self::statuses).
    pub fn note_refresh(&self, domain: &str, refreshed: Result<(), FailedRefresh>) {
        let mut failed = self.failed_refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        match refreshed {
            Err(refresh) => drop(failed.insert(domain.to_owned(), refresh)),
            Ok(()) => drop(failed.remove(domain)),
        }
        let table = self.table.load();
        failed.retain(|domain, _| table.contains_key(domain));
    }

    /// Every domain whose last good version is OAuth.
    pub fn list_oauth(&self) -> Vec<(String, Arc<Credential>)> {
        let is_oauth = |credential: &Arc<Credential>| matches!(credential.secret, Secret::OAuth(_));
        let table = self.table.load();
        table
            .iter()
            .filter_map(|(domain, entry)| Some((domain.clone(), entry.good.clone()?)))
            .filter(|(_, credential)| is_oauth(credential))
            .collect()
    }

    /// Tells of every change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Every domain, sorted.
    pub fn statuses(&self) -> Vec<Status> {
        let table = self.table.load();
        let mut statuses: Vec<_> =
            table.iter().map(|(domain, entry)| entry.status(domain)).collect();
        statuses.sort_by(|one, other| one.domain.cmp(&other.domain));
        let failed = self.failed_refreshes.lock().unwrap_or_else(PoisonError::into_inner);
        for status in statuses.iter_mut().filter(|status| status.problem.is_none()) {
            let refresh = failed.get(&status.domain);
            let of_this_pair =
                refresh.filter(|refresh| Some(refresh.expires_at) == status.expires_at);
            status.problem = of_this_pair.map(|refresh| refresh.problem.clone());
        }
        statuses
    }

    /// Looks at the directory and takes what changed. Reads files: not for an I/O thread.
    pub fn look(&self) {
        let _one_at_a_time = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.table.load_full();
        let listing = self.listing();
        self.note_directory(listing.as_ref().err());
        let after = match listing {
            Ok((directory, found)) => self.next_table(&before, &directory, found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => expire(&before),
            // Nothing is known of the files, so nothing is taken away.
            Err(_noted) => None,
        };
        let Some((after, changed)) = after else { return };
        let client_keys = client_keys(&after);
        self.remember(&client_keys);
        self.client_keys.store(Arc::new(client_keys));
        self.table.store(Arc::new(after));
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    fn remember(&self, client_keys: &HashSet<Digest>) {
        let before = self.remembered.load_full();
        let room = MAX_REMEMBERED.saturating_sub(before.len());
        let new: Vec<Digest> = client_keys.difference(&before).take(room).copied().collect();
        if !new.is_empty() {
            self.remembered.store(Arc::new(before.iter().copied().chain(new).collect()));
        }
    }

    /// A missing directory is nothing to warn of: it is what pass-through looks like.
    fn note_directory(&self, error: Option<&io::Error>) {
        let problem = error.map(|error| match error.kind() {
            io::ErrorKind::NotFound => DirectoryProblem::Missing,
            _ => DirectoryProblem::Unreadable(error.to_string()),
        });
        if self.directory.load().as_deref() == problem.as_ref() {
            return;
        }
        if let Some(problem @ DirectoryProblem::Unreadable(_)) = &problem {
            tracing::warn!(%problem, path = %self.path.display(), "credentials can't be looked at");
        }
        self.directory.store(problem.map(Arc::new));
    }

    fn listing(&self) -> io::Result<(Directory, Vec<(String, Found)>)> {
        let directory = Directory::open(&self.path)?;
        let found = directory.list()?.into_iter().take(MAX_DOMAINS).collect();
        Ok((directory, found))
    }

    /// The table after a look, and whether anybody should hear of it; `None` when it is the same.
    fn next_table(
        &self,
        before: &HashMap<String, Entry>,
        directory: &Directory,
        found: Vec<(String, Found)>,
    ) -> Option<(HashMap<String, Entry>, bool)> {
        let mut changed = false;
        let mut after = HashMap::with_capacity(found.len());
        for (domain, found) in found {
            let known = before.get(&domain);
            let entry = match (known, &found) {
                (Some(entry), Found::File(stamp)) if entry.is_settled(stamp) => entry.clone(),
                (Some(entry), Found::Problem(problem)) if entry.has(problem) => entry.clone(),
                _ => self.read(directory, &domain, known, found),
            };
            changed |= known.is_none_or(|known| !known.is_same(&entry));
            after.insert(domain, entry);
        }
        for (domain, entry) in before {
            if !after.contains_key(domain) {
                changed |= entry.keep_missing(domain, &mut after);
            }
        }
        let settling = after.values().any(|entry| entry.rereads > 0);
        (changed || settling).then_some((after, changed))
    }

    /// Reads a file that is new or changed. What can't be used leaves the last good version.
    fn read(
        &self,
        directory: &Directory,
        domain: &str,
        before: Option<&Entry>,
        found: Found,
    ) -> Entry {
        let read = match found {
            Found::Problem(problem) => Err(problem),
            Found::File(_) => directory.read(domain),
        };
        let (stamp, text) = match read {
            Ok((stamp, text)) => (Some(stamp), text),
            Err(problem) => return Entry::failed(domain, before, problem),
        };
        let content: Digest = Sha256::digest(&text).into();
        if let Some(entry) = before.filter(|entry| entry.holds(&content)) {
            return Entry { stamp, rereads: entry.rereads.saturating_sub(1), ..entry.clone() };
        }
        let entry = match Credential::parse(&text, &self.fingerprinter) {
            Ok(credential) => {
                tracing::info!(domain, "credential loaded");
                let good = Some(Arc::new(credential));
                Entry { good, stamp: None, rereads: 0, content, problem: None, missing_since: None }
            }
            Err(problem) => Entry::failed(domain, before, problem),
        };
        Entry { stamp, rereads: REREADS, content, ..entry }
    }
}

fn client_keys(table: &HashMap<String, Entry>) -> HashSet<Digest> {
    let credentials = table.values().filter_map(|entry| entry.good.as_ref());
    credentials.flat_map(|credential| credential.client_keys.iter().copied()).collect()
}

/// The table of a directory that is not there.
fn expire(before: &HashMap<String, Entry>) -> Option<(HashMap<String, Entry>, bool)> {
    let mut after = HashMap::new();
    let mut changed = false;
    for (domain, entry) in before {
        changed |= entry.keep_missing(domain, &mut after);
    }
    changed.then_some((after, changed))
}

impl Entry {
    /// What can't be used leaves the last good version.
    fn failed(domain: &str, before: Option<&Self>, problem: FileError) -> Self {
        let good = before.and_then(|entry| entry.good.clone());
        tracing::warn!(domain, %problem, serves = good.is_some(), "credential file can't be used");
        let problem = Some(problem);
        Self {
            good,
            stamp: None,
            rereads: 0,
            content: Digest::default(),
            problem,
            missing_since: None,
        }
    }

    fn is_settled(&self, stamp: &Stamp) -> bool {
        self.rereads == 0 && self.stamp.as_ref() == Some(stamp) && self.missing_since.is_none()
    }

    fn holds(&self, content: &Digest) -> bool {
        self.stamp.is_some() && self.content == *content && self.missing_since.is_none()
    }

    /// Whether nobody need hear of the difference.
    fn is_same(&self, other: &Self) -> bool {
        let is_same_file =
            self.content == other.content && self.stamp.is_some() == other.stamp.is_some();
        is_same_file && self.problem == other.problem && self.missing_since == other.missing_since
    }

    fn has(&self, problem: &FileError) -> bool {
        self.stamp.is_none()
            && self.problem.as_ref() == Some(problem)
            && self.missing_since.is_none()
    }

    /// Keeps the entry for the grace time. True when that changes the table.
    fn keep_missing(&self, domain: &str, after: &mut HashMap<String, Entry>) -> bool {
        let since = self.missing_since.unwrap_or_else(Instant::now);
        if since.elapsed() >= GRACE {
            tracing::info!(domain, "credential removed");
            return true;
        }
        let problem = Some(FileError::Read("the file is gone".to_owned()));
        let entry = Self { problem, stamp: None, missing_since: Some(since), ..self.clone() };
        after.insert(domain.to_owned(), entry);
        self.missing_since.is_none()
    }

    /// When the pair expires, if it is one.
    fn expires_at(&self) -> Option<i64> {
        match &self.good.as_ref()?.secret {
            Secret::ApiKey(_) => None,
            Secret::OAuth(pair) => Some(pair.expires_at),
        }
    }

    fn status(&self, domain: &str) -> Status {
        let kind = self.good.as_ref().map(|credential| match credential.secret {
            Secret::ApiKey(_) => "api_key",
            Secret::OAuth(_) => "oauth",
        });
        Status {
            domain: domain.to_owned(),
            kind,
            account_id: self.good.as_ref().and_then(|credential| credential.account_id.clone()),
            client_keys: self.good.as_ref().map_or(0, |credential| credential.client_keys.len()),
            expires_at: self.expires_at(),
            problem: self.problem.as_ref().map(ToString::to_string),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_directory_that_cannot_be_read_takes_nothing_away() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("credentials");
        fs::create_dir(&path).expect("made");
        let form = r#"{"type":"api_key","api_key":"k","client_api_key":"c"}"#;
        fs::write(path.join("a.example.credentials.json"), form).expect("written");
        let credentials = Credentials::open(&path, Fingerprinter::new(&"salt".to_owned().into()));
        let problem = || credentials.statuses()[0].problem.clone();

        fs::rename(&path, dir.path().join("away")).expect("moved");
        fs::write(&path, "no directory").expect("written");
        credentials.look();
        let directory = credentials.directory_problem();
        assert!(matches!(directory.as_deref(), Some(DirectoryProblem::Unreadable(_))));
        assert_eq!(problem(), None, "nothing is known of the file");

        fs::remove_file(&path).expect("removed");
        credentials.look();
        assert_eq!(credentials.directory_problem().as_deref(), Some(&DirectoryProblem::Missing));
        assert!(problem().is_some(), "the file is known to be gone");
    }
}
