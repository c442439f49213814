//! What a search document was made of, read back from the bodies: only what is new in a request, so
//! the length of a conversation does not matter.

use duplicate::duplicate_item;
use nexus_messages::{Answer, Request, decode::decode, searchable};
use sqlx::{FromRow, Postgres, Sqlite};
use uuid::Uuid;

use super::statement::{Statement, Value};
use crate::{
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

/// The last messages of requests that were cut.
const TAILS: &str = "\
    WITH RECURSIVE tail (document_id, exchange_id, parent_id, segment_id, depth) AS ( \
        SELECT d.document_id, d.exchange_id, n.parent_id, n.segment_id, CAST(1 AS BIGINT) \
        FROM search_documents d JOIN payloads p ON p.exchange_id = d.exchange_id \
        JOIN nodes n ON n.node_id = p.request_node WHERE d.part = 'request' AND ";
const TAIL_SEGMENTS: &str = " \
        UNION ALL SELECT t.document_id, t.exchange_id, n.parent_id, n.segment_id, t.depth + 1 \
        FROM tail t JOIN nodes n ON n.node_id = t.parent_id WHERE t.depth < ?) \
    SELECT t.document_id, t.exchange_id, CAST('request' AS TEXT) AS part, t.depth, s.data, \
        CAST(NULL AS BYTEA) AS header_set, CAST(NULL AS BYTEA) AS header_values \
    FROM tail t JOIN segments s ON s.segment_id = t.segment_id";

/// Bodies that were not cut: answers, and requests that were compressed for instance.
const WHOLE_REQUESTS: &str = " UNION ALL \
    SELECT d.document_id, d.exchange_id, d.part, 0, s.data, h.data, p.request_header_values \
    FROM search_documents d JOIN payloads p ON p.exchange_id = d.exchange_id \
    JOIN segments s ON s.segment_id = p.request_segment \
    LEFT JOIN header_sets h ON h.header_set_id = p.request_header_set \
    WHERE d.part = 'request' AND p.request_node IS NULL AND ";
const ANSWERS: &str = " UNION ALL \
    SELECT d.document_id, d.exchange_id, d.part, 0, s.data, h.data, p.response_header_values \
    FROM search_documents d JOIN payloads p ON p.exchange_id = d.exchange_id \
    JOIN segments s ON s.segment_id = p.response_segment \
    LEFT JOIN header_sets h ON h.header_set_id = p.response_header_set \
    WHERE d.part = 'response' AND ";

/// The text of a search document.
#[derive(Debug)]
pub(super) struct Text {
    pub document_id: i64,
    pub exchange_id: Uuid,
    pub content: String,
}

/// A part of a body.
#[derive(Debug, FromRow)]
struct SegmentRow {
    document_id: i64,
    exchange_id: Uuid,
    /// `request` or `response`.
    part: String,
    /// Which message of a history it is, counted from its end; 0 for a whole body.
    depth: i64,
    data: Vec<u8>,
    header_set: Option<Vec<u8>>,
    header_values: Option<Vec<u8>>,
}

/// All that the documents are made of, each in the order of its history.
fn segments(documents: &[i64]) -> Statement {
    const DOCUMENT: &str = "d.document_id";
    let ids = || documents.iter().map(|id| Value::from(*id));
    let mut statement = Statement::new(TAILS);
    statement.push_in(DOCUMENT, ids()).push(TAIL_SEGMENTS, [TAIL.into()]);
    for whole in [WHOLE_REQUESTS, ANSWERS] {
        statement.push(whole, []).push_in(DOCUMENT, ids());
    }
    statement.push(" ORDER BY 1, 4 DESC", []);
    statement
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// The texts of those documents whose bodies are kept.
    pub(super) async fn texts(&self, documents: &[i64]) -> Result<Vec<Text>> {
        let rows: Vec<SegmentRow> = self.list(&segments(documents), CANNOT).await?;
        let mut texts = Vec::with_capacity(documents.len());
        for of_one in rows.chunk_by(|one, next| one.document_id == next.document_id) {
            let SegmentRow { document_id, exchange_id, .. } = of_one[0];
            if let Some(content) = text(of_one)? {
                texts.push(Text { document_id, exchange_id, content });
            }
        }
        Ok(texts)
    }
}

/// `None` where a body is no request.
fn text(of_one: &[SegmentRow]) -> Result<Option<String>> {
    match &of_one[0] {
        answer if answer.part == "response" => answer_text(answer).map(Some),
        request if request.depth == 0 => whole_request_text(request),
        _last_messages => new_text(of_one.iter().map(|row| &row.data[..])).map(Some),
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

fn whole_request_text(row: &SegmentRow) -> Result<Option<String>> {
    let headers = joined_headers(row.header_set.as_deref(), row.header_values.as_deref())?;
    let body = unpacked(&row.data)?;
    let coding = headers.as_ref().and_then(|headers| headers.get("content-encoding"));
    let body = decode(coding, &body, MAX_BODY).bytes;
    Ok(Request::parse(&body).ok().map(|request| searchable::of_request(&request)))
}

fn answer_text(row: &SegmentRow) -> Result<String> {
    let headers = joined_headers(row.header_set.as_deref(), row.header_values.as_deref())?;
    let headers = headers.unwrap_or_default();
    let body = unpacked(&row.data)?;
    let body = decode(headers.get("content-encoding"), &body, MAX_BODY).bytes;
    let answer = Answer::read(headers.get("content-type"), &body);
    Ok(searchable::of_answer(&answer))
}

fn unpacked(data: &[u8]) -> Result<Vec<u8>> {
    packed::unpack(data).map_err(|error| StoreError::Corrupt(format!("segments.data: {error}")))
}
