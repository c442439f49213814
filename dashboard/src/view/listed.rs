//! Lists that end before their page grows too large.

use serde::Serialize;

/// The first of some, and how many more there are, which the page has to say.
#[derive(Debug, Clone, Serialize)]
pub struct Listed<T> {
    pub rows: Vec<T>,
    pub left: usize,
}

impl<T> Listed<T> {
    pub fn of(mut rows: Vec<T>, most: usize) -> Self {
        let left = rows.len().saturating_sub(most);
        rows.truncate(most);
        Self { rows, left }
    }
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), left: 0 }
    }
}
