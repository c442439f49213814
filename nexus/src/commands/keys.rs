//! `nexus keys`: client keys.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::{cli::KeysCommand, output::Output};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    client_api_key: String,
}

pub fn run(command: &KeysCommand, output: Output) -> anyhow::Result<()> {
    let KeysCommand::Generate { test } = command;
    let key = Key { client_api_key: generate(*test, rand::random()) };
    output.print(&key, |key| key.client_api_key.clone())
}

/// `cnp_live_…` or `cnp_test_…`: the base64url of 32 random bytes.
fn generate(test: bool, random: [u8; 32]) -> String {
    let kind = if test { "test" } else { "live" };
    format!("cnp_{kind}_{}", BASE64_URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_their_kind_and_hold_256_bits() {
        assert_eq!(generate(false, [0; 32]), format!("cnp_live_{}", "A".repeat(43)));
        assert!(generate(true, [255; 32]).starts_with("cnp_test_"));
    }
}
