//! Bodies of all kinds.

use std::fs;

use nexus_e2e::paths;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

/// The default limit of a request's body.
pub const MAX_BODY: usize = 32 * 1024 * 1024;

/// Names and bytes: recordings, JSON that parsers change or refuse, no JSON, nothing, the largest.
pub fn bodies() -> Vec<(String, Vec<u8>)> {
    let mut bodies = recorded();
    bodies.extend(awkward().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())));
    let mut random = StdRng::seed_from_u64(1);
    bodies.extend((0..20).map(|n| (format!("random JSON {n}"), json(&mut random, 6).into_bytes())));
    for n in 0..20 {
        let mut bytes = vec![0; random.random_range(1..100_000)];
        random.fill_bytes(&mut bytes);
        bodies.push((format!("binary {n}"), bytes));
    }
    bodies.push(("depth 20,000".to_owned(), "[".repeat(20_000).into_bytes()));
    bodies.push(("32 MiB".to_owned(), vec![b'x'; MAX_BODY]));
    bodies
}

/// A random document, with spacing of all kinds and numbers in all writings.
fn json(random: &mut StdRng, depth: u32) -> String {
    let space = [" ", "", "\n", "\t "][random.random_range(0..4)];
    let parts = |random: &mut StdRng| -> Vec<String> {
        (0..random.random_range(0..6)).map(|_| json(random, depth - 1)).collect()
    };
    match random.random_range(0..if depth == 0 { 4 } else { 6 }) {
        0 => format!("{}.50e{}", random.random::<i32>(), random.random_range(-9..9)),
        1 => ["true", "false", "null"][random.random_range(0..3)].to_owned(),
        2 => serde_json::to_string(&(0..30).map(|_| random.random::<char>()).collect::<String>())
            .unwrap_or_default(),
        3 => format!("\"\\u{:04x}\"", random.random::<u16>()),
        4 => format!("[{space}{}]", parts(random).join(&format!(",{space}"))),
        _ => {
            let pairs = parts(random);
            let pairs =
                pairs.iter().enumerate().map(|(n, value)| format!("\"k{n}\":{space}{value}"));
            format!("{{{}{space}}}", pairs.collect::<Vec<_>>().join(","))
        }
    }
}

/// Every body of every recording.
fn recorded() -> Vec<(String, Vec<u8>)> {
    let bodies = recordings().into_iter();
    bodies.map(|(name, line)| (name, line["request"]["body"].to_string().into_bytes())).collect()
}

/// The streams of the recordings' answers.
pub fn streams() -> Vec<(String, Vec<u8>)> {
    let streams = recordings().into_iter().filter_map(|(name, line)| {
        Some((name, line["response"]["sse"].as_str()?.as_bytes().to_vec()))
    });
    streams.collect()
}

/// All exchanges that were recorded, with a name.
fn recordings() -> Vec<(String, serde_json::Value)> {
    let folder = paths::root().join("linker-actor/linking/captures");
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let recordings = files.map(|file| file.path()).filter(|path| is_recording(path));
    recordings.flat_map(|path| lines(&path)).collect()
}

fn lines(path: &std::path::Path) -> Vec<(String, serde_json::Value)> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines.enumerate().map(|(n, line)| (format!("{name} {n}"), line)).collect()
}

fn is_recording(path: &std::path::Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".jsonl") && !name.ends_with(".expected.jsonl")
}

fn awkward() -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        ("nothing", ""),
        ("white space", " \r\n\t "),
        ("odd spacing", "{ \"model\" :\t\"m\" ,\r\n \"messages\":[ ]}  "),
        ("duplicate keys", r#"{"a":1,"a":2,"model":"x","model":"y"}"#),
        ("large and precise numbers", r#"{"n":1e400000,"m":0.1000000000000000055511151231257827,"i":123456789012345678901234567890}"#),
        ("escapes", r#"{"s":"\u0000 \ud800 \u00e9 \/ é"}"#),
        ("byte order mark", "\u{feff}{}"),
        ("broken off", r#"{"model":"claude","messages":[{"role":"user","#),
        ("two documents", "{}{}"),
        ("no JSON", "model=claude&messages=hi"),
        ("unknown fields", r#"{"model":"claude-next","messages":[],"future":{"deep":[1,{"x":null}]}}"#),
    ]
    .into_iter()
}
