//! What clients and operators keep secret is in no file of NATS and in no row of PostgreSQL.

use std::time::Duration;

use nexus_e2e::{Installation, http_client, scan, wait};
use serde_json::json;

const SOON: Duration = Duration::from_secs(30);

/// In every secret that is sent, and nowhere else.
const MARK: &str = "Kanari4z";
/// Sent beside them and no secret: found wherever the exchange is, or the search is blind.
const WITNESS: &str = "Zeuge4zHq";
/// The same for headers, where it stands alone: the store keeps them in a form of their own.
const HEADER_WITNESS: &str = "Kopf4zTestimony";

fn key(prefix: &str, place: &str) -> String {
    format!("{prefix}{MARK}{place}Wm2Xs5Lp8Rt4Kd9Vb3Nc6")
}

pub async fn no_secret_rests_in_nats_or_postgres(scaled: &Installation) {
    let (api, id) = (scaled.api(), send(scaled).await);
    let stored = async || api.is_stored(&id).await.then_some(());
    wait::until("the exchange", SOON, stored).await;
    let own = ["nats_password", "api_key_salt", "postgres_writer_password"];
    let own = own.map(|name| scaled.secret(name).expect("a secret"));
    let secrets: Vec<&str> = own.iter().map(|text| text.trim()).chain([MARK]).collect();
    // The server writes a little behind.
    let in_nats = wait::until("the exchange in NATS's files", SOON, async || {
        found_in_nats(scaled, &[WITNESS]).first().map(|_there| found_in_nats(scaled, &secrets))
    });
    assert_eq!(in_nats.await, Vec::<String>::new());
    let dump = scaled.postgres.dump().expect("it is dumped");
    let witnesses = [WITNESS, HEADER_WITNESS];
    assert_eq!(found_in_dump(&dump, &witnesses), witnesses, "the exchange is in the dump");
    assert_eq!(found_in_dump(&dump, &secrets), Vec::<&str>::new());
}

/// A request with a secret in every place that a client has for one; the exchange's id.
async fn send(scaled: &Installation) -> String {
    let body = json!({
        "model": "claude-opus-5-5", "max_tokens": 10,
        "messages": [{"role": "user", "content": format!("{WITNESS} [[say: Seen.]]")}],
    });
    let query = key("api_key=", "Query");
    let request = http_client().post(format!("{}/v1/messages?{query}", scaled.url()));
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("anthropic-version", "2023-06-01".to_owned()),
        ("x-api-key", key("sk-ant-api03-", "Own")),
        ("cookie", key("session=", "Cookie")),
        ("x-session-token", key("", "Token")),
        ("x-note", key("see sk-ant-oat01-", "Note")),
        ("user-agent", format!("agent/{HEADER_WITNESS}")),
    ];
    let request =
        headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    let answer = request.body(body.to_string()).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let id = answer.headers()["x-nexus-request-id"].to_str().expect("an id").to_owned();
    answer.bytes().await.expect("a body");
    id
}

/// Which of the texts stand in which of the servers' files.
fn found_in_nats(scaled: &Installation, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in scaled.nats_files() {
        // The servers remove files of their own while they are looked through.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        scan::layers(&bytes, |plain| {
            let here = texts.iter().filter(|text| scan::holds(plain, text));
            found.extend(here.map(|text| format!("{}: {text}", path.display())));
        });
    }
    found
}

/// Which of the texts stand in a dump, in its text or in its binary values.
fn found_in_dump<'a>(dump: &str, texts: &[&'a str]) -> Vec<&'a str> {
    let values = dump.split(r"\\x").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        // Text may hold the sign of a binary value, and isn't one.
        hex::decode(&rest[..end]).ok()
    });
    let mut layers = vec![dump.as_bytes().to_vec()];
    for value in values {
        scan::layers(&value, |plain| layers.push(plain.to_vec()));
    }
    let is_found = |text: &&&str| layers.iter().any(|plain| scan::holds(plain, text));
    texts.iter().filter(is_found).copied().collect()
}
