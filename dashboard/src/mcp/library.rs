//! All prompts, read from a folder, each in its last good version.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;

use super::prompt::{MAX_BYTES, Prompt, PromptError};

/// More files than this are not read.
const MAX_PROMPTS: usize = 2_000;

type Prompts = BTreeMap<String, Arc<Prompt>>;

/// The prompts by name. Reading takes no lock.
#[derive(Debug, Default)]
pub struct Library(ArcSwap<Prompts>);

impl Library {
    /// All prompts, by name.
    pub fn all(&self) -> Arc<Prompts> {
        self.0.load_full()
    }

    pub fn find(&self, name: &str) -> Option<Arc<Prompt>> {
        self.0.load().get(name).cloned()
    }

    /// Up to `limit` prompts behind `after`, and where the next page begins.
    pub fn page(&self, after: Option<&str>, limit: usize) -> (Vec<Arc<Prompt>>, Option<String>) {
        let all = self.0.load();
        let mut rest =
            all.values().skip_while(|prompt| after.is_some_and(|a| prompt.name.as_str() <= a));
        let page = rest.by_ref().take(limit.max(1)).cloned().collect::<Vec<_>>();
        let next = rest.next().and(page.last()).map(|last| last.name.clone());
        (page, next)
    }

    /// Prompts whose name or description holds all words of `search`.
    pub fn search(&self, search: &str) -> Vec<Arc<Prompt>> {
        let words = search.to_lowercase();
        let matches = |prompt: &&Arc<Prompt>| {
            let text =
                format!("{} {}", prompt.name, prompt.description.as_deref().unwrap_or_default());
            let text = text.to_lowercase();
            words.split_whitespace().all(|word| text.contains(word))
        };
        self.0.load().values().filter(matches).cloned().collect()
    }

    /// Reads the folder. A file that breaks keeps its last good version; one that is gone is gone.
    /// Whether anything is different now.
    pub fn load(&self, folder: &Path) -> bool {
        let before = self.0.load_full();
        match read(folder, &before) {
            Ok(prompts) if prompts != *before => {
                self.0.store(Arc::new(prompts));
                true
            }
            Ok(_) => false,
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "the prompts cannot be read");
                false
            }
        }
    }
}

fn read(folder: &Path, before: &Prompts) -> io::Result<Prompts> {
    let mut prompts = Prompts::new();
    for path in files(folder)? {
        let Some(name) = prompt_name(&path) else { continue };
        if prompts.contains_key(name) {
            tracing::warn!(file = %path.display(), "another file has this prompt's name");
            continue;
        }
        match file(&path, name) {
            Ok(prompt) => {
                prompts.insert(name.to_owned(), Arc::new(prompt));
            }
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "a prompt is left as it was");
                prompts.extend(before.get(name).map(|last| (name.to_owned(), Arc::clone(last))));
            }
        }
    }
    Ok(prompts)
}

/// The files of prompts, in an order that does not depend on the disk: of `a.yaml` and `a.yml` the
/// first one counts.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if prompt_name(&path).is_some() {
            files.push(path);
        }
    }
    files.sort_unstable();
    if files.len() > MAX_PROMPTS {
        tracing::warn!(files = files.len(), "only the first {MAX_PROMPTS} prompts are read");
        files.truncate(MAX_PROMPTS);
    }
    Ok(files)
}

fn file(path: &Path, name: &str) -> Result<Prompt, PromptError> {
    // A FIFO, or something huge, is not opened at all.
    let about = fs::metadata(path)?;
    if !about.is_file() || about.len() > MAX_BYTES as u64 {
        return Err(PromptError::TooLarge(MAX_BYTES));
    }
    Prompt::parse(name, &fs::read_to_string(path)?)
}

/// The prompt that a file holds, when it is one by its name.
pub fn prompt_name(path: &Path) -> Option<&str> {
    let is_yaml = matches!(path.extension()?.to_str()?, "yaml" | "yml");
    path.file_stem()?.to_str().filter(|name| is_yaml && !name.starts_with('.'))
}
