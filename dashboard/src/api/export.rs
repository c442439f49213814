//! Lists as files: CSV and JSON Lines, page by page as they are sent.

use std::{collections::VecDeque, sync::Arc};

use actix_web::{
    HttpResponse,
    http::header,
    web::{Bytes, Data},
};
use futures::stream;
use nexus_store::queries::{Cursor, Paging, RequestFilter};
use serde_json::{Value, json};

use super::{answer::Answer, csv, params::Params, requests, usage};
use crate::{deps::Dashboard, error::PageError};

const REQUEST_COLUMNS: [&str; 24] = [
    "requestId",
    "externalId",
    "timestamp",
    "domain",
    "accountId",
    "model",
    "requestType",
    "state",
    "responseStatus",
    "inputTokens",
    "outputTokens",
    "cacheReadTokens",
    "cacheCreationTokens",
    "costUsd",
    "durationMs",
    "firstTokenMs",
    "conversationId",
    "branchId",
    "kind",
    "parentRequestId",
    "parentTaskRequestId",
    "toolNames",
    "stopReason",
    "preview",
];

const USAGE_COLUMNS: [&str; 12] = [
    "date",
    "accountId",
    "domain",
    "model",
    "totalRequests",
    "errorCount",
    "totalInputTokens",
    "totalOutputTokens",
    "totalCacheReadTokens",
    "totalCacheCreationTokens",
    "totalTokens",
    "costUsd",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Lines,
}

impl Format {
    fn of(params: &Params) -> Result<Self, PageError> {
        let format = params.read("format", "csv or jsonl", |name| match name {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::Lines),
            _other => None,
        })?;
        Ok(format.unwrap_or(Self::Csv))
    }

    fn head(self, columns: &[&str]) -> String {
        if self == Self::Csv { csv::head(columns) } else { String::new() }
    }

    fn line(self, row: &Value, columns: &[&str]) -> String {
        if self == Self::Csv { csv::line(row, columns) } else { format!("{row}\n") }
    }

    fn answer(self, name: &str) -> actix_web::HttpResponseBuilder {
        let (kind, ending) = match self {
            Self::Csv => ("text/csv; charset=utf-8", "csv"),
            Self::Lines => ("application/x-ndjson", "jsonl"),
        };
        let mut answer = HttpResponse::Ok();
        let file = format!("attachment; filename=\"nexus-{name}.{ending}\"");
        answer.content_type(kind).insert_header((header::CONTENT_DISPOSITION, file));
        answer
    }
}

/// `/api/token-usage/export`: the daily rows.
pub async fn usage(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let format = Format::of(&params)?;
    let rows = usage::days(&dashboard, &params).await?;
    let mut text = format.head(&USAGE_COLUMNS);
    text.extend(rows.iter().map(|row| format.line(&json!(row), &USAGE_COLUMNS)));
    Ok(format.answer("usage").body(text))
}

/// `/api/requests/export`: every request of the filter, newest first.
pub async fn requests(dashboard: Data<Dashboard>, params: Params) -> Answer {
    let format = Format::of(&params)?;
    let walk = Walk {
        filter: requests::filter(&params)?,
        format,
        dashboard: dashboard.into_inner(),
        next: Next::First,
        ready: VecDeque::from([Bytes::from(format.head(&REQUEST_COLUMNS))]),
    };
    let chunks = stream::try_unfold(walk, |mut walk| async move {
        Ok::<_, PageError>(walk.chunk().await?.map(|chunk| (chunk, walk)))
    });
    Ok(format.answer("requests").streaming(chunks))
}

/// A walk over all pages of a list. Only one page is held at a time.
struct Walk {
    filter: RequestFilter,
    format: Format,
    dashboard: Arc<Dashboard>,
    next: Next,
    ready: VecDeque<Bytes>,
}

#[derive(Clone, Copy)]
enum Next {
    First,
    After(Cursor),
    Nothing,
}

impl Walk {
    async fn chunk(&mut self) -> Result<Option<Bytes>, PageError> {
        if let Some(chunk) = self.ready.pop_front().filter(|chunk| !chunk.is_empty()) {
            return Ok(Some(chunk));
        }
        // A page of a search may be empty, and the next one not.
        loop {
            let cursor = match self.next {
                Next::First => None,
                Next::After(cursor) => Some(cursor),
                Next::Nothing => return Ok(None),
            };
            let text = self.page(cursor).await?;
            if !text.is_empty() {
                return Ok(Some(text.into()));
            }
        }
    }

    async fn page(&mut self, cursor: Option<Cursor>) -> Result<String, PageError> {
        let paging = Paging { limit: Paging::MAX, cursor, offset: 0 };
        let page = self.dashboard.deps.queries.list_requests(&self.filter, &paging).await?;
        self.next = page.next_cursor.map_or(Next::Nothing, Next::After);
        let lines = page.items.iter().map(|row| self.format.line(&json!(row), &REQUEST_COLUMNS));
        Ok(lines.collect())
    }
}
