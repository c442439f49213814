//! Writes the differences, in the caller's transaction.

use std::collections::BTreeSet;

use duplicate::duplicate_item;
use sqlx::{AssertSqlSafe, Database, Postgres, Sqlite};

use super::{
    buckets::{self, BucketDeltas},
    conversations::{self, ConversationDeltas, ValueDeltas},
};
use crate::{
    bulk,
    dialect::Dialect,
    engine::SqlStore,
    error::{Context, Result},
    exchanges::ExchangeRow,
    sql::{self, QueryBuilder},
    table,
    usage::UsageRow,
};

/// What becomes of one exchange.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub old: &'a ExchangeRow,
    pub new: &'a ExchangeRow,
    pub old_usage: Option<&'a UsageRow>,
    pub new_usage: Option<&'a UsageRow>,
}

/// What is no sum of a conversation, in one pass over its values and in a step or two by the index on
/// (conversation, time), however long it is.
///
/// Its domain is that of any of its exchanges; links never cross domains unless the session is the
/// same.
const REFRESH: &str = "UPDATE conversations SET \
    (domain, accounts, models, branch_count, subtask_count, compact_count) = (SELECT \
        coalesce(min(v.value) FILTER (WHERE v.field = 'domain'), conversations.domain), \
        coalesce(string_agg(v.value || '\n', '' ORDER BY v.value) \
            FILTER (WHERE v.field = 'account'), ''), \
        coalesce(string_agg(v.value || '\n', '' ORDER BY v.value) \
            FILTER (WHERE v.field = 'model'), ''), \
        count(*) FILTER (WHERE v.field = 'branch'), \
        count(*) FILTER (WHERE v.field = 'subtask'), \
        count(*) FILTER (WHERE v.field = 'compact') \
        FROM conversation_values v WHERE v.conversation_id = conversations.conversation_id), \
    title = (SELECT e.prompt FROM exchanges e \
        WHERE e.conversation_id = conversations.conversation_id AND e.prompt IS NOT NULL \
        AND e.kind IS DISTINCT FROM 'auxiliary' ORDER BY e.at, e.exchange_id LIMIT 1), \
    first_at = (SELECT e.at FROM exchanges e \
        WHERE e.conversation_id = conversations.conversation_id \
        AND e.kind IS DISTINCT FROM 'auxiliary' ORDER BY e.at, e.exchange_id LIMIT 1), \
    last_at = (SELECT e.at FROM exchanges e \
        WHERE e.conversation_id = conversations.conversation_id \
        AND e.kind IS DISTINCT FROM 'auxiliary' ORDER BY e.at DESC, e.exchange_id DESC LIMIT 1), \
    (latest_id, latest_model, latest_state, latest_preview, message_count, \
        latest_context_tokens) = (SELECT e.exchange_id, coalesce(e.model, e.answer_model), \
        e.state, e.preview, e.message_count, e.input_tokens + coalesce(e.cache_read_tokens, 0) \
            + coalesce(e.cache_creation_5m_tokens, 0) + coalesce(e.cache_creation_1h_tokens, 0) \
        FROM exchanges e WHERE e.conversation_id = conversations.conversation_id \
        AND e.kind IS DISTINCT FROM 'auxiliary' AND coalesce(e.branch_id, '') NOT LIKE 'subtask%' \
        ORDER BY e.at DESC, e.exchange_id DESC LIMIT 1) \
    WHERE conversation_id IN";

const DROP_VALUES: &str = "DELETE FROM conversation_values WHERE count = 0 AND conversation_id IN";
const DROP_CONVERSATIONS: &str =
    "DELETE FROM conversations WHERE request_count = 0 AND conversation_id IN";
/// The widths let the table's key find them.
const DROP_BUCKETS: &str = "DELETE FROM usage_buckets \
    WHERE width_minutes IN (15, 60, 1440) AND requests = 0 AND start IN";

