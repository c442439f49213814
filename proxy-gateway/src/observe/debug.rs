//! `DEBUG`: requests, answers and stream chunks in the log, masked and capped.

use nexus_contract::mask::mask_secrets;

use super::report::Report;

/// Bytes of a body, and of one chunk, that are logged.
const MAX_BODY: usize = 4 * 1024;
const MAX_CHUNK: usize = 512;

/// Chunks of one answer that are logged.
const MAX_CHUNKS: usize = 64;

pub fn log(report: &Report) {
    let (id, domain) = (report.id, &report.domain);
    let request = report.request.concat();
    tracing::info!(
        exchange = %id,
        %domain,
        path = %mask_secrets(&report.path),
        headers = ?report.request_headers,
        body = capped(&request, MAX_BODY),
        "request",
    );
    for (number, chunk) in report.answer.iter().take(MAX_CHUNKS).enumerate() {
        tracing::info!(exchange = %id, number, bytes = chunk.len(), body = capped(chunk, MAX_CHUNK), "chunk");
    }
    tracing::info!(
        exchange = %id,
        status = report.outcome.status,
        state = report.outcome.state.as_str(),
        duration_ms = report.outcome.duration_ms,
        headers = ?report.outcome.headers,
        "answer",
    );
}

/// Masked before it is cut, or a cut could leave a part of a secret that no longer looks like one.
fn capped(body: &[u8], max: usize) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(8 * max)]);
    mask_secrets(&text).chars().take(max).collect()
}
