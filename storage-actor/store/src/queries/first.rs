//! Searched words in the texts of the first of a list.

use super::{
    rarest::Few,
    statement::{Statement, Value},
    walk::Step,
    words::Words,
};

/// PostgreSQL takes a number that it can't see for a tenth of all: so it walks the list to there. Of one
/// that is more than it thinks there are, it would sort all that meets the conditions.
const LIMIT: &str = " LIMIT (SELECT CAST(? AS BIGINT))";

const OF_FEW: &str =
    " FROM candidates c CROSS JOIN search_documents d WHERE d.exchange_id = c.exchange_id";

/// Candidates have an `id`, and their `value` in the list's order.
const OF_EXCHANGES: &str = ", c.id, c.value FROM candidates c CROSS JOIN search_documents d \
    WHERE d.exchange_id = c.id";

/// CROSS has SQLite begin with the conversations.
const OF_CONVERSATIONS: &str = ", c.id, c.value FROM candidates c CROSS JOIN exchanges e \
    CROSS JOIN search_documents d \
    WHERE e.conversation_id = c.id AND d.exchange_id = e.exchange_id";

/// Those with the words, the first of the list, and the candidate that the step ends with if there may
/// be more behind it.
const HITS: &str = " GROUP BY t.id, t.value ORDER BY t.value DESC, t.id DESC LIMIT ?) f \
    UNION ALL SELECT l.id, l.value, CAST(NULL AS BIGINT) FROM ( \
        SELECT c.id, c.value FROM candidates c ORDER BY c.value, c.id LIMIT 1) l \
    WHERE (SELECT COUNT(*) FROM candidates) >= ?";

/// Adds a statement that gives those of a few exchanges that have the words.
pub(super) fn push_few(statement: &mut Statement, words: &Words, few: Few<'_>) {
    push_texts(statement, words, OF_FEW, |statement| few.push_exchanges(statement));
    statement.push(" SELECT t.exchange_id FROM texts t WHERE ", []);
    words.push_text_condition(statement);
}

/// One step of a walk through the exchanges that `push_candidates` adds a statement for; its rows are
/// [`Seen`](super::walk::Seen).
pub(super) fn exchanges(
    words: &Words,
    step: Step,
    push_candidates: impl FnOnce(&mut Statement),
) -> Statement {
    walked(words, step, OF_EXCHANGES, push_candidates)
}

/// The same for conversations.
pub(super) fn conversations(
    words: &Words,
    step: Step,
    push_candidates: impl FnOnce(&mut Statement),
) -> Statement {
    walked(words, step, OF_CONVERSATIONS, push_candidates)
}

fn walked(
    words: &Words,
    step: Step,
    of_candidates: &str,
    push_candidates: impl FnOnce(&mut Statement),
) -> Statement {
    let mut statement = Statement::default();
    push_texts(&mut statement, words, of_candidates, |statement| {
        push_candidates(statement);
        statement.push(LIMIT, [step.max.into()]);
    });
    statement.push(
        " SELECT f.id, f.value, f.document_id FROM ( \
         SELECT t.id, t.value, MAX(t.document_id) AS document_id FROM texts t WHERE ",
        [],
    );
    words.push_text_condition(&mut statement);
    let missing = i64::try_from(step.missing).unwrap_or(i64::MAX);
    statement.push(HITS, [Value::Int(missing), step.max.into()]);
    statement
}

fn push_texts(
    statement: &mut Statement,
    words: &Words,
    of_candidates: &str,
    push_candidates: impl FnOnce(&mut Statement),
) {
    statement.push("WITH candidates AS MATERIALIZED (", []);
    push_candidates(statement);
    statement.push("), texts AS MATERIALIZED (SELECT ", []);
    statement.push(words.text(), []).push(of_candidates, []).push(")", []);
}
