//! Fault injection: torn and flipped bytes cost the exchange they hit, are counted, and cost nobody
//! else.

mod support;

use std::{collections::BTreeMap, path::Path};

use bytes::Bytes;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_journal::{Counts, JournalConfig};
use proptest::prelude::*;
use support::{Shipped, config, crash_copy, id, open, pattern, record, segments, ship};

const EXCHANGES: u128 = 12;

fn bodies(number: u128) -> (Bytes, Bytes) {
    let len = usize::try_from(number).expect("small") * 531;
    (pattern(number, len), pattern(number + 100, 7_000 - len))
}

/// A journal that a process wrote and left; three segments.
fn written(dir: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let journal = open(config(&dir.join("alive")));
        for number in 1..=EXCHANGES {
            let (request, answer) = bodies(number);
            record(&journal, number, &request, &answer).written().await;
        }
        crash_copy(&dir.join("alive/gateway-a"), &dir.join("left/gateway-a"));
    });
}

fn read(dir: &Path) -> (BTreeMap<ExchangeId, Shipped>, Counts) {
    let journal = open(JournalConfig { ready_segments: 0, ..config(&dir.join("left")) });
    let mut reader = journal.reader().expect("the first to ask");
    let shipped = ship(&mut reader, true);
    assert!(reader.is_drained(), "damage holds nothing up");
    assert_eq!(segments(&dir.join("left/gateway-a")), Vec::<std::path::PathBuf>::new());
    (shipped, journal.status().counts)
}

/// The exchanges that came out as they went in.
fn whole(shipped: &BTreeMap<ExchangeId, Shipped>) -> usize {
    let is_whole = |number: &u128| {
        let (request, answer) = bodies(*number);
        shipped.get(&id(*number)).is_some_and(|one| {
            one.request == Some((request, true))
                && one.response == Some((answer, TerminalState::Completed))
                && one.error.is_none()
        })
    };
    (1..=EXCHANGES).filter(is_whole).count()
}

/// Every byte that came out was written there: bodies are prefixes of what went in.
fn no_wrong_bytes(shipped: &BTreeMap<ExchangeId, Shipped>) -> bool {
    (1..=EXCHANGES).all(|number| {
        let (request, answer) = bodies(number);
        shipped.get(&id(number)).is_none_or(|one| {
            one.request.as_ref().is_none_or(|(body, _)| request.starts_with(body))
                && one.response.as_ref().is_none_or(|(body, _)| answer.starts_with(body))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_bit_costs_one_exchange_at_most(which: prop::sample::Index, bit: prop::sample::Index) {
        let dir = tempfile::tempdir()?;
        written(dir.path());
        let files = segments(&dir.path().join("left/gateway-a"));
        let path = which.get(&files);
        let mut bytes = std::fs::read(path)?;
        let at = bit.index(bytes.len() * 8);
        bytes[at / 8] ^= 1 << (at % 8);
        std::fs::write(path, bytes)?;
        let (shipped, counts) = read(dir.path());
        prop_assert!(no_wrong_bytes(&shipped));
        let intact = whole(&shipped);
        prop_assert!(intact + 1 >= usize::try_from(EXCHANGES)?, "{intact} whole, {counts:?}");
        // A frame at a segment's very end leaves no gap to see; what it headed is counted then.
        let counted = counts.damaged + counts.headless + counts.aborted;
        prop_assert!(intact == usize::try_from(EXCHANGES)? || counted > 0, "{counts:?}");
    }

    #[test]
    fn a_torn_tail_costs_what_stood_behind_it(keep: prop::sample::Index) {
        let dir = tempfile::tempdir()?;
        written(dir.path());
        let files = segments(&dir.path().join("left/gateway-a"));
        let path = files.last().expect("segments");
        let len = std::fs::metadata(path)?.len();
        let keep = keep.index(usize::try_from(len)?) as u64;
        std::fs::OpenOptions::new().write(true).open(path)?.set_len(keep)?;
        let (shipped, _counts) = read(dir.path());
        prop_assert!(no_wrong_bytes(&shipped));
        let earlier = usize::try_from(EXCHANGES)? / files.len();
        prop_assert!(whole(&shipped) >= earlier, "the other segments are whole");
    }
}

#[test]
fn without_damage_nothing_is_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    written(dir.path());
    assert!(segments(&dir.path().join("left/gateway-a")).len() > 1, "more than one segment");
    let (shipped, counts) = read(dir.path());
    assert_eq!(whole(&shipped) as u128, EXCHANGES);
    assert_eq!(counts, Counts::default());
}
