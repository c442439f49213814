//! The condition of a list that fewest exchanges meet.
//!
//! A list is read in its order and stops when the page is full. Where few exchanges meet a condition,
//! that would end at the oldest of all; these few are looked up instead, and sorted. No engine finds
//! out by itself: the same statement serves every bound. So it is counted before, up to where it is
//! no longer few.

use duplicate::duplicate_item;
use sqlx::{Postgres, Sqlite};

use super::{
    calling::{self, Span},
    conditions::{COST, Conditions, TOTAL_TOKENS},
    names::Names,
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
    Model,
    /// By its number in the search.
    Tool(usize),
}

impl Condition {
    const SINGLE: [Self; 6] =
        [Self::Tokens, Self::Cost, Self::Time, Self::Conversation, Self::Analysis, Self::Model];

    fn all_asked(filter: &RequestFilter, names: &Names, words: &Words) -> Vec<Self> {
        let tools = (0..names.tools.as_ref().map_or(0, Vec::len)).map(Self::Tool);
        let all = Self::SINGLE.into_iter().chain(tools);
        all.filter(|one| one.is_asked(filter, names, words)).collect()
    }

    /// Whether a list would not begin with it anyway: without words, lists walk a stretch of time or a
    /// conversation.
    fn is_asked(self, filter: &RequestFilter, names: &Names, words: &Words) -> bool {
        let search = &filter.search;
        let times = [filter.from, filter.to, search.from, search.to];
        let in_conversation = filter.conversation_id.is_some();
        match self {
            Self::Tokens => !search.tokens.is_empty(),
            Self::Cost => !search.cost.is_empty(),
            Self::Time => !words.is_none() && times.iter().any(Option::is_some),
            Self::Conversation => !words.is_none() && in_conversation,
            Self::Analysis => search.has.contains(&Has::Analysis),
            Self::Model => !in_conversation && names.newest().is_some(),
            Self::Tool(_) => !in_conversation,
        }
    }

    const fn max(self) -> u32 {
        match self {
            Self::Tool(_) => calling::MAX_FEW,
            _others => MAX_FEW,
        }
    }
}

/// The few exchanges that meet one condition of a filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Few<'a> {
    condition: Condition,
    filter: &'a RequestFilter,
    names: &'a Names,
    span: Span,
}

impl Few<'_> {
    /// Adds a statement that gives their `exchange_id`.
    pub(super) fn push_exchanges(&self, statement: &mut Statement) {
        self.push(statement, "SELECT e.exchange_id FROM exchanges e");
        // Tells PostgreSQL that they are few, and leaves room for those that come meanwhile.
        statement.push(" LIMIT ?", [(2 * self.condition.max()).into()]);
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
            Condition::Model => {
                let models = self.names.models.iter().flatten();
                let models = models.map(|(name, _)| name.as_str().into());
                statement.push(" AND ", []).push_in("e.model", models);
            }
            Condition::Tool(number) => {
                let names = self.names.tools.iter().flatten().nth(number);
                calling::push(statement, select, names.map_or(&[], Vec::as_slice), self.span);
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
        statement.push(" LIMIT ?) t", [(few.condition.max() + 1).into()]);
    }
    (!conditions.is_empty()).then_some(statement)
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// The exchanges of the filter's rarest condition, if they are few.
    pub(super) async fn rarest<'a>(
        &self,
        filter: &'a RequestFilter,
        names: &'a Names,
        words: &Words,
        span: Span,
    ) -> Result<Option<Few<'a>>> {
        if self.is_short(span).await? {
            return Ok(None);
        }
        let asked = Condition::all_asked(filter, names, words);
        let asked: Vec<_> =
            asked.into_iter().map(|condition| Few { condition, filter, names, span }).collect();
        let Some(statement) = counts(&asked) else { return Ok(None) };
        let found: Vec<(i64, i64)> = self.list(&statement, CANNOT).await?;
        let counted = found.into_iter().filter_map(|(number, count)| {
            asked.get(usize::try_from(number).ok()?).map(|few| (few, count))
        });
        let few = counted.filter(|(few, count)| *count <= i64::from(few.condition.max()));
        Ok(few.min_by_key(|(_, count)| *count).map(|(few, _)| *few))
    }
}
