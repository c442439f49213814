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
    for n in 0..20 {
        let mut bytes = vec![0; random.random_range(1..100_000)];
        random.fill_bytes(&mut bytes);
        bodies.push((format!("binary {n}"), bytes));
    }
    bodies.push(("depth 20,000".to_owned(), "[".repeat(20_000).into_bytes()));
    bodies.push(("32 MiB".to_owned(), vec![b'x'; MAX_BODY]));
    bodies
}

/// Every body of every recording.
fn recorded() -> Vec<(String, Vec<u8>)> {
    let folder = paths::root().join("linker-actor/linking/captures");
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.filter_map(|file| Some(file.path()).filter(|p| is_recording(p)));
    names
        .flat_map(|path| {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let lines = text
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let bodies = lines.map(|line| line["request"]["body"].to_string().into_bytes());
            bodies.enumerate().map(|(n, body)| (format!("{name} {n}"), body)).collect::<Vec<_>>()
        })
        .collect()
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
