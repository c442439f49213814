//! `DEBUG`: requests, answers and stream chunks in the log, masked and capped.

use nexus_contract::mask::mask_secrets;

use super::{
    masked::capped,
    reading::{Bodies, Reading},
};

/// Characters of a body, and of one chunk, that are logged.
const MAX_BODY: usize = 4 * 1024;
const MAX_CHUNK: usize = 512;

/// Chunks of one answer that are logged.
const MAX_CHUNKS: usize = 64;

pub fn log(reading: &Reading<'_>, bodies: &Bodies) {
    let report = reading.report;
    let (id, domain) = (report.id, &report.domain);
    tracing::info!(
        exchange = %id,
        %domain,
        path = report.path,
        headers = ?report.request_headers,
        body = capped(&bodies.request, MAX_BODY),
        "request",
    );
    let text = reading.answer.text();
    let shows_chunks =
        !holds_secret(&text) && !holds_secret(&String::from_utf8_lossy(&bodies.answer));
    for (number, chunk) in report.answer.iter().take(MAX_CHUNKS).enumerate() {
        // A secret may lie across the seam of two chunks, each part looking harmless.
        let body = if shows_chunks { capped(chunk, MAX_CHUNK) } else { "[masked]".to_owned() };
        tracing::info!(exchange = %id, number, bytes = chunk.len(), body, "chunk");
    }
    // The same holds for the events of a stream: then the text that they make up is shown instead.
    let body = if holds_secret(&text) { text.as_bytes() } else { &bodies.answer };
    tracing::info!(
        exchange = %id,
        status = report.outcome.status,
        state = report.outcome.state.as_str(),
        duration_ms = report.outcome.duration_ms,
        headers = ?report.outcome.headers,
        body = capped(body, MAX_BODY),
        "answer",
    );
}

fn holds_secret(text: &str) -> bool {
    matches!(mask_secrets(text), std::borrow::Cow::Owned(_))
}
