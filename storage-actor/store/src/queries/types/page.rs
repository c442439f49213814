//! Keyset pages.

use std::{fmt, str::FromStr};

use nexus_contract::ExchangeId;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    /// How many rows; 0 stands for [`Paging::USUAL`], and more than [`Paging::MAX`] are not given.
    pub limit: u32,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
    /// Rows to pass over, for scripts that count instead of following cursors.
    pub offset: u32,
}

impl Paging {
    pub const USUAL: u32 = 50;
    pub const MAX: u32 = 500;

    /// Rows to give.
    pub fn rows(&self) -> u32 {
        match self.limit {
            0 => Self::USUAL,
            limit => limit.min(Self::MAX),
        }
    }

    /// Rows up to its end, and one more that tells whether the list goes on.
    pub(crate) fn wanted(&self) -> usize {
        self.offset as usize + self.rows() as usize + 1
    }
}

/// A page of a list, and where it goes on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// `None` when the list is at its end.
    pub next_cursor: Option<Cursor>,
    /// What was not looked at for searched words; `None` when all was.
    pub unsearched: Option<Unsearched>,
}

/// What a search did not look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unsearched {
    /// What comes behind `next_cursor`: the page ended before it was full.
    Next,
    /// All but the newest places of the words, of which there are too many: no page lists them.
    Older,
}

/// The last row of a page: its value in the list's order, and its id. Opaque to callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub value: i64,
    pub id: ExchangeId,
}

/// The text is no cursor of this API.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the cursor is none that this API gave")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.value, self.id.0.as_simple())
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (value, id) = text.split_once('_').ok_or(CursorError)?;
        let value = value.parse().map_err(|_not_a_number| CursorError)?;
        let id = id.parse().map_err(|_not_an_id| CursorError)?;
        Ok(Self { value, id })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        let id = ExchangeId::from_external("x");
        for value in [0, -5, i64::MAX] {
            let cursor = Cursor { value, id };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in
            ["", "_", "1_", "x_0197b1c0000070008000000000000001", "1", "99999999999999999999_"]
        {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }

    #[test]
    fn a_page_is_never_larger_than_the_most() {
        let rows = |limit| Paging { limit, ..Paging::default() }.rows();
        assert_eq!((rows(0), rows(7), rows(9999)), (50, 7, 500));
    }
}
