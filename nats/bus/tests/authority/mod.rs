//! Who may use a NATS server in operator mode: keys and tokens of a test's own.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use serde_json::{Value, json};

/// An operator, its system account, and an account for Nexus.
pub struct Authority {
    operator: KeyPair,
    system: KeyPair,
    pub account: KeyPair,
}

impl Authority {
    pub fn new() -> Self {
        let (operator, system) = (KeyPair::new_operator(), KeyPair::new_account());
        Self { operator, system, account: KeyPair::new_account() }
    }

    /// The server's part: whom it trusts, and the accounts it knows.
    pub fn configuration(&self) -> String {
        let system = self.system.public_key();
        let about = json!({"type": "operator", "version": 2, "system_account": system});
        let operator = token(&self.operator, &self.operator, "operator", &about);
        let account = |key: &KeyPair, name: &str, jetstream: i64| {
            let limits = json!({
                "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
                "conn": -1, "leaf": -1, "mem_storage": jetstream, "disk_storage": jetstream,
                "streams": jetstream, "consumer": jetstream,
            });
            let about = json!({"type": "account", "version": 2, "limits": limits});
            format!("{}: {}", key.public_key(), token(&self.operator, key, name, &about))
        };
        format!(
            "operator: {operator}\nresolver: MEMORY\nresolver_preload {{\n{}\n{}\n}}\n",
            account(&self.system, "SYS", 0),
            account(&self.account, "nexus", -1),
        )
    }

    /// A credentials file of a user whose token `issuer` signed.
    pub fn credentials(dir: &Path, name: &str, issuer: &KeyPair) -> PathBuf {
        let user = KeyPair::new_user();
        let limits = json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1});
        let token = token(issuer, &user, name, &limits);
        let seed = user.seed().expect("made here");
        let path = dir.join(format!("{name}.creds"));
        let text = format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        );
        std::fs::write(&path, text).expect("writes");
        path
    }
}

/// What the holder of `issuer` says about `subject`.
fn token(issuer: &KeyPair, subject: &KeyPair, name: &str, about: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({"typ": "JWT", "alg": "ed25519-nkey"}));
    let (issuer_key, subject) = (issuer.public_key(), subject.public_key());
    let claims = part(&json!({
        "jti": name, "iat": 1_700_000_000, "iss": issuer_key, "name": name, "sub": subject, "nats": about,
    }));
    let signed = format!("{head}.{claims}");
    let signature = issuer.sign(signed.as_bytes()).expect("a private key");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
