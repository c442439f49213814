//! What goes in comes out, is freed when acknowledged, and what finds no room is counted.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use nexus_contract::TerminalState;
use nexus_journal::{Capture, Journal, JournalConfig, JournalFull, LossReason, Reader};
use support::{config, head, id, open, outcome, pattern, record, response_head, segments, ship};

#[tokio::test]
async fn bytes_come_out_as_they_went_in_and_segments_are_freed() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(config(dir.path()));
    let mut reader = journal.reader().expect("the first to ask");
    assert!(journal.reader().is_none(), "there is one reader");
    for number in 1..=40 {
        let (request, answer) = (pattern(number, 9_000), pattern(!number, 30_000));
        record(&journal, number, &request, &answer).written().await;
        let shipped = ship(&mut reader, true);
        assert_eq!(shipped[&id(number)].request, Some((request, true)));
        assert_eq!(shipped[&id(number)].response, Some((answer, TerminalState::Completed)));
    }
    assert!(segments(&dir.path().join("gateway-a")).len() <= 2, "the rest was freed");
    let status = journal.status();
    assert_eq!((status.counts.begun, status.counts.ended), (40, 40));
    assert_eq!(status.counts.damaged + status.counts.headless, 0);
}

#[tokio::test]
async fn the_request_is_ready_before_the_answer_and_the_end_waits_for_neither() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(config(dir.path()));
    let mut reader = journal.reader().expect("the first to ask");
    let mut growth = reader.growth();
    let recording = journal.begin(head(1)).expect("captures");
    recording.request_chunk(Bytes::from_static(b"half"));
    recording.written().await;
    assert!(ship(&mut reader, true).is_empty(), "the request is not complete");
    recording.request_end(true);
    recording.written().await;
    assert!(growth.more().await);
    assert!(ship(&mut reader, true)[&id(1)].response.is_none());
    recording.response_head(response_head());
    recording.response_chunk(Bytes::from_static(b"answer"));
    recording.finish(outcome(TerminalState::UpstreamCut));
    recording.finish(outcome(TerminalState::Completed));
    recording.response_chunk(Bytes::from_static(b"too late"));
    recording.written().await;
    let shipped = ship(&mut reader, true);
    let expected = Some((Bytes::from_static(b"answer"), TerminalState::UpstreamCut));
    assert_eq!(shipped[&id(1)].response, expected, "the first end counts, nothing follows it");
    assert!(reader.is_drained());
}

#[tokio::test]
async fn a_recording_that_is_dropped_ends_as_aborted_by_the_client() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(config(dir.path()));
    let mut reader = journal.reader().expect("the first to ask");
    let recording = journal.begin(head(1)).expect("captures");
    recording.request_chunk(Bytes::from_static(b"half"));
    drop(recording);
    journal.begin(head(2)).expect("captures").written().await;
    let shipped = ship(&mut reader, true);
    assert_eq!(shipped[&id(1)].request, Some((Bytes::from_static(b"half"), false)));
    let state = shipped[&id(1)].response.as_ref().map(|(_, state)| *state);
    assert_eq!(state, Some(TerminalState::ClientAborted));
}

#[tokio::test]
async fn a_full_journal_leaves_tombstones_counts_them_and_recovers() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(JournalConfig { max_bytes: 128 << 10, ..config(dir.path()) });
    let mut reader = journal.reader().expect("the first to ask");
    let body = pattern(7, 10_000);
    let mut lost = 0;
    for number in 1..=40 {
        let recording = record(&journal, number, &body, &body);
        recording.written().await;
        lost += u64::from(recording.loss() == Some(LossReason::Full));
    }
    let counts = journal.status().counts;
    assert!(lost > 0 && counts.tombstones == lost, "{counts:?}");
    assert_eq!(counts.begun, counts.ended + counts.tombstones + counts.lost);
    assert!(journal.status().full);

    let shipped = ship(&mut reader, true);
    assert_eq!(shipped.len(), 40, "every exchange is named");
    let named = |error: &Option<String>| error.as_ref().is_some_and(|e| e.contains("journal_full"));
    assert_eq!(shipped.values().filter(|one| named(&one.error)).count() as u64, lost);

    let recording = record(&journal, 41, &body, &body);
    recording.written().await;
    assert_eq!(recording.loss(), None, "acknowledging made room");
    assert_nothing_is_held(&journal).await;
}

