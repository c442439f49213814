//! What a search document was made of, read back from the bodies: only what is new in a request, so
//! the length of a conversation does not matter.

use std::collections::HashMap;

use duplicate::duplicate_item;
use nexus_contract::ExchangeId;
use nexus_messages::{Answer, Request, decode::decode, searchable};
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use super::statement::Statement;
use crate::{
    ExchangeStore,
    bodies::packed,
    engine::SqlStore,
    error::{Result, StoreError},
    exchanges::joined_headers,
};

const CANNOT: &str = "the places of searched words cannot be read";

/// How many of a history's last messages are looked at: what a request adds is fewer.
const TAIL: u32 = 8;
/// Bytes that a body may decode to.
const MAX_BODY: usize = 16 << 20;

/// One half of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Half {
    pub exchange_id: Uuid,
    /// `request` or `response`.
    pub part: String,
}

fn tails(ids: &[Uuid]) -> Statement {
    let mut statement = Statement::new(
        "WITH RECURSIVE tail (exchange_id, parent_id, segment_id, depth) AS ( \
            SELECT p.exchange_id, n.parent_id, n.segment_id, CAST(1 AS BIGINT) \
            FROM payloads p JOIN nodes n ON n.node_id = p.request_node WHERE ",
    );
    statement.push_in("p.exchange_id", ids.iter().map(|id| (*id).into()));
    statement.push(
        " UNION ALL SELECT t.exchange_id, n.parent_id, n.segment_id, t.depth + 1 \
            FROM tail t JOIN nodes n ON n.node_id = t.parent_id WHERE t.depth < ?) \
        SELECT t.exchange_id, s.data FROM tail t JOIN segments s ON s.segment_id = t.segment_id \
        ORDER BY t.exchange_id, t.depth DESC",
        [TAIL.into()],
    );
    statement
}

fn answers(ids: &[Uuid]) -> Statement {
    let mut statement = Statement::new(
        "SELECT p.exchange_id, s.data, h.data AS header_set, p.response_header_values \
        FROM payloads p JOIN segments s ON s.segment_id = p.response_segment \
        LEFT JOIN header_sets h ON h.header_set_id = p.response_header_set WHERE ",
    );
    statement.push_in("p.exchange_id", ids.iter().map(|id| (*id).into()));
    statement
}

type AnswerRow = (Uuid, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// The texts of those halves whose bodies are kept.
    pub(super) async fn texts(&self, halves: &[Half]) -> Result<HashMap<Half, String>> {
        let of = |part: &str| -> Vec<Uuid> {
            let halves = halves.iter().filter(|half| half.part == part);
            halves.map(|half| half.exchange_id).collect()
        };
        let (requests, responses) = (of("request"), of("response"));
        let mut texts = HashMap::with_capacity(halves.len());
        for (exchange_id, text) in self.request_texts(&requests).await? {
            texts.insert(Half { exchange_id, part: "request".into() }, text);
        }
        for (exchange_id, text) in self.response_texts(&responses).await? {
            texts.insert(Half { exchange_id, part: "response".into() }, text);
        }
        Ok(texts)
    }

    async fn request_texts(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
        let mut texts = HashMap::with_capacity(ids.len());
        if ids.is_empty() {
            return Ok(texts);
        }
        let rows: Vec<(Uuid, Vec<u8>)> = self.list(&tails(ids), CANNOT).await?;
        for of_one in rows.chunk_by(|one, next| one.0 == next.0) {
            let text = new_text(of_one.iter().map(|(_, data)| &data[..]))?;
            texts.insert(of_one[0].0, text);
        }
        // A body that was not cut, because it was compressed for instance.
        for id in ids {
            if !texts.contains_key(id)
                && let Some(text) = self.whole_request_text(ExchangeId(*id)).await?
            {
                texts.insert(*id, text);
            }
        }
        Ok(texts)
    }

    async fn whole_request_text(&self, id: ExchangeId) -> Result<Option<String>> {
        let Some(payload) = self.find_payload(id).await? else { return Ok(None) };
        let headers = payload.request_headers.unwrap_or_default();
        let body = payload.request_body.unwrap_or_default();
        let body = decode(headers.get("content-encoding"), &body, MAX_BODY).bytes;
        Ok(Request::parse(&body).ok().map(|request| searchable::of_request(&request)))
    }

    async fn response_texts(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<AnswerRow> = self.list(&answers(ids), CANNOT).await?;
        rows.into_iter().map(answer_text).collect()
    }
}

/// Of the last messages of a history, each stored with the comma before it.
fn new_text<'a>(segments: impl Iterator<Item = &'a [u8]>) -> Result<String> {
    let mut body = b"{\"messages\":[".to_vec();
    for (index, segment) in segments.enumerate() {
        let message = unpacked(segment)?;
        let message = message.trim_ascii_start();
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(message.strip_prefix(b",").unwrap_or(message));
    }
    body.extend_from_slice(b"]}");
    let request = Request::parse(&body);
    Ok(request.map(|request| searchable::of_request(&request)).unwrap_or_default())
}

fn answer_text((id, data, set, values): AnswerRow) -> Result<(Uuid, String)> {
    let headers = joined_headers(set.as_deref(), values.as_deref())?.unwrap_or_default();
    let body = unpacked(&data)?;
    let body = decode(headers.get("content-encoding"), &body, MAX_BODY).bytes;
    let answer = Answer::read(headers.get("content-type"), &body);
    Ok((id, searchable::of_answer(&answer)))
}

fn unpacked(data: &[u8]) -> Result<Vec<u8>> {
    packed::unpack(data).map_err(|error| StoreError::Corrupt(format!("segments.data: {error}")))
}
