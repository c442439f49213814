//! The part of a system prompt that stays the same through a session.

use nexus_messages::{request::Request, text::without_reminders};

use crate::hash::Hash;

/// Headings behind which a system prompt speaks of the moment: what follows them is left out.
const VOLATILE: [&str; 8] = [
    "# Environment",
    "# gitStatus",
    "gitStatus:",
    "<env>",
    "Here is useful information about the environment",
    "Here is some useful information about the environment",
    "# currentDate",
    "Today's date",
];

/// The hash of the stable part. It ranks candidates and decides nothing.
pub fn system_hash(request: &Request<'_>) -> Hash {
    let mut stable = String::new();
    for text in request.system_texts() {
        let text = without_reminders(text);
        if text.trim_start().starts_with("x-anthropic-billing-header:") {
            continue;
        }
        let (text, cut) = before_volatile(&text);
        stable.push_str(text.trim());
        stable.push('\n');
        if cut {
            break;
        }
    }
    Hash::of(stable)
}

fn before_volatile(text: &str) -> (&str, bool) {
    let mark = VOLATILE.iter().filter_map(|heading| at_line_start(text, heading)).min();
    mark.map_or((text, false), |at| (&text[..at], true))
}

fn at_line_start(text: &str, heading: &str) -> Option<usize> {
    let mut found = text.match_indices(heading).map(|(at, _)| at);
    found.find(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n')
}
