//! The table that a run prints.

use sha2::{Digest, Sha256};

/// Rows of case, what was sent, what arrived.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<[String; 3]>,
    wrong: usize,
}

impl Table {
    /// One case; equal means that it conforms.
    pub fn row(&mut self, case: &str, sent: &str, arrived: &str) {
        self.wrong += usize::from(sent != arrived);
        self.rows.push([case.to_owned(), sent.to_owned(), arrived.to_owned()]);
    }

    /// Prints all rows.
    ///
    /// # Panics
    /// When one differs.
    pub fn finish(self) {
        for [case, sent, arrived] in &self.rows {
            let mark = if sent == arrived { "ok  " } else { "DIFF" };
            eprintln!("{mark} {case:<44} {sent:<34} {arrived}");
        }
        assert_eq!(self.wrong, 0, "{:#?}", self.differing());
    }

    fn differing(&self) -> Vec<&[String; 3]> {
        self.rows.iter().filter(|[_, sent, arrived]| sent != arrived).collect()
    }
}

/// Length and the beginning of the SHA-256.
pub fn digest(bytes: &[u8]) -> String {
    format!("{} B {}", bytes.len(), &hex::encode(Sha256::digest(bytes))[..16])
}