/// Columns of a new conversation that the refresh fills.
const EMPTY: [&str; 6] =
    ["domain", "branch_count", "subtask_count", "compact_count", "accounts", "models"];

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Brings what is summed up from the old rows to the new ones, which are written already.
    pub(crate) async fn materialise(
        connection: &mut <Engine as Database>::Connection,
        changes: &[Change<'_>],
    ) -> Result<()> {
        let (mut sums, mut values, mut buckets) =
            (ConversationDeltas::default(), ValueDeltas::default(), BucketDeltas::default());
        let mut touched = BTreeSet::new();
        for change in changes {
            sums.change(change.old, change.new);
            values.change(change.old, change.new);
            buckets.change(change.old_usage, change.new_usage);
            touched.extend(conversations::conversation(change.old));
            touched.extend(conversations::conversation(change.new));
        }
        Self::add_sums(connection, &sums).await?;
        Self::add_values(connection, &values).await?;
        Self::drop_emptied(connection, &sums, &values).await?;
        let touched: Vec<_> = touched.into_iter().collect();
        Self::execute_for(connection, REFRESH, &touched).await?;
        Self::add_buckets(connection, &buckets).await
    }

    async fn add_sums(
        connection: &mut <Engine as Database>::Connection,
        sums: &ConversationDeltas,
    ) -> Result<()> {
        let key = ["conversation_id"];
        let columns = [&key[..], &conversations::SUMS].concat();
        let head = table::insert("conversations", &[&columns[..], &EMPTY].concat());
        // Also conversations whose sums stay: the row is the lock under which names and ends are
        // refreshed. A refresh that waits for another writer only then reads an old snapshot.
        for rows in sums.touched().chunks(bulk::rows(columns.len() + EMPTY.len())) {
            let mut query = QueryBuilder::<Engine>::new(&head);
            query.push_values(rows, |mut row, (id, sums)| {
                row.push_bind(**id);
                for sum in *sums {
                    row.push_bind(*sum);
                }
                row.push("'', 0, 0, 0, '', ''");
            });
            query.push(table::or_add("conversations", &key, &columns));
            let query = query.build().persistent(false);
            query.execute(&mut *connection).await.context("conversations cannot be summed up")?;
        }
        Ok(())
    }

    async fn add_values(
        connection: &mut <Engine as Database>::Connection,
        values: &ValueDeltas,
    ) -> Result<()> {
        let key = ["conversation_id", "field", "value"];
        let columns = [&key[..], &["count"]].concat();
        let head = table::insert("conversation_values", &columns);
        for rows in values.changes().chunks(bulk::rows(columns.len())) {
            let mut query = QueryBuilder::<Engine>::new(&head);
            query.push_values(rows, |mut row, (key, count)| {
                row.push_bind(key.conversation_id).push_bind(key.field);
                row.push_bind(&key.value).push_bind(count[0]);
            });
            query.push(table::or_add("conversation_values", &key, &columns));
            let query = query.build().persistent(false);
            query
                .execute(&mut *connection)
                .await
                .context("conversation_values cannot be counted")?;
        }
        Ok(())
    }

    async fn add_buckets(
        connection: &mut <Engine as Database>::Connection,
        buckets: &BucketDeltas,
    ) -> Result<()> {
        let changes = buckets.changes();
        if changes.is_empty() {
            return Ok(());
        }
        Self::lock_buckets(connection).await?;
        let columns = [&buckets::KEY[..], &buckets::SUMS].concat();
        let head = table::insert("usage_buckets", &columns);
        for rows in changes.chunks(bulk::rows(columns.len())) {
            let mut query = QueryBuilder::<Engine>::new(&head);
            query.push_values(rows, |mut row, (key, sums)| {
                row.push_bind(key.width_minutes).push_bind(key.start);
                row.push_bind(&key.domain).push_bind(&key.account_id);
                row.push_bind(&key.model).push_bind(&key.request_type);
                for sum in *sums {
                    row.push_bind(*sum);
                }
            });
            query.push(table::or_add("usage_buckets", &buckets::KEY, &columns));
            let query = query.build().persistent(false);
            query.execute(&mut *connection).await.context("usage_buckets cannot be summed up")?;
        }
        let fewer: BTreeSet<_> = buckets.shrinking().map(|key| key.start).collect();
        let fewer: Vec<_> = fewer.into_iter().collect();
        Self::execute_for(connection, DROP_BUCKETS, &fewer).await
    }

    /// Takes the turn of changing `usage_buckets`: what the engine sums up of them by account is not
    /// locked in the order of its keys.
    pub(crate) async fn lock_buckets(
        connection: &mut <Engine as Database>::Connection,
    ) -> Result<()> {
        if !<Engine as Dialect>::LOCK_BUCKETS.is_empty() {
            let turn = sql::query(<Engine as Dialect>::LOCK_BUCKETS);
            turn.execute(&mut *connection).await.context("usage_buckets cannot be locked")?;
        }
        Ok(())
    }

    /// Removes what counts nothing any more, which only something taken away brings about.
    async fn drop_emptied(
        connection: &mut <Engine as Database>::Connection,
        sums: &ConversationDeltas,
        values: &ValueDeltas,
    ) -> Result<()> {
        let fewer: BTreeSet<_> = values.shrinking().map(|key| key.conversation_id).collect();
        let fewer: Vec<_> = fewer.into_iter().collect();
        Self::execute_for(connection, DROP_VALUES, &fewer).await?;
        let fewer: Vec<_> = sums.shrinking().copied().collect();
        Self::execute_for(connection, DROP_CONVERSATIONS, &fewer).await
    }

    /// Runs `statement`, which ends in `IN`, for all `keys`.
    pub(crate) async fn execute_for<K>(
        connection: &mut <Engine as Database>::Connection,
        statement: &'static str,
        keys: &[K],
    ) -> Result<()>
    where
        K: bulk::Key<Engine> + Sync,
    {
        for some in keys.chunks(bulk::KEYS) {
            let mut query = bulk::in_list::<Engine, K>(statement, some, "");
            query.build().execute(&mut *connection).await.context(statement)?;
        }
        Ok(())
    }

    pub(super) async fn execute_all(
        connection: &mut <Engine as Database>::Connection,
        statements: &[String],
    ) -> Result<()> {
        for statement in statements {
            sql::query(AssertSqlSafe(statement.as_str()))
                .execute(&mut *connection)
                .await
                .context("what is summed up cannot be emptied")?;
        }
        Ok(())
    }
}
