//! A byte of a killed gateway's journal is another one: what it hit is counted, the rest arrives.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use nexus_e2e::ledger::Ledger;
use nexus_e2e::load;
use nexus_e2e::payload::Payload;
use nexus_e2e::{Installation, wait};

const REQUESTS: u64 = 20;
const FIRST: u64 = 2_000_000;
const SOON: Duration = Duration::from_mins(1);

pub async fn a_flipped_byte_costs_what_it_hit(scaled: &mut Installation) {
    scaled.nats[0].kill().expect("it dies");
    let gateway = scaled.role("gateway-1");
    let (client, ledger) = (nexus_e2e::http_client(), Ledger::default());
    let url = format!("{}/v1/messages", gateway.url());
    for number in FIRST..FIRST + REQUESTS {
        ledger.issued(number);
        load::exchange(&client, &url, Payload { number }, &ledger).await.expect("an answer");
    }
    gateway.kill().await.expect("it dies");
    flip(&gateway.dir().join("data/journal"), &format!("payload-{}-", FIRST + REQUESTS / 2));
    gateway.restart().await.expect("it comes back");
    scaled.nats[0].restart().await.expect("it comes back");
    let api = scaled.api();
    let mut whole = 0;
    for (number, sent) in ledger.entries() {
        let id = sent.id.expect("an id");
        if number == FIRST + REQUESTS / 2 {
            continue;
        }
        let stored = async || api.is_stored(&id).await.then_some(());
        wait::until(&format!("the neighbour {number}"), SOON, stored).await;
        let state = api.request(&id).await.expect("it is stored")["state"].clone();
        assert!(state == "completed" || state == "upstream_error", "{number}: {state}");
        let body = api.body(&id, "request").await.expect("a body");
        assert!(body == Payload { number }.body().as_bytes(), "{number} is changed");
        whole += 1;
    }
    assert_eq!(whole, REQUESTS - 1);
    let damaged = scaled.role("gateway-1").metric("nexus_journal_damaged_frames_total").await;
    assert!(damaged.expect("it answers") >= 1.0, "the damage is counted");
}

/// Changes one byte in the middle of the text, wherever a segment holds it.
fn flip(dir: &Path, text: &str) {
    for file in files(dir) {
        let mut bytes = fs::read(&file).expect("a segment can be read");
        let found = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        if let Some(at) = found {
            bytes[at + text.len() / 2] ^= 1;
            fs::write(&file, bytes).expect("a segment can be written");
            return;
        }
    }
    panic!("{text} is in no file of {}", dir.display());
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a folder").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
