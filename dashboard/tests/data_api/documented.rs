//! The lines of `docs/api.md` work.

use actix_web::http::{Method, StatusCode};
use nexus_store::{store_tests, testing::TestStore};

use crate::fixture::{KEY, filled};

const PAGE: &str = include_str!("../../../docs/api.md");

async fn every_documented_line_works(store: TestStore) {
    let fixture = filled(store).await;
    let request = fixture.sent[0].id.to_string();
    let lines: Vec<_> = PAGE.lines().filter(|line| line.starts_with("curl ")).collect();
    assert!(lines.len() > 10, "{} lines", lines.len());
    for line in lines {
        let address = line
            .split_whitespace()
            .find_map(|word| word.trim_matches(['"', '\'']).strip_prefix("$NEXUS"))
            .unwrap_or_else(|| panic!("{line} asks nobody"));
        assert!(line.contains("-H \"X-Dashboard-Key: $KEY\""), "{line} shows no key");
        let address = address.replace("$REQUEST", &request);
        let (status, body) = fixture.ask(Method::GET, &address, Some(KEY), Vec::new()).await;
        assert_eq!(status, StatusCode::OK, "{line}: {body}");
    }
}

store_tests!(every_documented_line_works);
