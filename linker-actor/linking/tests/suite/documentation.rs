//! The hashes that `docs/linking.md` gives as an example are those computed here.

use nexus_linking::{Hash, chain};
use nexus_messages::Request;

#[test]
fn the_example_in_the_documentation_is_true() {
    let body = r#"{"messages":[
        {"role":"user","content":"Say hello"},
        {"role":"assistant","content":[{"type":"thinking","thinking":"Hm."},{"type":"text","text":"Hello!"}]},
        {"role":"system","content":"Passed over."},
        {"role":"user","content":"  And\r\nbye <system-reminder>x</system-reminder>"}]}"#;
    let request = Request::parse(body.as_bytes()).expect("a request");
    let nodes = chain::extend(Hash::START, 0, &chain::blocks(&request));
    let page = include_str!("../../../../docs/linking.md");
    assert_eq!(nodes.len(), 3);
    for node in &nodes {
        let line = format!("h({}) = {}", node.length, node.hash);
        assert!(page.contains(&line), "docs/linking.md should say {line}");
    }
}

#[test]
fn the_lines_in_the_documentation_hash_to_the_same() {
    let lines = [
        r#"["user","text","Say hello"]"#,
        r#"["assistant","text","Hello!"]"#,
        r#"["user","text","And\nbye"]"#,
    ];
    let last = lines.iter().fold(Hash::START, |hash, line| hash.then(Hash::of(line)));
    assert!(include_str!("../../../../docs/linking.md").contains(&last.to_string()));
}
