//! Checks of store and event stream.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use nexus_bus::{Connecting, JetStream, NatsConfig};
use nexus_contract::SystemClock;
use secrecy::ExposeSecret;

use super::finding::Finding;
use crate::{
    failure::sentence,
    roles::{nats_config, open_bus, open_store},
    settings::Settings,
};

pub async fn check(settings: &Settings) -> Vec<Finding> {
    vec![store(settings).await, stream(settings).await]
}

/// Opens without migrating, so that a schema that is behind is found, not mended on the quiet.
async fn store(settings: &Settings) -> Finding {
    let file = sqlite_file(settings);
    // A look must not make it: to open a file that is not there creates one without a schema.
    if let Some(file) = file.as_deref().filter(|file| !file.exists()) {
        return missing(file);
    }
    match open_store(settings, false).await {
        Ok(store) => {
            let found = match store.ping().await {
                Ok(()) => {
                    Finding::ok("store", format!("{} answers, schema current", store.engine()))
                }
                Err(error) => Finding::problem("store", error.to_string(), "check the database"),
            };
            store.close().await;
            found
        }
        Err(error) => {
            let error = sentence(&error);
            let mend = store_mend(&error, file.is_none());
            Finding::problem("store", error, mend)
        }
    }
}

fn missing(file: &Path) -> Finding {
    let folder = file.ancestors().skip(1).find(|folder| folder.exists());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    if folder.is_dir() && rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok() {
        return Finding::ok("store", "will be made by nexus up or nexus migrate");
    }
    let mend = "let this user write to its directory, or set DATABASE_URL to another place";
    Finding::problem("store", format!("{} cannot be made", file.display()), mend)
}

/// The file of a SQLite store; `None` where the store is a server.
fn sqlite_file(settings: &Settings) -> Option<PathBuf> {
    let Some(url) = &settings.database_url else {
        return Some(settings.data_dir.join("nexus.sqlite"));
    };
    let rest = url.expose_secret().strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = path.split_once('?').map_or(path, |(path, _parameters)| path);
    Some(path.into())
}

/// The sentence for what the store said when it was opened.
fn store_mend(error: &str, is_server: bool) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["does not know"]) {
        "run the version of Nexus that made the schema, or a newer one"
    } else if says(&["run `nexus migrate`"]) {
        "run nexus migrate"
    } else if says(&["is no store"]) {
        "set DATABASE_URL to sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE"
    } else if says(&["password authentication", "role \""]) {
        "check user and password in DATABASE_URL"
    } else if says(&["database \""]) {
        "create the database, or check its name in DATABASE_URL"
    } else if is_server {
        "check host and port in DATABASE_URL, and whether the database runs"
    } else {
        "check the SQLite file and its directory: both must be this user's"
    }
}

async fn stream(settings: &Settings) -> Finding {
    if settings.nats_url.is_some() {
        return nats(settings).await;
    }
    match open_bus(settings, "nexus doctor", Connecting::AtOnce, Arc::new(SystemClock)).await {
        Ok(bus) => match bus.stream.status().await {
            Ok(status) if status.dead_letters > 0 => Finding::warning(
                "stream",
                format!("{} answers; {} dead letters", status.transport, status.dead_letters),
                "look at them with nexus dead-letters list",
            ),
            Ok(status) => Finding::ok("stream", format!("{} answers", status.transport)),
            Err(error) => Finding::problem("stream", error.to_string(), "check the data directory"),
        },
        Err(error) => not_opened(sentence(&error)),
    }
}

/// The embedded log belongs to the process that runs on the data directory.
fn not_opened(error: String) -> Finding {
    if error.contains("in use by another process") {
        let mend = "none is needed while that is your Nexus; another one needs a NEXUS_DATA_DIR of its own";
        return Finding::warning("stream", error, mend);
    }
    let mend = "let this user write to the data directory, or set NEXUS_DATA_DIR to another one";
    Finding::problem("stream", error, mend)
}

/// The streams are made on the way, as every role does it at its start.
async fn nats(settings: &Settings) -> Finding {
    let problem = |error: String| {
        let mend = nats_mend(&error);
        Finding::problem("stream", error, mend)
    };
    let Some(config) = nats_config(settings, "nexus doctor") else {
        return Finding::ok("stream", "the embedded log");
    };
    let config = NatsConfig { connecting: Connecting::AtOnce, ..config };
    let stream = match JetStream::open(config).await {
        Ok(stream) => stream,
        Err(error) => return problem(error.to_string()),
    };
    match stream.setup().await {
        Ok(()) => Finding::ok("stream", "NATS JetStream answers"),
        Err(error) => problem(error.to_string()),
    }
}

/// The sentence for what NATS, or the way to it, said.
fn nats_mend(error: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["at least 2.10"]) {
        "install nats-server 2.10.23 or newer"
    } else if says(&["the credentials"]) {
        "set NATS_CREDS to a file that this user may read"
    } else if says(&["has no room"]) {
        "give JetStream a larger max_file_store (without one it takes three quarters of the free disk), or set a smaller NEXUS_STREAM_MAX_BYTES"
    } else if says(&["connection to NATS is", "cannot be reached"]) {
        "check host and port in NATS_URL, its user and password or NATS_CREDS, and whether nats-server runs"
    } else if says(&["not enabled", "JetStream"]) {
        "start nats-server with JetStream (-js, or a jetstream block in its configuration)"
    } else {
        "check NATS_URL and NATS_CREDS; the user needs JetStream's permissions"
    }
}
