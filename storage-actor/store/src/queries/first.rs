//! Searched words in the texts of the first of a list.
//!
//! Where words are not all that is asked, most of their newest places may be of exchanges that the other
//! conditions leave out: tens of thousands would be looked at for a page. So the first of the list that
//! meet these conditions are taken, and the words are looked for in their texts. All places are looked
//! at only where that does not fill the page.

use super::{rarest::Few, statement::Statement, words::Words};

/// Exchanges of a list whose texts are looked into first: so many take a few hundredths of a second.
const MAX_EXCHANGES: u32 = 2_000;

/// The same of conversations, which have some dozens of exchanges each.
const MAX_CONVERSATIONS: u32 = 80;

/// PostgreSQL takes a number that it can't see for a tenth of all: so it walks the list to there. Of one
/// that is more than it thinks there are, it would sort all that meets the conditions.
const LIMIT: &str = " LIMIT (SELECT CAST(? AS BIGINT))";

const OF_EXCHANGES: &str =
    " FROM candidates c CROSS JOIN search_documents d WHERE d.exchange_id = c.exchange_id";

/// CROSS has SQLite begin with the conversations.
const OF_CONVERSATIONS: &str = ", c.conversation_id FROM candidates c CROSS JOIN exchanges e \
    CROSS JOIN search_documents d \
    WHERE e.conversation_id = c.conversation_id AND d.exchange_id = e.exchange_id";

/// Whether the first conversations of a list can fill a page that ends behind so many.
pub(super) fn may_fill(wanted: i64) -> bool {
    wanted <= i64::from(MAX_CONVERSATIONS)
}

/// Adds a statement that gives those of a few exchanges that have the words.
pub(super) fn push_few(statement: &mut Statement, words: &Words, few: Few<'_>) {
    push_texts(statement, words, OF_EXCHANGES, |statement| few.push_exchanges(statement));
    statement.push(" SELECT t.exchange_id FROM texts t WHERE ", []);
    words.push_text_condition(statement);
}

/// Adds a statement that gives exchanges with the words: those among the first that `push_candidates`
/// adds a statement for, and all of them where these are fewer than wanted.
pub(super) fn push_exchanges(
    statement: &mut Statement,
    words: &Words,
    wanted: i64,
    push_candidates: impl FnOnce(&mut Statement),
    push_conditions: impl FnOnce(&mut Statement),
) {
    push_texts(statement, words, OF_EXCHANGES, |statement| {
        push_candidates(statement);
        statement.push(LIMIT, [MAX_EXCHANGES.into()]);
    });
    statement.push(", first AS MATERIALIZED (", []);
    statement.push("SELECT DISTINCT t.exchange_id FROM texts t WHERE ", []);
    words.push_text_condition(statement);
    statement.push(") SELECT exchange_id FROM first UNION ALL SELECT e.exchange_id FROM (", []);
    words.push_places(statement);
    statement.push(") p CROSS JOIN exchanges e WHERE e.exchange_id = p.exchange_id", []);
    push_where_not_enough(statement, MAX_EXCHANGES, wanted);
    push_conditions(statement);
}

/// The same for conversations, each with its newest place; of all, whatever their conditions.
pub(super) fn push_conversations(
    statement: &mut Statement,
    words: &Words,
    wanted: i64,
    push_candidates: impl FnOnce(&mut Statement),
) {
    push_texts(statement, words, OF_CONVERSATIONS, |statement| {
        push_candidates(statement);
        statement.push(LIMIT, [MAX_CONVERSATIONS.into()]);
    });
    statement.push(
        ", first AS MATERIALIZED (SELECT t.conversation_id, MAX(t.document_id) AS document_id \
         FROM texts t WHERE ",
        [],
    );
    words.push_text_condition(statement);
    statement.push(
        " GROUP BY t.conversation_id) \
         SELECT n.conversation_id, MAX(n.document_id) AS document_id FROM (\
         SELECT conversation_id, document_id FROM first UNION ALL \
         SELECT e.conversation_id, p.document_id FROM (",
        [],
    );
    words.push_places(statement);
    statement.push(") p JOIN exchanges e ON e.exchange_id = p.exchange_id WHERE TRUE", []);
    push_where_not_enough(statement, MAX_CONVERSATIONS, wanted);
    statement.push(") n GROUP BY n.conversation_id", []);
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

/// Neither engine looks at a single place where this does not hold.
fn push_where_not_enough(statement: &mut Statement, max_candidates: u32, wanted: i64) {
    statement.push(
        " AND (SELECT COUNT(*) FROM candidates) >= ? AND (SELECT COUNT(*) FROM first) < ?",
        [max_candidates.into(), wanted.into()],
    );
}