/// Once what was appended is written, no exchange is between two counts.
fn assert_exact(journal: &Journal) {
    let status = journal.status();
    let counts = status.counts;
    let ended = counts.ended + counts.tombstones + counts.lost + status.waiting;
    assert_eq!(counts.begun, ended, "{status:?}");
}

/// The room in memory is given back, of what was written and of what was lost.
async fn assert_nothing_is_held(journal: &Journal) {
    let given_back = async {
        // It follows the word that all is written.
        while journal.status().queued_bytes > 0 {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), given_back).await;
    assert!(in_time.is_ok(), "{:?}", journal.status());
}

#[tokio::test]
async fn tombstones_that_wait_for_room_are_counted_until_they_are_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(JournalConfig { max_bytes: 128 << 10, ..config(dir.path()) });
    let mut reader = journal.reader().expect("the first to ask");
    let body = pattern(7, 10_000);
    // The segment that is kept for tombstones holds no 250 of them.
    for number in 1..=250 {
        record(&journal, number, &body, &body).written().await;
        assert_exact(&journal);
    }
    let waiting = journal.status().waiting;
    assert!(waiting > 0, "{:?}", journal.status());
    let written = journal.status().counts.tombstones;
    // Room is enough: no further exchange has to come.
    for _ in 0..1_000 {
        ship(&mut reader, true);
        tokio::time::sleep(Duration::from_millis(5)).await;
        if journal.status().waiting == 0 {
            break;
        }
    }
    assert_exact(&journal);
    assert_eq!(journal.status().counts.tombstones, written + waiting);
    assert_nothing_is_held(&journal).await;
}

/// Cause: the mark of every exchange that a full journal saw pass was kept in memory, without a bound. And
/// marks could take the room of an end without which nothing was freed any more.
#[tokio::test]
async fn marks_that_wait_have_a_bound_and_leave_room_for_an_end_that_is_needed() {
    const QUEUE: usize = 64 << 10;
    let dir = tempfile::tempdir().expect("a folder");
    let config = config(dir.path());
    let journal = open(JournalConfig { max_bytes: 128 << 10, queue_bytes: QUEUE, ..config });
    let mut reader = journal.reader().expect("the first to ask");
    let body = pattern(7, 10_000);
    // While it goes on, the first segment stays, and with it all that stands behind.
    let long = journal.begin(head(1_000)).expect("captures");
    for number in 1..=250 {
        record(&journal, number, &body, &body).written().await;
    }
    let status = journal.status();
    // Each takes 2 KiB at least.
    let bound = QUEUE as u64 / 2_048;
    assert!(status.waiting > 0 && status.waiting <= bound, "{status:?}");
    assert!(status.counts.lost > 0, "{status:?}");
    long.finish(outcome(TerminalState::Completed));
    long.written().await;
    assert_exact(&journal);

    let shipped = ship(&mut reader, true);
    let found = &shipped[&id(1_000)];
    assert_eq!((found.status, &found.error), (Some(200), &None), "its end is there");
    record(&journal, 2_000, &body, &body).written().await;
    assert_exact(&journal);
    assert_eq!(journal.status().waiting, 0, "there is room again: {:?}", journal.status());
    let later = ship(&mut reader, true);
    assert_eq!(later[&id(2_000)].error, None);
    let counts = journal.status().counts;
    let named = (shipped.len() + later.len()) as u64;
    assert_eq!(named, counts.ended + counts.tombstones, "all but those that are counted as lost");
    assert!(reader.is_drained());
    assert_nothing_is_held(&journal).await;
}

#[tokio::test]
async fn a_full_journal_refuses_when_capture_is_required() {
    let dir = tempfile::tempdir().expect("a folder");
    let config =
        JournalConfig { max_bytes: 128 << 10, capture: Capture::Required, ..config(dir.path()) };
    let journal = open(config);
    let body = pattern(7, 30_000);
    let mut refused = None;
    for number in 1..=10 {
        match journal.begin(head(number)) {
            Ok(recording) => {
                recording.request_chunk(body.clone());
                recording.finish(outcome(TerminalState::Completed));
                recording.written().await;
            }
            Err(full) => refused = Some(full),
        }
    }
    assert_eq!(refused, Some(JournalFull));
}

