//! Reads back exchanges.

use async_trait::async_trait;
use bytes::Bytes;
use duplicate::duplicate_item;
use nexus_contract::{ExchangeId, Headers};
use sqlx::{AssertSqlSafe, Postgres, Sqlite};
use uuid::Uuid;

use super::{
    ExchangePart, ExchangeStore, MAX_PAYLOADS, Payload, Recorded, headers, row::ExchangeRow,
};
use crate::{
    bodies::BodyRow,
    bulk,
    engine::SqlStore,
    error::{Context, Result},
    sql, table,
};

#[derive(sqlx::FromRow)]
struct PayloadRow {
    exchange_id: Uuid,
    method: Option<String>,
    path: Option<String>,
    request_frame: Option<i64>,
    request_node: Option<i64>,
    request_segment: Option<i64>,
    request_bytes: Option<i64>,
    request_sha256: Option<Vec<u8>>,
    request_set: Option<Vec<u8>>,
    request_header_values: Option<Vec<u8>>,
    response_segment: Option<i64>,
    response_bytes: Option<i64>,
    response_sha256: Option<Vec<u8>>,
    response_set: Option<Vec<u8>>,
    response_header_values: Option<Vec<u8>>,
}

const PAYLOADS: &str = "SELECT p.exchange_id, e.method, e.path, p.request_frame, p.request_node, \
    p.request_segment, p.request_bytes, p.request_sha256, q.data AS request_set, \
    p.request_header_values, p.response_segment, p.response_bytes, p.response_sha256, \
    a.data AS response_set, p.response_header_values \
    FROM payloads p LEFT JOIN exchanges e ON e.exchange_id = p.exchange_id \
    LEFT JOIN header_sets q ON q.header_set_id = p.request_header_set \
    LEFT JOIN header_sets a ON a.header_set_id = p.response_header_set WHERE p.exchange_id IN";

const USAGE: &str = "SELECT u.raw FROM exchanges e \
    JOIN usage u ON u.exchange_id = e.exchange_id AND u.at = e.at WHERE e.exchange_id = $1";

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
#[async_trait]
impl ExchangeStore for SqlStore<Engine> {
    async fn write_exchanges(&self, parts: &[ExchangePart]) -> Result<Vec<ExchangeRow>> {
        self.write_parts(parts).await
    }

    async fn apply_links(&self, ids: &[ExchangeId]) -> Result<Vec<ExchangeRow>> {
        self.take_links(ids).await
    }

    async fn find_exchange(&self, id: ExchangeId) -> Result<Option<ExchangeRow>> {
        let statement = table::select("exchanges", ExchangeRow::COLUMNS) + "exchange_id = $1";
        sql::query_as(AssertSqlSafe(statement))
            .bind(id.0)
            .fetch_optional(self.read())
            .await
            .context("an exchange cannot be read")
    }

    async fn find_payload(&self, id: ExchangeId) -> Result<Option<Payload>> {
        let found = self.list_payloads(&[id]).await?;
        Ok(found.into_iter().next().map(|recorded| recorded.payload))
    }

    async fn list_payloads(&self, ids: &[ExchangeId]) -> Result<Vec<Recorded>> {
        let mut connection = self.read().acquire().await.context("no connection is free")?;
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(MAX_PAYLOADS) {
            let some: Vec<Uuid> = some.iter().map(|id| id.0).collect();
            let rows: Vec<PayloadRow> = bulk::in_list::<Engine, _>(PAYLOADS, &some, "")
                .build_query_as()
                .fetch_all(&mut *connection)
                .await
                .context("payloads cannot be read")?;
            let bodies: Vec<BodyRow> = rows
                .iter()
                .flat_map(|row| row.request().into_iter().chain(row.response()))
                .collect();
            let read = Self::read_bodies(&mut connection, &bodies).await?;
            let mut read = read.into_iter().map(Bytes::from);
            for row in rows {
                found.push(row.recorded(&mut read)?);
            }
        }
        Ok(found)
    }

    async fn find_usage(&self, id: ExchangeId) -> Result<Option<String>> {
        let raw: Option<Option<String>> = sql::query_scalar(USAGE)
            .bind(id.0)
            .fetch_optional(self.read())
            .await
            .context("usage cannot be read")?;
        Ok(raw.flatten())
    }
}

/// Headers as they were, of the two parts in which they are stored.
pub(crate) fn joined_headers(set: Option<&[u8]>, values: Option<&[u8]>) -> Result<Option<Headers>> {
    set.map(|set| headers::join(set, values)).transpose()
}

impl PayloadRow {
    /// Takes its bodies from `read`, the request's first.
    fn recorded(self, read: &mut impl Iterator<Item = Bytes>) -> Result<Recorded> {
        let request_body = self.request().and_then(|_| read.next());
        let response_body = self.response().and_then(|_| read.next());
        let payload = Payload {
            request_headers: joined_headers(
                self.request_set.as_deref(),
                self.request_header_values.as_deref(),
            )?,
            request_body,
            response_headers: joined_headers(
                self.response_set.as_deref(),
                self.response_header_values.as_deref(),
            )?,
            response_body,
        };
        let id = ExchangeId(self.exchange_id);
        Ok(Recorded { id, method: self.method, path: self.path, payload })
    }

    fn request(&self) -> Option<BodyRow> {
        Some(BodyRow {
            frame: self.request_frame,
            node: self.request_node,
            segment: self.request_segment,
            bytes: self.request_bytes?,
            sha256: self.request_sha256.clone()?,
        })
    }

    fn response(&self) -> Option<BodyRow> {
        Some(BodyRow {
            segment: self.response_segment,
            bytes: self.response_bytes?,
            sha256: self.response_sha256.clone()?,
            ..BodyRow::default()
        })
    }
}
