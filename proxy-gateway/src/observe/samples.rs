//! Masked samples of real traffic, one file per request type, for tests of those who build on it.

use std::{collections::HashSet, fs, io, path::PathBuf};

use nexus_contract::mask::mask_secrets;
use nexus_messages::kind::RequestType;
use serde_json::{Value, json};

use super::{
    masked::capped,
    reading::{Bodies, Reading},
};

/// Characters of a body in a sample.
const MAX_BODY: usize = 256 * 1024;

/// Writes the first exchange of each type.
pub struct Samples {
    dir: PathBuf,
    written: HashSet<RequestType>,
}

impl Samples {
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, written: HashSet::new() }
    }

    pub fn collect(&mut self, reading: &Reading<'_>, bodies: &Bodies) {
        if !self.written.insert(reading.kind) {
            return;
        }
        if let Err(error) = self.write(reading, bodies) {
            tracing::warn!(%error, dir = %self.dir.display(), "a sample could not be written");
        }
    }

    fn write(&self, reading: &Reading<'_>, bodies: &Bodies) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let report = reading.report;
        let sample = json!({
            "type": reading.kind,
            "request": {
                "path": report.path,
                "headers": report.request_headers,
                "body": masked(&bodies.request),
            },
            "response": {
                "status": report.outcome.status,
                "headers": report.outcome.headers,
                "body": masked(&bodies.answer),
            },
        });
        let text = mask_secrets(&serde_json::to_string_pretty(&sample)?).into_owned();
        fs::write(self.dir.join(format!("{}.json", reading.kind.as_str())), text)
    }
}

/// JSON as JSON, everything else as text; secrets in its strings are gone either way.
fn masked(body: &[u8]) -> Value {
    let text = capped(body, MAX_BODY);
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}
