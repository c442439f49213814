//! Conditions that lists share.

use jiff::Timestamp;

use super::{
    statement::{Statement, Value},
    syntax::{Bound, Has, Search},
};

/// All tokens of an exchange, as `exchanges_by_tokens` has them; NULL without usage.
pub(super) const TOTAL_TOKENS: &str = "(e.input_tokens + e.output_tokens + e.cache_read_tokens \
    + e.cache_creation_5m_tokens + e.cache_creation_1h_tokens)";

/// Billionths of a US dollar; NULL without a known price.
pub(super) const COST: &str = "e.cost_nanos";

pub(super) trait Conditions {
    /// `column = value`, where there is a value.
    fn equal(&mut self, column: &str, value: Option<&str>);

    /// From `from` on and before `to`.
    fn between(&mut self, column: &str, from: Option<Timestamp>, to: Option<Timestamp>);

    fn bounds(&mut self, expression: &str, bounds: &[Bound]);

    /// The lower-cased expression contains one of the texts, whatever their case.
    fn contains_any(&mut self, expression: &str, texts: &[String]);

    fn any_of(&mut self, column: &str, texts: &[String]);
}

impl Conditions for Statement {
    fn equal(&mut self, column: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(&format!(" AND {column} = ?"), [value.into()]);
        }
    }

    fn between(&mut self, column: &str, from: Option<Timestamp>, to: Option<Timestamp>) {
        if let Some(from) = from {
            self.push(&format!(" AND {column} >= ?"), [from.as_microsecond().into()]);
        }
        if let Some(to) = to {
            self.push(&format!(" AND {column} < ?"), [to.as_microsecond().into()]);
        }
    }

    fn bounds(&mut self, expression: &str, bounds: &[Bound]) {
        for bound in bounds {
            let operator = bound.comparison.as_str();
            self.push(&format!(" AND {expression} {operator} ?"), [bound.value.into()]);
        }
    }

    fn contains_any(&mut self, expression: &str, texts: &[String]) {
        if texts.is_empty() {
            return;
        }
        self.push(" AND (1 = 0", []);
        for text in texts {
            let sql = format!(" OR lower({expression}) LIKE ? ESCAPE '\\'");
            self.push(&sql, [Value::Text(format!("%{}%", like(text)))]);
        }
        self.push(")", []);
    }

    fn any_of(&mut self, column: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.push(" AND ", []).push_in(column, texts.iter().map(|text| text.as_str().into()));
        }
    }
}

/// What the search field asks of `exchanges e`, but for its words.
pub(super) fn search_conditions(statement: &mut Statement, search: &Search) {
    statement.contains_any("e.model", &search.models);
    statement.any_of("e.account_id", &search.accounts);
    statement.any_of("e.domain", &search.domains);
    for tool in &search.tools {
        let name = Value::Text(format!("%\n{}\n%", like(tool)));
        // The first says what follows from the second, as a partial index says it.
        statement.push(
            " AND e.tool_names IS NOT NULL AND lower('\n' || e.tool_names) LIKE ? ESCAPE '\\'",
            [name],
        );
    }
    statement.bounds(TOTAL_TOKENS, &search.tokens);
    statement.bounds(COST, &search.cost);
    statement.between("e.at", search.from, search.to);
    for has in &search.has {
        statement.push(has_condition(*has), []);
    }
}

const fn has_condition(has: Has) -> &'static str {
    match has {
        // Of one that runs it is not known.
        Has::Error => " AND e.state <> 'completed'",
        Has::Subtask => " AND e.branch_id LIKE 'subtask\\_%' ESCAPE '\\'",
        Has::Branch => " AND e.branch_id LIKE 'branch\\_%' ESCAPE '\\'",
        Has::Compact => " AND e.branch_id LIKE 'compact\\_%' ESCAPE '\\'",
        Has::Analysis => {
            " AND EXISTS (SELECT 1 FROM analyses a WHERE a.conversation_id = e.conversation_id)"
        }
    }
}

/// What the names of such branches begin with.
pub(super) const fn branch_prefix(has: Has) -> Option<&'static str> {
    match has {
        Has::Subtask => Some("subtask_"),
        Has::Branch => Some("branch_"),
        Has::Compact => Some("compact_"),
        Has::Error | Has::Analysis => None,
    }
}

/// Lower case, with what `LIKE` would take for a pattern escaped.
fn like(text: &str) -> String {
    let lower = text.to_lowercase();
    lower.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
