//! `POST /api/import`: exchanges as JSON Lines into the event stream.

use std::{collections::HashSet, time::Duration};

use actix_web::web::{Data, Payload};
use futures::StreamExt;
use nexus_bus::StreamError;
use nexus_contract::{Event, ExchangeId};
use nexus_messages::line;
use serde::Serialize;

use super::answer::{Answer, json};
use crate::{deps::Dashboard, error::PageError};

/// Bytes of one line; a request of 32 MiB may be twice as long when it is escaped.
const MAX_LINE: usize = 96 * 1024 * 1024;
/// Lines published at once.
const BATCH: usize = 64;
/// Lines that are told about by name; of more, only the number.
const MAX_REJECTED: usize = 1_000;
/// How long one exchange may take to be stored and linked once those before it are.
const PATIENCE: Duration = Duration::from_mins(1);
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LAST_LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
struct Report {
    accepted: u64,
    /// Stored before; they change nothing.
    duplicates: u64,
    rejected: Vec<Rejected>,
    rejected_count: u64,
}

#[derive(Debug, Serialize)]
struct Rejected {
    /// From 1.
    line: u64,
    reason: String,
}

/// Takes the lines as they come and answers when all is stored and linked.
pub async fn import(dashboard: Data<Dashboard>, body: Payload) -> Answer {
    let mut import = Import {
        dashboard: &dashboard,
        report: Report::default(),
        line: 0,
        waiting: Vec::new(),
        published: Vec::new(),
        seen: HashSet::new(),
    };
    let mut rest = Vec::new();
    let mut chunks = body;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| PageError::BadRequest(format!("the body: {error}")))?;
        rest.extend_from_slice(&chunk);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else {
            if rest.len() > MAX_LINE {
                return Err(PageError::BadRequest("a line is longer than 96 MiB".into()));
            }
            continue;
        };
        let tail = rest.split_off(end + 1);
        import.take(&rest).await?;
        rest = tail;
    }
    import.take(&rest).await?;
    import.publish().await?;
    import.settle().await?;
    let Report { accepted, duplicates, rejected, rejected_count } = import.report;
    json(&serde_json::json!({
        "accepted": accepted, "duplicates": duplicates, "rejected": rejected,
        "rejectedCount": rejected_count,
    }))
}

struct Import<'a> {
    dashboard: &'a Dashboard,
    report: Report,
    line: u64,
    waiting: Vec<Event>,
    /// In order.
    published: Vec<ExchangeId>,
    seen: HashSet<ExchangeId>,
}

impl Import<'_> {
    async fn take(&mut self, lines: &[u8]) -> Result<(), PageError> {
        if lines.is_empty() {
            return Ok(());
        }
        let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
        for line in lines.split(|byte| *byte == b'\n') {
            self.line += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            match std::str::from_utf8(line).map_err(|error| error.to_string()).and_then(parsed) {
                Ok(events) => self.accept(events).await?,
                Err(reason) => self.reject(reason),
            }
        }
        Ok(())
    }

    async fn accept(&mut self, (request, response): (Event, Event)) -> Result<(), PageError> {
        let id = request.envelope.id;
        let known = self.dashboard.deps.queries.find_request(id).await?;
        if known.is_some_and(|row| row.state.is_some()) || !self.seen.insert(id) {
            self.report.duplicates += 1;
            return Ok(());
        }
        self.report.accepted += 1;
        self.published.push(id);
        self.waiting.extend([request, response]);
        if self.waiting.len() >= 2 * BATCH { self.publish().await } else { Ok(()) }
    }

    fn reject(&mut self, reason: String) {
        self.report.rejected_count += 1;
        if self.report.rejected.len() < MAX_REJECTED {
            self.report.rejected.push(Rejected { line: self.line, reason });
        }
    }

    async fn publish(&mut self) -> Result<(), PageError> {
        let events = std::mem::take(&mut self.waiting);
        if events.is_empty() {
            return Ok(());
        }
        // Or whoever stores and links would leave out what was erased.
        let ids: Vec<_> = events.iter().map(|event| event.envelope.id).collect();
        self.dashboard.deps.erasures.take_back(&ids).await?;
        let mut pause = FIRST_LOOK;
        loop {
            match self.dashboard.deps.stream.publish(&events).await {
                Ok(()) => return Ok(()),
                // It empties as the consumers go on.
                Err(StreamError::Full) if pause < PATIENCE => tokio::time::sleep(pause).await,
                Err(error) => {
                    tracing::warn!(%error, "imported events cannot be published");
                    return Err(PageError::Unavailable(
                        "the event stream does not take events now",
                    ));
                }
            }
            pause *= 2;
        }
    }

    /// Waits until every exchange is stored with its link.
    async fn settle(&self) -> Result<(), PageError> {
        for id in &self.published {
            tokio::time::timeout(PATIENCE, self.settled(*id)).await.map_err(|_elapsed| {
                PageError::Unavailable(
                    "all lines are taken in, but storing and linking them takes long; it goes on",
                )
            })??;
        }
        Ok(())
    }

    async fn settled(&self, id: ExchangeId) -> Result<(), PageError> {
        let mut pause = FIRST_LOOK;
        loop {
            let row = self.dashboard.deps.queries.find_request(id).await?;
            if row.is_some_and(|row| row.state.is_some() && row.kind.is_some()) {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_LOOK);
        }
    }
}

fn parsed(line: &str) -> Result<(Event, Event), String> {
    line::parse_line(line).map_err(|error| error.to_string())
}
