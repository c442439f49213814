//! Differences of sums, by key.

use std::{collections::BTreeMap, ops::AddAssign};

/// What rows contribute to sums under keys; in the keys' order, so that writers lock alike.
#[derive(Debug)]
pub(super) struct Deltas<K, const N: usize>(BTreeMap<K, [i64; N]>);

impl<K: Ord, const N: usize> Default for Deltas<K, N> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, const N: usize> Deltas<K, N> {
    pub(super) fn add(&mut self, key: K, sums: [i64; N]) {
        self.lay(key, sums, 1);
    }

    pub(super) fn subtract(&mut self, key: K, sums: [i64; N]) {
        self.lay(key, sums, -1);
    }

    fn lay(&mut self, key: K, sums: [i64; N], sign: i64) {
        let delta = self.0.entry(key).or_insert([0; N]);
        for (delta, sum) in delta.iter_mut().zip(sums) {
            delta.add_assign(sign * sum);
        }
    }

    /// Everything that was touched, also where nothing changes in the sum.
    pub(super) fn touched(&self) -> Vec<(&K, &[i64; N])> {
        self.0.iter().collect()
    }

    /// What really changes.
    pub(super) fn changes(&self) -> Vec<(&K, &[i64; N])> {
        self.0.iter().filter(|(_, delta)| **delta != [0; N]).collect()
    }

    /// The keys whose first sum, which counts rows, gets smaller.
    pub(super) fn shrinking(&self) -> impl Iterator<Item = &K> {
        let fewer = self.0.iter().filter(|(_, sums)| sums.first().is_some_and(|rows| *rows < 0));
        fewer.map(|(key, _)| key)
    }
}
