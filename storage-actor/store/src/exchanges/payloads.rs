//! What an exchange's bodies and headers are made of.

use std::collections::{BTreeMap, HashMap};

use duplicate::duplicate_item;
use sqlx::{Database, Postgres, Sqlite};
use uuid::Uuid;

use super::{
    headers::{self, Split},
    part::{ExchangePart, Facts},
};
use crate::{
    bodies::{StoredBody, Writer, packed},
    bulk,
    engine::SqlStore,
    error::{Context, Result},
    sql::{QueryBuilder, Separated},
    table,
};

/// A half whose payload is to be written.
pub(super) struct PayloadPart<'a> {
    part: &'a ExchangePart,
    at: i64,
    body: Option<StoredBody>,
    headers: Split,
    header_set: i64,
}

/// What a batch has of one exchange.
#[derive(Default)]
struct Halves<'a> {
    id: Uuid,
    at: i64,
    request: Option<&'a PayloadPart<'a>>,
    response: Option<&'a PayloadPart<'a>>,
}

const FIND_SETS: &str = "SELECT hash, header_set_id FROM header_sets WHERE hash IN";
const INSERT_SETS: &str = "INSERT INTO header_sets (header_set_id, hash, data) ";

const KEY: &[&str] = &["exchange_id", "at"];
const REQUEST: &[&str] = &[
    "request_frame",
    "request_node",
    "request_segment",
    "request_bytes",
    "request_sha256",
    "request_header_set",
    "request_header_values",
];
const RESPONSE: &[&str] = &[
    "response_segment",
    "response_bytes",
    "response_sha256",
    "response_header_set",
    "response_header_values",
];

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    /// Writes bodies, headers and payload rows of `parts`, each with its exchange's time.
    pub(super) async fn write_payloads(
        connection: &mut <Engine as Database>::Connection,
        writer: &mut Writer<'_>,
        parts: &[(&ExchangePart, i64)],
    ) -> Result<()> {
        let bodies: Vec<_> = parts.iter().filter_map(|(part, _)| part.body.as_ref()).collect();
        let mut stored = Self::write_bodies(connection, writer, &bodies).await?.into_iter();
        let mut rows = Vec::with_capacity(parts.len());
        for (part, at) in parts {
            let body = if part.body.is_some() { stored.next().flatten() } else { None };
            let headers = headers::split(&part.headers)?;
            rows.push(PayloadPart { part, at: *at, body, headers, header_set: 0 });
        }
        Self::write_header_sets(connection, writer, &mut rows).await?;
        let (whole, rest): (Vec<_>, Vec<_>) = by_exchange(&rows)
            .into_iter()
            .partition(|one| one.request.is_some() && one.response.is_some());
        let (requests, responses): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|one| one.request.is_some());
        Self::write_halves(connection, &[KEY, REQUEST, RESPONSE].concat(), &whole).await?;
        Self::write_halves(connection, &[KEY, REQUEST].concat(), &requests).await?;
        Self::write_halves(connection, &[KEY, RESPONSE].concat(), &responses).await
    }

    async fn write_header_sets(
        connection: &mut <Engine as Database>::Connection,
        writer: &mut Writer<'_>,
        rows: &mut [PayloadPart<'_>],
    ) -> Result<()> {
        let missing: Vec<_> = rows
            .iter()
            .map(|row| row.headers.hash.clone())
            .filter(|hash| !writer.knows_headers(hash))
            .collect();
        let mut ids: HashMap<_, _> = Self::find(connection, FIND_SETS, &missing).await?;
        let mut new = Vec::new();
        for row in rows.iter() {
            let hash = &row.headers.hash;
            if !writer.knows_headers(hash) && !ids.contains_key(hash) {
                let id = writer.id();
                ids.insert(hash.clone(), id);
                new.push((id, hash, packed::pack(&row.headers.set)?));
            }
        }
        for some in new.chunks(bulk::rows(3)) {
            let mut query = QueryBuilder::<Engine>::new(INSERT_SETS);
            query.push_values(some, |mut row, (id, hash, data)| {
                row.push_bind(id).push_bind(*hash).push_bind(data);
            });
            query.push(" ON CONFLICT DO NOTHING");
            query.build().persistent(false).execute(&mut *connection).await.context(INSERT_SETS)?;
        }
        writer.learn_headers(ids);
        for row in rows {
            row.header_set = writer.header_set(&row.headers.hash);
        }
        Ok(())
    }

    /// Writes what there is of exchanges that have the same halves: both in one row.
    async fn write_halves(
        connection: &mut <Engine as Database>::Connection,
        columns: &[&str],
        exchanges: &[Halves<'_>],
    ) -> Result<()> {
        let head = table::insert("payloads", columns);
        let tail = table::or_replace(&["exchange_id"], columns);
        for some in exchanges.chunks(bulk::rows(columns.len())) {
            let mut query = QueryBuilder::<Engine>::new(&head);
            query.push_values(some, |mut row, one| {
                row.push_bind(one.id).push_bind(one.at);
                if let Some(request) = one.request {
                    Self::push_request_half(&mut row, request);
                }
                if let Some(response) = one.response {
                    row.push_bind(segment(response.body));
                    Self::push_any_half(&mut row, response);
                }
            });
            query.push(&tail);
            let query = query.build().persistent(false);
            query.execute(&mut *connection).await.context("payloads cannot be written")?;
        }
        Ok(())
    }

    fn push_request_half(row: &mut Separated<'_, Engine>, half: &PayloadPart<'_>) {
        if let Some(StoredBody::Framed { frame, node }) = half.body {
            row.push_bind(Some(frame)).push_bind(node).push_bind(None::<i64>);
        } else {
            row.push_bind(None::<i64>).push_bind(None::<i64>).push_bind(segment(half.body));
        }
        Self::push_any_half(row, half);
    }

    /// What both halves end in.
    fn push_any_half(row: &mut Separated<'_, Engine>, half: &PayloadPart<'_>) {
        let body = half.part.body.as_ref();
        row.push_bind(body.map(|body| body.bytes));
        row.push_bind(body.map(|body| body.sha256.to_vec()));
        row.push_bind(half.header_set).push_bind(half.headers.values.clone());
    }
}

/// The halves of each exchange; where one is there twice, the later one.
fn by_exchange<'a>(halves: &'a [PayloadPart<'a>]) -> Vec<Halves<'a>> {
    let mut exchanges: BTreeMap<Uuid, Halves<'a>> = BTreeMap::new();
    for half in halves {
        let (id, at) = (half.part.id.0, half.at);
        let exchange =
            exchanges.entry(id).or_insert_with(|| Halves { id, at, ..Halves::default() });
        match half.part.facts {
            Facts::Request(_) => exchange.request = Some(half),
            Facts::Response(_) => exchange.response = Some(half),
        }
    }
    exchanges.into_values().collect()
}

fn segment(body: Option<StoredBody>) -> Option<i64> {
    match body {
        Some(StoredBody::Segment(id)) => Some(id),
        Some(StoredBody::Framed { .. }) | None => None,
    }
}
