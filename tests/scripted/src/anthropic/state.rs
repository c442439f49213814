//! What the stand-in remembers between requests. Each map is bounded; when it is full it forgets all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::cache::PromptCache;

const MAX_ENTRIES: usize = 20_000;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub struct State {
    seed: String,
    ids: u64,
    tries: HashMap<String, u64>,
    threads: HashMap<String, Arc<Vec<Value>>>,
    pub(super) cache: PromptCache,
    pub(super) documents: HashMap<String, Value>,
    pub(super) requests: u64,
}

impl State {
    /// Ids depend on the seed and on nothing else.
    pub fn new(seed: String) -> Self {
        Self {
            seed,
            ids: 0,
            tries: HashMap::new(),
            threads: HashMap::new(),
            cache: PromptCache::default(),
            documents: HashMap::new(),
            requests: 0,
        }
    }

    /// A fresh id such as `msg_01…`.
    pub fn id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        let digest = Sha256::digest(format!("{} {} {prefix}", self.seed, self.ids));
        let tail = digest.iter().take(22).map(|byte| ALPHABET[usize::from(*byte) % 62] as char);
        format!("{prefix}_01{}", tail.collect::<String>())
    }

    /// How often this was asked before.
    pub fn tried(&mut self, key: String) -> u64 {
        let count = bounded(&mut self.tries).entry(key).or_default();
        *count += 1;
        *count - 1
    }

    /// Remembers the whole history up to and with this message.
    pub fn keep_thread(&mut self, message: &str, history: Vec<Value>) {
        bounded(&mut self.threads).insert(message.to_owned(), Arc::new(history));
    }

    pub fn thread(&self, message: &str) -> Option<Arc<Vec<Value>>> {
        self.threads.get(message).cloned()
    }

    pub fn keep_document(&mut self, id: &str, document: Value) {
        bounded(&mut self.documents).insert(id.to_owned(), document);
    }
}

fn bounded<K: Hash + Eq, V>(map: &mut HashMap<K, V>) -> &mut HashMap<K, V> {
    if map.len() >= MAX_ENTRIES {
        map.clear();
    }
    map
}
