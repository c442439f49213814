//! Reads back one exchange.

use async_trait::async_trait;
use duplicate::duplicate_item;
use nexus_contract::{ExchangeId, Headers};
use sqlx::{AssertSqlSafe, Postgres, Sqlite};

use super::{ExchangePart, ExchangeStore, Payload, headers, row::ExchangeRow};
use crate::{
    bodies::BodyRow,
    engine::SqlStore,
    error::{Context, Result},
    table,
};

#[derive(sqlx::FromRow)]
struct PayloadRow {
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

const PAYLOAD: &str = "SELECT p.request_frame, p.request_node, p.request_segment, p.request_bytes, \
    p.request_sha256, q.data AS request_set, p.request_header_values, p.response_segment, \
    p.response_bytes, p.response_sha256, a.data AS response_set, p.response_header_values \
    FROM payloads p LEFT JOIN header_sets q ON q.header_set_id = p.request_header_set \
    LEFT JOIN header_sets a ON a.header_set_id = p.response_header_set WHERE p.exchange_id = $1";

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
        sqlx::query_as(AssertSqlSafe(statement))
            .bind(id.0)
            .fetch_optional(self.read())
            .await
            .context("an exchange cannot be read")
    }

    async fn find_payload(&self, id: ExchangeId) -> Result<Option<Payload>> {
        let mut connection = self.read().acquire().await.context("no connection is free")?;
        let row: Option<PayloadRow> = sqlx::query_as(PAYLOAD)
            .bind(id.0)
            .fetch_optional(&mut *connection)
            .await
            .context("a payload cannot be read")?;
        let Some(row) = row else { return Ok(None) };
        let mut payload = Payload {
            request_headers: joined_headers(
                row.request_set.as_deref(),
                row.request_header_values.as_deref(),
            )?,
            response_headers: joined_headers(
                row.response_set.as_deref(),
                row.response_header_values.as_deref(),
            )?,
            ..Payload::default()
        };
        if let Some(body) = row.request() {
            payload.request_body = Some(Self::read_body(&mut connection, &body).await?.into());
        }
        if let Some(body) = row.response() {
            payload.response_body = Some(Self::read_body(&mut connection, &body).await?.into());
        }
        Ok(Some(payload))
    }

    async fn find_usage(&self, id: ExchangeId) -> Result<Option<String>> {
        let raw: Option<Option<String>> = sqlx::query_scalar(USAGE)
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
