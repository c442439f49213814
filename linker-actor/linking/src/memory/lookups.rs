//! What the maps would be scanned for.

use std::{
    borrow::Borrow,
    collections::{BTreeSet, HashMap},
    hash::Hash as Key,
};

use nexus_contract::ExchangeId;

use crate::{facts::Moment, hash::Hash};

#[derive(Debug, Clone, Default)]
pub(super) struct Lookups {
    /// Exchanges whose history ends there.
    pub ends: Many<Hash, ExchangeId>,
    /// Prefixes one block longer.
    pub follows: Many<Hash, Hash>,
    /// Exchanges that have this parent.
    pub kin: Many<ExchangeId, ExchangeId>,
    /// Members by session.
    pub sessions: Many<String, Moment>,
    /// Members that go on with that answer's thread.
    pub threads: Many<String, ExchangeId>,
    /// Exchanges whose history leaves their parent's there.
    pub joints: Many<Hash, ExchangeId>,
    /// Exchanges of a step, itself included.
    pub steps: Many<ExchangeId, ExchangeId>,
    /// Exchanges by what they wait for.
    pub waiting: Many<Hash, Moment>,
}

/// Many values by a key, in their order.
#[derive(Debug, Clone)]
pub(super) struct Many<K, V>(HashMap<K, BTreeSet<V>>);

impl<K, V> Default for Many<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Key + Eq, V: Ord> Many<K, V> {
    pub fn of<'a, Q: Key + Eq + ?Sized>(
        &'a self,
        key: &Q,
    ) -> impl Iterator<Item = &'a V> + use<'a, K, V, Q>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).into_iter().flatten()
    }

    pub fn add(&mut self, key: Option<K>, value: V) {
        if let Some(key) = key {
            self.0.entry(key).or_default().insert(value);
        }
    }

    pub fn remove(&mut self, key: &K, value: &V) {
        if let Some(values) = self.0.get_mut(key) {
            values.remove(value);
        }
    }

    /// Moves the value from one key to another.
    pub fn replace(&mut self, before: Option<K>, after: Option<K>, value: V) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.remove(&before, &value);
        }
        self.add(after, value);
    }
}
