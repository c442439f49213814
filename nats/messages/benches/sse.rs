//! How fast streams are read: `cargo bench -p nexus-messages`.

use divan::{Bencher, counter::BytesCount};
use nexus_messages::{answer::Assembler, sse::SseReader, usage::UsageReader};

fn main() {
    divan::main();
}

/// A stream of 2,000 text deltas, about 250 KB.
fn stream() -> Vec<u8> {
    let delta = concat!(
        "event: content_block_delta\n",
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"#,
        "\"some words of an answer \"}}\n\n",
    );
    let start = concat!(
        "event: content_block_start\n",
        r#"data: {"type":"content_block_start","index":0,"#,
        "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    );
    format!("{start}{}", delta.repeat(2_000)).into_bytes()
}

#[divan::bench(args = [128, 1460, 16_384])]
fn events(bencher: Bencher, chunk: usize) {
    let stream = stream();
    bencher.counter(BytesCount::of_slice(&stream)).bench(|| {
        let mut events = 0_u64;
        let mut reader = SseReader::default();
        for chunk in stream.chunks(chunk) {
            reader.push(chunk, |_event| events += 1);
        }
        events
    });
}

#[divan::bench]
fn usage(bencher: Bencher) {
    let stream = stream();
    bencher.counter(BytesCount::of_slice(&stream)).bench(|| {
        let mut reader = UsageReader::default();
        for chunk in stream.chunks(1460) {
            reader.push(chunk);
        }
        reader.finish();
        reader
    });
}

#[divan::bench]
fn answer(bencher: Bencher) {
    let stream = stream();
    bencher.counter(BytesCount::of_slice(&stream)).bench(|| {
        let mut assembler = Assembler::default();
        for chunk in stream.chunks(1460) {
            assembler.push(chunk);
        }
        assembler.finish()
    });
}