/// Cause: only the bound refused. With a disk that gave no room, exchanges passed of which nothing was kept.
#[tokio::test]
async fn a_disk_without_room_refuses_when_capture_is_required_until_it_has_some() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(JournalConfig { capture: Capture::Required, ..config(dir.path()) });
    // In the place of the files that it would make for the segments from the third on, for a while.
    for number in 3..=40 {
        let in_the_way = dir.path().join(format!("gateway-a/{number:016x}.spare"));
        fs::create_dir(in_the_way).expect("made");
    }
    let body = pattern(7, 30_000);
    let attempt = async |number| match journal.begin(head(number)) {
        Ok(recording) => {
            recording.request_chunk(body.clone());
            recording.finish(outcome(TerminalState::Completed));
            recording.written().await;
            true
        }
        Err(JournalFull) => false,
    };
    let mut served = 1;
    while attempt(served).await {
        served += 1;
        assert!(served < 10, "{:?}", journal.status());
    }
    assert!(journal.status().full);
    let mut refused = 1;
    while !attempt(1_000 + refused).await {
        refused += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert!(refused < 1_000, "{:?}", journal.status());
    }
    assert!(!journal.status().full);
}

/// Cause: a segment was freed once the next one began, so that every start shipped the last one again,
/// also what had been erased meanwhile.
#[tokio::test]
async fn a_closed_journal_keeps_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().expect("a folder");
    let left = || segments(&dir.path().join("gateway-a")).len();
    let body = pattern(1, 1_000);
    let journal = open(config(dir.path()));
    let mut reader = journal.reader().expect("the first to ask");
    let mut growth = reader.growth();
    record(&journal, 1, &body, &body).written().await;
    ship(&mut reader, true);
    reader.free_last().expect("reads");
    assert_eq!(left(), 1, "more may come");
    record(&journal, 2, &body, &body);
    drop(journal);
    // Ends, because nothing comes any more.
    while growth.more().await {}
    reader.free_last().expect("reads");
    assert_eq!(left(), 1, "the second is not shipped");
    assert!(Reader::adopt(dir.path()).expect("lists").is_empty(), "it is read by its owner");
    assert_eq!(ship(&mut reader, true)[&id(2)].request, Some((body, true)));
    reader.free_last().expect("frees");
    assert_eq!(left(), 0);
    drop(reader);
    let again = open(config(dir.path()));
    assert!(ship(&mut again.reader().expect("the first to ask"), true).is_empty());
}

/// Cause: what only an exchange had held that was given up was freed with the next acknowledgement, or
/// never: the last segment could go before it, and a start found beginnings without their ends.
#[tokio::test]
async fn a_closed_journal_keeps_nothing_of_a_damaged_exchange_either() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("gateway-a");
    let journal = open(config(dir.path()));
    let mut reader = journal.reader().expect("the first to ask");
    let whole = journal.begin(head(1)).expect("captures");
    let damaged = journal.begin(head(2)).expect("captures");
    whole.request_chunk(pattern(1, 40_000));
    whole.request_end(true);
    whole.response_chunk(pattern(2, 40_000));
    whole.finish(outcome(TerminalState::Completed));
    damaged.finish(outcome(TerminalState::Completed));
    damaged.written().await;
    drop((whole, damaged, journal));
    let written = segments(&folder);
    assert_eq!(written.len(), 2, "the end is in another one than the heads");
    spoil(&written[0], &id(2).to_string());
    // As the shipper does: without an event there is nothing to acknowledge.
    let mut events = 0;
    while let Some(ready) = reader.next_ready().expect("reads") {
        if reader.assemble(&ready).expect("assembles").event.is_some() {
            events += 1;
            reader.acknowledge(&ready).expect("frees");
        }
    }
    assert_eq!(events, 2, "those of the other one");
    reader.free_last().expect("frees");
    let left = segments(&folder);
    assert!(left.is_empty(), "{left:?}");
}

