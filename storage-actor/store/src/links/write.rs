//! Writes rows of the link tables, many in one statement.

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_linking::{Exchange, Hash, Link, Moment, cache::Pending};
use sqlx::{Postgres, Sqlite};

use super::{
    index::SqlIndex,
    row::{bytes, text},
    stored,
};
use crate::{
    bulk,
    error::{Context, Result},
    sql::{QueryBuilder, Separated},
    table,
};

const FACTS: &[&str] = &[
    "exchange_id",
    "at",
    "domain",
    "session_id",
    "agent_id",
    "member",
    "identified",
    "summarises",
    "continues",
    "client",
    "complete",
    "current_hash",
    "length",
    "follow_hash",
    "first_call",
    "thread_of",
    "message_id",
    "summary_probe",
    "request_facts",
    "answer_facts",
];

/// Those of [`FACTS`] that an answer sets where its request is already.
const ANSWER: &[&str] =
    &["complete", "follow_hash", "first_call", "message_id", "summary_probe", "answer_facts"];

const LINKS: &[&str] = &[
    "exchange_id",
    "at",
    "kind",
    "parent_id",
    "task_use_id",
    "task_position",
    "method",
    "confidence",
    "joint_hash",
    "joint_length",
    "joint_tier",
    "reply_hash",
    "reply_call",
    "late",
    "head",
    "step_id",
    "conversation_id",
    "branch_id",
];

const LABELS: &[&str] = &["branch_id", "label"];

const WAITS: &str = "INSERT INTO link_waits (wait_key, at, exchange_id) ";
const WAITED: &str = "DELETE FROM link_waits WHERE exchange_id IN";
const UNLABEL: &str = "DELETE FROM link_labels WHERE branch_id IN";

