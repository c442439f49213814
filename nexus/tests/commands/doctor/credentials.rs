//! Credential files.

use serde_json::{Value, json};

use super::Doctor;

fn api_key(key: &Value) -> String {
    json!({"type": "api_key", "accountId": "acc_1", "api_key": "sk-ant-x", "client_api_key": key})
        .to_string()
}

#[test]
fn a_key_without_a_domain() {
    let key = json!("cnp_test_k");
    Doctor::new().credential("Team.json", &api_key(&key)).finds(
        "problem",
        "credentials",
        "Team.json",
        "DOMAIN.credentials.json",
    );
    Doctor::new().credential("Team.Example.credentials.json", &api_key(&key)).finds(
        "problem",
        "credentials",
        "never used",
        "lower-case",
    );
    Doctor::new().credential("team.example.credentials.json", &api_key(&key)).finds(
        "warning",
        "credentials",
        "localhost",
        "http://team.example:",
    );
}

#[test]
fn a_domain_without_a_key() {
    Doctor::new().credential("localhost.credentials.json", &api_key(&json!([]))).finds(
        "problem",
        "credentials",
        "client_api_key",
        "nexus keys generate",
    );
    Doctor::new().with("HOST", "0.0.0.0").finds(
        "problem",
        "credentials",
        "refused",
        "ALLOW_PASSTHROUGH",
    );
}

#[test]
fn a_credential_file_that_cannot_be_read() {
    Doctor::new().credential("localhost.credentials.json", "{").finds(
        "problem",
        "credentials",
        "localhost: it is not valid JSON",
        "mend the file",
    );
    let doctor = Doctor::new();
    let path = doctor.nexus.path().join("credentials/localhost.credentials.json");
    std::fs::create_dir_all(path).expect("a directory in the file's place");
    doctor.finds("problem", "credentials", "localhost", "mend the file");
}

#[test]
fn a_stale_token() {
    let oauth = json!({"type": "oauth", "accountId": "acc_1", "client_api_key": "cnp_test_k", "oauth": {
        "accessToken": "a", "refreshToken": "r", "expiresAt": 1_700_000_000_000_u64, "scopes": [], "isMax": true}});
    let doctor = Doctor::new().credential("localhost.credentials.json", &oauth.to_string());
    let status = doctor.nexus.says("credentials status");
    assert!(status.contains("expired"), "{status}");
    doctor.finds(
        "warning",
        "credentials",
        "expired at 2023-11-14",
        "nexus credentials login --domain localhost",
    );
}
