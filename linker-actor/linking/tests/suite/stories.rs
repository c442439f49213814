//! One file under `cases/` for each thing that must hold.

use crate::common::{ready, story::Story};
use nexus_linking::{Memory, ingest};

#[test]
fn every_story_comes_out_as_told() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut wrong = Vec::new();
    for file in std::fs::read_dir(folder).expect("the cases are there") {
        let path = file.expect("readable").path();
        let story = Story::parse(&std::fs::read_to_string(&path).expect("readable"));
        let mut facts = story.facts();
        // In order, and the other way round, one by one.
        for _ in 0..2 {
            let mut index = Memory::default();
            for fact in &facts {
                ready(ingest(&mut index, std::slice::from_ref(fact))).expect("infallible");
            }
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            wrong.extend(story.differences(&index).into_iter().map(|one| format!("{name}: {one}")));
            facts.reverse();
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
