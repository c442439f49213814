//! The condition of a list that fewest exchanges meet.
//!
//! A list is read in its order and stops when the page is full. Where few exchanges meet a condition,
//! that would end at the oldest of all; these few are looked up instead, and sorted. No engine finds
//! out by itself: the same statement serves every bound. So it is counted before, up to where it is
//! no longer few.

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use super::{
    conditions::{COST, Conditions, TOTAL_TOKENS},
    statement::Statement,
    syntax::Has,
    types::RequestFilter,
    words::Words,
};
use crate::{engine::SqlStore, error::Result};

const CANNOT: &str = "exchanges cannot be counted";

/// So many are looked up and sorted in a few milliseconds.
const MAX_FEW: u32 = 2_000;

/// What an index of its own serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Tokens,
    Cost,
    Time,
    Conversation,
    Analysis,
}

impl Condition {
    const ALL: [Self; 5] =
        [Self::Tokens, Self::Cost, Self::Time, Self::Conversation, Self::Analysis];

    /// Whether a list would not begin with it anyway: without words, lists walk a stretch of time or a
    /// conversation.
    fn is_asked(self, filter: &RequestFilter, words: &Words) -> bool {
        let search = &filter.search;
        let times = [filter.from, filter.to, search.from, search.to];
        match self {
            Self::Tokens => !search.tokens.is_empty(),
            Self::Cost => !search.cost.is_empty(),
            Self::Time => !words.is_none() && times.iter().any(Option::is_some),
            Self::Conversation => !words.is_none() && filter.conversation_id.is_some(),
            Self::Analysis => search.has.contains(&Has::Analysis),
        }
    }
}

/// The few exchanges that meet one condition of a filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Few<'a> {
    condition: Condition,
    filter: &'a RequestFilter,
}

impl Few<'_> {
    /// Adds a statement that gives their `exchange_id`.
    pub(super) fn push_exchanges(&self, statement: &mut Statement) {
        self.push(statement, "SELECT e.exchange_id FROM exchanges e");
    }

    /// Adds a statement that gives the `document_id` of their texts.
    pub(super) fn push_documents(&self, statement: &mut Statement) {
        self.push(
            statement,
            "SELECT s.document_id FROM exchanges e \
             JOIN search_documents s ON s.exchange_id = e.exchange_id",
        );
    }

    fn push(&self, statement: &mut Statement, select: &str) {
        let RequestFilter { from, to, search, .. } = self.filter;
        statement.push(select, []).push(" WHERE TRUE", []);
        match self.condition {
            Condition::Tokens => statement.bounds(TOTAL_TOKENS, &search.tokens),
            Condition::Cost => statement.bounds(COST, &search.cost),
            Condition::Time => {
                statement.between("e.at", *from, *to);
                statement.between("e.at", search.from, search.to);
            }
            Condition::Conversation => {
                let id = self.filter.conversation_id.map(|id| id.0.into());
                statement.push(" AND e.conversation_id = ?", id);
            }
            Condition::Analysis => {
                let analysed = "SELECT a.conversation_id FROM analyses a";
                statement.push(&format!(" AND e.conversation_id IN ({analysed})"), []);
            }
        }
    }
}

/// How many meet each of the conditions, by their numbers; `None` without a condition.
fn counts(conditions: &[Few<'_>]) -> Option<Statement> {
    let mut statement = Statement::new("");
    for (number, few) in (0_i64..).zip(conditions) {
        statement.push(if number == 0 { "" } else { " UNION ALL " }, []);
        statement.push("SELECT CAST(? AS BIGINT), COUNT(*) FROM (", [number.into()]);
        few.push(&mut statement, "SELECT 1 AS one FROM exchanges e");
        statement.push(" LIMIT ?) t", [(MAX_FEW + 1).into()]);
    }
    (!conditions.is_empty()).then_some(statement)
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// The exchanges of the filter's rarest condition, if they are few.
    pub(super) async fn rarest<'a>(
        &self,
        filter: &'a RequestFilter,
        words: &Words,
    ) -> Result<Option<Few<'a>>> {
        let asked = Condition::ALL.into_iter().filter(|one| one.is_asked(filter, words));
        let asked: Vec<_> = asked.map(|condition| Few { condition, filter }).collect();
        let Some(statement) = counts(&asked) else { return Ok(None) };
        let found: Vec<(i64, i64)> = self.list(&statement, CANNOT).await?;
        let few = found.into_iter().filter(|(_, count)| *count <= i64::from(MAX_FEW));
        let rarest = few.min_by_key(|(_, count)| *count);
        Ok(rarest.and_then(|(number, _)| asked.get(usize::try_from(number).ok()?).copied()))
    }
}
