//! A list that is walked for searched words, in a few steps.
//!
//! Where words are common and not all that is asked, most of their places may be of what the other
//! conditions leave out. So the first of the list that meet these are taken, and the words are looked
//! for in their texts; then more of them, until the page is full or the last step is done. Such a page
//! ends where the walk did, and the next one goes on from there.

use std::{cmp::Reverse, slice::Iter};

use nexus_contract::ExchangeId;
use uuid::Uuid;

use super::types::{Cursor, Paging, Unsearched};

/// How many exchanges each step looks into: the first takes a few hundredths of a second, both a tenth.
pub(super) const EXCHANGES: &[u32] = &[2_000, 8_000];

/// The same where a second step would make too many statements of one page.
pub(super) const EXCHANGES_AT_ONCE: &[u32] = &[5_000];

/// The same of conversations, which have some dozens of exchanges each. In one step: with what is asked
/// before and behind, a second would make too many statements of one page.
pub(super) const CONVERSATIONS: &[u32] = &[100];

/// A row in which the words stand: its id, its value in the list's order and the newest place. Without
/// a place it is the last row that a step looked into, if there may be more behind it.
pub(super) type Seen = (Uuid, i64, Option<i64>);

/// A row in which the words stand.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hit<Row> {
    pub at: Cursor,
    pub document_id: i64,
    pub row: Row,
}

/// What is looked into next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub after: Option<Cursor>,
    /// Rows to look into.
    pub max: u32,
    /// Rows that fill the page, and one more.
    pub missing: usize,
}

/// How far a walk has come.
#[derive(Debug)]
pub(super) struct Walk<Row> {
    steps: Iter<'static, u32>,
    wanted: usize,
    hits: Vec<Hit<Row>>,
    after: Option<Cursor>,
    is_at_end: bool,
}

/// The page that a walk found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Walked<Row> {
    pub hits: Vec<Hit<Row>>,
    pub next_cursor: Option<Cursor>,
    pub unsearched: Option<Unsearched>,
}

impl<Row> Walk<Row> {
    pub(super) fn new(paging: &Paging, steps: &'static [u32]) -> Self {
        Self {
            steps: steps.iter(),
            wanted: paging.wanted(),
            hits: Vec::new(),
            after: paging.cursor,
            is_at_end: false,
        }
    }

    /// `None` when the page is full, the list at its end, or the last step done.
    pub(super) fn next_step(&mut self) -> Option<Step> {
        let missing = self.wanted.saturating_sub(self.hits.len());
        if missing == 0 || self.is_at_end {
            return None;
        }
        self.steps.next().map(|max| Step { after: self.after, max: *max, missing })
    }

    /// Takes the rows of a step, which `see` reads.
    pub(super) fn add(&mut self, rows: Vec<Row>, see: impl Fn(&Row) -> Seen) {
        let mut seen: Vec<_> = rows.into_iter().map(|row| (see(&row), row)).collect();
        seen.sort_unstable_by_key(|((id, value, _), _)| Reverse((*value, *id)));
        self.is_at_end = true;
        for ((id, value, document_id), row) in seen {
            let at = Cursor { value, id: ExchangeId(id) };
            if let Some(document_id) = document_id {
                self.hits.push(Hit { at, document_id, row });
            } else {
                self.after = Some(at);
                self.is_at_end = false;
            }
        }
    }

    pub(super) fn page(self, paging: &Paging) -> Walked<Row> {
        let rows = paging.rows() as usize;
        let mut hits: Vec<_> = self.hits.into_iter().skip(paging.offset as usize).collect();
        let is_full = hits.len() > rows;
        hits.truncate(rows);
        let last = hits.last().map(|hit| hit.at);
        let unsearched = (!is_full && !self.is_at_end).then_some(Unsearched::Next);
        let next_cursor = if is_full { last } else { unsearched.and(self.after) };
        Walked { hits, next_cursor, unsearched }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: &[u32] = &[4, 8];

    fn cursor(value: i64) -> Cursor {
        Cursor { value, id: ExchangeId(Uuid::nil()) }
    }

    fn hit(value: i64) -> Seen {
        (Uuid::nil(), value, Some(value))
    }

    fn end(value: i64) -> Seen {
        (Uuid::nil(), value, None)
    }

    fn paging(offset: u32) -> Paging {
        Paging { limit: 2, cursor: Some(cursor(100)), offset }
    }

    /// Walks over what each step sees; the steps that were taken, and the page.
    fn walked(paging: &Paging, steps: &[&[Seen]]) -> (Vec<Step>, Walked<Seen>) {
        let mut walk = Walk::new(paging, STEPS);
        let mut taken = Vec::new();
        let mut seen = steps.iter();
        while let Some(step) = walk.next_step() {
            taken.push(step);
            walk.add(seen.next().expect("no more steps").to_vec(), |seen| *seen);
        }
        (taken, walk.page(paging))
    }

    fn values(walked: &Walked<Seen>) -> Vec<i64> {
        walked.hits.iter().map(|hit| hit.at.value).collect()
    }

    #[test]
    fn a_page_that_is_full_goes_on_behind_its_last_row() {
        let (steps, page) = walked(&paging(0), &[&[hit(97), hit(99), hit(98), end(96)]]);
        assert_eq!(steps, [Step { after: Some(cursor(100)), max: 4, missing: 3 }]);
        assert_eq!(values(&page), [99, 98]);
        assert_eq!((page.next_cursor, page.unsearched), (Some(cursor(98)), None));
    }

    #[test]
    fn a_page_that_is_not_takes_a_longer_step() {
        let (steps, page) = walked(&paging(0), &[&[hit(99), end(96)], &[hit(95), hit(94)]]);
        assert_eq!(steps[1], Step { after: Some(cursor(96)), max: 8, missing: 2 });
        assert_eq!(values(&page), [99, 95]);
        assert_eq!((page.next_cursor, page.unsearched), (Some(cursor(95)), None));
    }

    #[test]
    fn behind_the_last_step_the_next_page_goes_on() {
        let (steps, page) = walked(&paging(0), &[&[end(96)], &[hit(95), end(88)]]);
        assert_eq!(steps.len(), STEPS.len());
        assert_eq!(values(&page), [95]);
        let rest = (Some(cursor(88)), Some(Unsearched::Next));
        assert_eq!((page.next_cursor, page.unsearched), rest);
    }

    #[test]
    fn a_list_ends_where_nothing_comes_behind() {
        for seen in [Vec::new(), vec![hit(99)], vec![hit(99), hit(98)]] {
            let (steps, page) = walked(&paging(0), &[&seen]);
            assert_eq!((steps.len(), values(&page).len()), (1, seen.len()));
            assert_eq!((page.next_cursor, page.unsearched), (None, None));
        }
    }

    #[test]
    fn an_offset_passes_over_hits() {
        let (steps, page) = walked(&paging(1), &[&[hit(99), hit(98), hit(97), hit(96), end(95)]]);
        assert_eq!(steps[0].missing, 4);
        assert_eq!(values(&page), [98, 97]);
        assert_eq!((page.next_cursor, page.unsearched), (Some(cursor(97)), None));
    }
}