/// Rows in one statement.
const MAX_ROWS: usize = 128;

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlIndex<'_, Engine> {
    pub(super) async fn write_all(&mut self, pending: Pending<'_>) -> Result<()> {
        self.write_facts(&pending.exchanges, FACTS).await?;
        self.write_facts(&pending.answers, ANSWER).await?;
        self.write_paths(pending.paths).await?;
        self.write_links(&pending.links).await?;
        self.remove_waits(&pending.waited).await?;
        self.write_waits(&pending.waits).await?;
        self.write_labels(&pending.labels).await
    }

    pub(super) async fn put_facts(&mut self, exchange: &Exchange) -> Result<()> {
        self.write_facts(&[exchange], FACTS).await
    }

    /// Makes the rows that are not there, and in those that are sets the columns `set`: an engine
    /// touches every index of a column that it is told to set, and this table has many.
    async fn write_facts(&mut self, exchanges: &[&Exchange], set: &[&str]) -> Result<()> {
        let rows: Vec<_> = exchanges.iter().map(|one| Facts::of(one)).collect::<Result<_>>()?;
        let head = table::insert("link_facts", FACTS);
        let tail = table::or_replace(&["exchange_id"], set);
        for some in bulk::pieces(&rows, MAX_ROWS) {
            let mut query = QueryBuilder::<Engine>::new(&head);
            query.push_values(some, Self::push_facts);
            self.execute(query.push(&tail)).await?;
        }
        Ok(())
    }

    pub(super) async fn write_links(&mut self, links: &[&Link]) -> Result<()> {
        let (head, tail) = replace("links", "exchange_id", LINKS);
        for some in bulk::pieces(links, MAX_ROWS) {
            let mut query = QueryBuilder::<Engine>::new(&head);
            query.push_values(some, |row, link| Self::push_link(row, link));
            self.execute(query.push(&tail)).await?;
        }
        Ok(())
    }

    pub(super) async fn remove_waits(&mut self, ids: &[ExchangeId]) -> Result<()> {
        self.remove(WAITED, ids).await
    }

    pub(super) async fn write_waits(&mut self, waits: &[(Moment, Vec<Hash>)]) -> Result<()> {
        let rows = waits.iter().flat_map(|(at, keys)| keys.iter().map(move |key| (*at, *key)));
        let rows: Vec<_> = rows.collect();
        for some in bulk::pieces(&rows, MAX_ROWS) {
            let mut query = QueryBuilder::<Engine>::new(WAITS);
            query.push_values(some, |mut row, (moment, key)| {
                row.push_bind(bytes(*key)).push_bind(moment.at).push_bind(moment.id.0);
            });
            self.execute(query.push(" ON CONFLICT DO NOTHING")).await?;
        }
        Ok(())
    }

    pub(super) async fn write_labels(
        &mut self,
        labels: &[(ExchangeId, Option<String>)],
    ) -> Result<()> {
        let named = labels.iter().filter_map(|(id, label)| Some((*id, label.clone()?)));
        let named: Vec<_> = named.collect();
        let nameless = labels.iter().filter(|(_, label)| label.is_none()).map(|(id, _)| *id);
        self.remove(UNLABEL, &nameless.collect::<Vec<_>>()).await?;
        let (head, tail) = replace("link_labels", "branch_id", LABELS);
        for some in bulk::pieces(&named, MAX_ROWS) {
            let mut query = QueryBuilder::<Engine>::new(&head);
            query.push_values(some, |mut row, (id, label)| {
                row.push_bind(id.0).push_bind(label.clone());
            });
            self.execute(query.push(&tail)).await?;
        }
        Ok(())
    }

    async fn remove(&mut self, statement: &str, ids: &[ExchangeId]) -> Result<()> {
        for some in ids.chunks(bulk::KEYS) {
            let keys: Vec<_> = some.iter().map(|id| id.0).collect();
            self.execute(&mut bulk::in_list::<Engine, _>(statement, &keys, "")).await?;
        }
        Ok(())
    }

    pub(super) async fn execute(&mut self, query: &mut QueryBuilder<Engine>) -> Result<()> {
        query
            .build()
            .execute(&mut *self.connection)
            .await
            .context("links and their facts cannot be written")?;
        Ok(())
    }

    /// Binds the columns of [`FACTS`].
    fn push_facts(mut row: Separated<'_, Engine>, facts: &Facts<'_>) {
        let exchange = facts.exchange;
        let (request, answer) = (exchange.request.as_ref(), exchange.answer.as_ref());
        let place = exchange.place;
        row.push_bind(exchange.id.0)
            .push_bind(request.map(|request| request.moment.at))
            .push_bind(request.map(|request| text(&request.domain)))
            .push_bind(request.and_then(|request| request.session.as_deref()).map(text))
            .push_bind(request.and_then(|request| request.agent.as_deref()).map(text))
            .push_bind(request.is_some_and(|request| request.member))
            .push_bind(request.is_some_and(|request| request.identified))
            .push_bind(request.is_some_and(|request| request.summarises))
            .push_bind(request.is_some_and(|request| request.continues))
            .push_bind(request.map(|request| text(&request.client)))
            .push_bind(exchange.is_complete())
            .push_bind(place.map(|place| bytes(place.current)))
            .push_bind(place.map(|place| i64::from(place.length)))
            .push_bind(exchange.follow.map(bytes))
            .push_bind(exchange.first_call().map(|call| text(call)))
            .push_bind(request.and_then(|request| request.thread.as_deref()).map(text))
            .push_bind(answer.and_then(|answer| answer.message_id.as_deref()).map(text))
            .push_bind(exchange.summary().map(bytes))
            .push_bind(facts.request.clone())
            .push_bind(facts.answer.clone());
    }

    /// Binds the columns of [`LINKS`].
    fn push_link(mut row: Separated<'_, Engine>, link: &Link) {
        let edge = &link.edge;
        let (task, joint) = (edge.parent_task.as_ref(), edge.joint.as_ref());
        row.push_bind(link.moment.id.0)
            .push_bind(link.moment.at)
            .push_bind(edge.kind.as_str())
            .push_bind(edge.parent.map(|parent| parent.0))
            .push_bind(task.map(|task| text(&task.tool_use_id)))
            .push_bind(task.map(|task| i64::from(task.position)))
            .push_bind(edge.method.as_str())
            .push_bind(i64::from(edge.method.confidence()))
            .push_bind(joint.map(|joint| bytes(joint.hash)))
            .push_bind(joint.map(|joint| i64::from(joint.length)))
            .push_bind(joint.map(|joint| joint.tier.as_str()))
            .push_bind(joint.and_then(|joint| joint.reply.hash).map(bytes))
            .push_bind(joint.and_then(|joint| joint.reply.call.as_deref()).map(text))
            .push_bind(joint.is_some_and(|joint| joint.late))
            .push_bind(edge.head)
            .push_bind(link.step.0)
            .push_bind(link.conversation.map(|id| id.0))
            .push_bind(link.branch.map(|id| id.0));
    }
}

/// What is stored of an exchange, its facts packed.
struct Facts<'a> {
    exchange: &'a Exchange,
    request: Option<Vec<u8>>,
    answer: Option<Vec<u8>>,
}

impl<'a> Facts<'a> {
    fn of(exchange: &'a Exchange) -> Result<Self> {
        let request = exchange.request.as_ref();
        let answer = exchange.answer.as_ref();
        let answer = answer.map(|answer| stored::pack_answer(answer, request)).transpose()?;
        let request = request.map(stored::pack_request).transpose()?;
        Ok(Self { exchange, request, answer })
    }
}

/// Begin and end of a statement that puts rows in place of those with the same key.
fn replace(name: &str, key: &str, columns: &[&str]) -> (String, String) {
    (table::insert(name, columns), table::or_replace(&[key], columns))
}
