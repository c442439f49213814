//! Credential files beside a running Nexus.

use std::time::Duration;

use serde_json::Value;

use crate::{Nexus, wait};

const SOON: Duration = Duration::from_secs(10);

/// Writes a domain's file and waits until the gateway knows of it.
///
/// # Panics
/// When it can't be written, or the gateway doesn't look.
pub async fn store(nexus: &Nexus, domain: &str, content: &Value) {
    let dir = nexus.dir().join("credentials");
    let path = dir.join(format!("{domain}.credentials.json"));
    std::fs::write(path, content.to_string()).expect("a credential file");
    let files = std::fs::read_dir(dir).expect("a folder").flatten();
    let files = files.filter(|file| file.file_name().to_string_lossy().ends_with(".json")).count();
    let url = format!("{}/health", nexus.url());
    wait::until("the credential", SOON, async || {
        let health = crate::http_client().get(&url).send().await.ok()?;
        let health: Value = health.json().await.ok()?;
        (health["credentials"]["domains"].as_u64()? >= files as u64).then_some(())
    })
    .await;
}
