//! What the clients of a load saw. It is the truth that the store is held against.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// One request, as far as its client saw it.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// The exchange's id, once the answer's head has come.
    pub id: Option<String>,
    pub status: u16,
    /// SHA-256 of the answer's body, once its last byte has come.
    pub answer: Option<[u8; 32]>,
    /// What had come of an answer that broke off.
    pub partial: Bytes,
}

impl Sent {
    /// The digest of an answer that came whole through a gateway; one that something in front of
    /// the gateways gave by itself has no exchange behind it.
    pub fn exchanged(&self) -> Option<[u8; 32]> {
        self.id.as_ref().and(self.answer)
    }
}

/// All requests by number.
#[derive(Debug, Default)]
pub struct Ledger {
    sent: Mutex<BTreeMap<u64, Sent>>,
}

impl Ledger {
    pub fn issued(&self, number: u64) {
        self.lock().insert(number, Sent::default());
    }

    pub fn head(&self, number: u64, id: Option<&str>, status: u16) {
        let mut sent = self.lock();
        let entry = sent.entry(number).or_default();
        entry.id = id.map(str::to_owned);
        entry.status = status;
    }

    pub fn done(&self, number: u64, answer: &[u8]) {
        self.lock().entry(number).or_default().answer = Some(Sha256::digest(answer).into());
    }

    pub fn broke_off(&self, number: u64, answer: Vec<u8>) {
        self.lock().entry(number).or_default().partial = answer.into();
    }

    pub fn entries(&self) -> BTreeMap<u64, Sent> {
        self.lock().clone()
    }

    /// How many answers came whole.
    pub fn completed(&self) -> usize {
        self.lock().values().filter(|sent| sent.exchanged().is_some()).count()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Sent>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
