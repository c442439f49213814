//! Exchanges that go on for long, while others come and go.

mod support;

use bytes::{Bytes, BytesMut};
use nexus_contract::TerminalState;
use nexus_journal::{JournalConfig, Reader};
use support::{
    config, crash_copy, head, id, open, outcome, pattern, record, response_head, segments, ship,
};

/// Room for eight segments; the others write thirty.
fn small(dir: &std::path::Path) -> JournalConfig {
    JournalConfig { max_bytes: 512 << 10, ..config(dir) }
}

/// Others come and go, and are shipped.
async fn others(journal: &nexus_journal::Journal, reader: &mut Reader, from: u128) {
    for number in from..from + 20 {
        let body = pattern(number, 5_000);
        let recording = record(journal, number, &body, &body);
        recording.written().await;
        assert_eq!(recording.loss(), None, "there is room all the time");
        ship(reader, true);
    }
}

#[tokio::test]
async fn a_long_exchange_does_not_keep_the_journal_from_being_freed() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(small(dir.path()));
    let mut reader = journal.reader().expect("the first to ask");
    let (request, mut answer) = (pattern(1, 9_000), BytesMut::new());
    let long = journal.begin(head(1)).expect("captures");
    long.request_chunk(request.clone());
    long.request_end(true);
    long.response_head(response_head());
    let unfinished = journal.begin(head(2)).expect("captures");
    unfinished.request_chunk(request.clone());
    for round in 0..12 {
        let chunk = pattern(round, 700);
        answer.extend_from_slice(&chunk);
        long.response_chunk(chunk);
        others(&journal, &mut reader, 100 * (round + 1)).await;
    }
    assert!(journal.status().used_bytes < 512 << 10, "{:?}", journal.status());

    // What a crash now would leave holds both, each in its state.
    let left = dir.path().join("left");
    crash_copy(&dir.path().join("gateway-a"), &left.join("gateway-a"));
    let after = open(small(&left));
    let recovered = ship(&mut after.reader().expect("the first to ask"), true);
    assert_eq!(recovered[&id(1)].request, None, "it was shipped and left behind");
    let aborted = Some((answer.clone().freeze(), TerminalState::Aborted));
    assert_eq!(recovered[&id(1)].response, aborted);
    assert_eq!(recovered[&id(2)].request, Some((request.clone(), false)));

    unfinished.request_end(true);
    unfinished.finish(outcome(TerminalState::Completed));
    long.finish(outcome(TerminalState::Completed));
    long.written().await;
    let shipped = ship(&mut reader, true);
    let completed = Some((answer.freeze(), TerminalState::Completed));
    assert_eq!(shipped[&id(1)].response, completed);
    assert_eq!(shipped[&id(2)].request, Some((request, true)));
    assert!(reader.is_drained());
}

/// Cause: segments were freed in any order, so that a crash could leave the beginning of an
/// exchange whose end had been acknowledged and freed.
#[tokio::test]
async fn an_acknowledged_end_is_not_forgotten_before_its_beginning() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(config(dir.path()));
    let mut reader = journal.reader().expect("the first to ask");
    let pinning = journal.begin(head(1)).expect("captures");
    let other = journal.begin(head(2)).expect("captures");
    other.request_end(true);
    let filler = pattern(3, 60_000);
    record(&journal, 3, &filler, &filler);
    other.response_chunk(Bytes::from_static(b"the end is in another segment"));
    other.finish(outcome(TerminalState::Completed));
    record(&journal, 4, &filler, &filler).written().await;
    ship(&mut reader, true);
    assert!(segments(&dir.path().join("gateway-a")).len() > 2, "the first is needed");

    let left = dir.path().join("left");
    crash_copy(&dir.path().join("gateway-a"), &left.join("gateway-a"));
    let after = open(config(&left));
    let recovered = ship(&mut after.reader().expect("the first to ask"), true);
    let state = recovered[&id(2)].response.as_ref().map(|(_, state)| *state);
    assert_eq!(state, Some(TerminalState::Completed));
    drop(pinning);
}

/// Whether the system would have to read the beginning of the file from the disk.
#[cfg(target_os = "linux")]
fn is_forgotten(path: &std::path::Path) -> bool {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    let file = std::fs::File::open(path).expect("a segment");
    let mut bytes = [0; 512];
    let buffers = &mut [std::io::IoSliceMut::new(&mut bytes)];
    match preadv2(&file, buffers, 4_096, ReadWriteFlags::NOWAIT) {
        Ok(_bytes) => false,
        Err(error) if error == Errno::AGAIN => true,
        Err(error) => panic!("{error}"),
    }
}

/// The segments of a journal into which so many exchanges were written. They are read as they come, but
/// not acknowledged; or not read at all.
#[cfg(target_os = "linux")]
async fn written(dir: &std::path::Path, exchanges: u128, is_read: bool) -> Vec<std::path::PathBuf> {
    let journal = open(config(dir));
    let mut reader = journal.reader().expect("the first to ask");
    let body = pattern(1, 5_000);
    for number in 0..exchanges {
        record(&journal, number, &body, &body).written().await;
        if is_read {
            ship(&mut reader, false);
        }
    }
    drop((reader, journal));
    segments(&dir.join("gateway-a"))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_nobody_comes_to_read_does_not_stay_in_memory() {
    // A temporary folder may be in memory itself.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let few = written(&dir.path().join("few"), 10, false).await;
    assert!(few.iter().all(|path| !is_forgotten(path)), "the reader comes soon");
    let read = written(&dir.path().join("read"), 100, true).await;
    assert!(read.len() > 10, "{read:?}");
    assert!(read.iter().all(|path| !is_forgotten(path)), "the reader is there");
    let many = written(&dir.path().join("many"), 100, false).await;
    assert_eq!(many.len(), read.len());
    let forgotten = many.iter().filter(|path| is_forgotten(path)).count();
    assert!(forgotten > many.len() / 2, "{forgotten} of {}", many.len());
}