/// Cause: the segment that was read last stayed open, and its blocks taken, until another one was read.
#[tokio::test]
async fn what_is_freed_is_not_held_open() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(config(dir.path()));
    record(&journal, 1, &pattern(1, 10), &pattern(2, 10)).written().await;
    drop(journal);
    let mut reader = Reader::adopt(dir.path()).expect("lists").remove(0);
    let ready = reader.next_ready().expect("reads").expect("the request");
    reader.assemble(&ready).expect("assembles");
    assert!(!segments_held(dir.path()).is_empty(), "it is read");
    reader.acknowledge(&ready).expect("frees");
    ship(&mut reader, true);
    assert_eq!(segments_held(dir.path()), Vec::<PathBuf>::new());
}

/// Segments below `dir` that this process has open, also those that are removed.
fn segments_held(dir: &Path) -> Vec<PathBuf> {
    let open = fs::read_dir("/proc/self/fd").expect("lists");
    let links = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let is_segment = |path: &PathBuf| path.to_string_lossy().contains(".segment");
    links.filter(|path| path.starts_with(dir)).filter(is_segment).collect()
}

/// Flips a bit of the first place where the text stands.
fn spoil(path: &Path, text: &str) {
    let mut bytes = fs::read(path).expect("reads");
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes());
    bytes[at.expect("it stands there")] ^= 1;
    fs::write(path, bytes).expect("writes");
}

#[tokio::test]
async fn an_instance_is_locked_and_adopted_when_it_is_gone() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(config(dir.path()));
    assert!(Reader::adopt(dir.path()).expect("lists").is_empty(), "its owner lives");

    let body = pattern(1, 100_000);
    record(&journal, 1, &body, &body);
    drop(journal);
    let mut adopted = Reader::adopt(dir.path()).expect("lists");
    assert_eq!(adopted.len(), 1);
    let mut reader = adopted.remove(0);
    assert_eq!(reader.instance(), "gateway-a");

    let again = open(config(dir.path()));
    record(&again, 2, &body, &body).written().await;
    let mut second = again.reader().expect("the first to ask");
    assert!(ship(&mut second, true).contains_key(&id(2)), "an instance that is back goes on");
    drop((again, second));
    for left in Reader::adopt(dir.path()).expect("lists") {
        assert_eq!(left.instance(), "gateway-a", "also in its other folder");
        let mut left = left;
        ship(&mut left, true);
        assert!(left.remove_if_empty().expect("removes"));
    }

    assert_eq!(ship(&mut reader, true)[&id(1)].request, Some((body, true)));
    assert!(!reader.growth().more().await);
    assert!(reader.remove_if_empty().expect("removes"));
    assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 0);
}

/// As gateways of one machine do, and `nexus prune` beside them.
#[tokio::test]
async fn several_that_adopt_at_once_harm_neither_each_other_nor_who_comes_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let is_over = Arc::new(AtomicBool::new(false));
    let adopting = [(); 3].map(|()| {
        let (journals, is_over) = (dir.path().to_owned(), is_over.clone());
        thread::spawn(move || {
            while !is_over.load(Relaxed) {
                for mut left in Reader::adopt(&journals).expect("none fails") {
                    ship(&mut left, true);
                    left.remove_if_empty().expect("none fails");
                }
            }
        })
    });
    for number in 1..=60 {
        let journal = open(config(dir.path()));
        record(&journal, number, &pattern(1, 10), &pattern(2, 10)).written().await;
        let mut reader = journal.reader().expect("the first to ask");
        assert!(ship(&mut reader, true).contains_key(&id(number)), "{number} is gone");
    }
    is_over.store(true, Relaxed);
    for thread in adopting {
        thread.join().expect("no panic");
    }
}

#[tokio::test]
async fn waiting_for_the_writer_is_bounded() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = open(config(dir.path()));
    let recording = record(&journal, 1, &pattern(1, 10), &pattern(2, 10));
    recording.written().await;
    assert!(recording.written_within(Duration::ZERO).await, "nothing is left to wait for");
    assert_eq!(journal.status().counts.late, 0);
}
