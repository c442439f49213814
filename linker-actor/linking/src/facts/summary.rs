//! Summaries: what a compaction's answer says, and what the continuation repeats of it.

use crate::hash::Hash;
use nexus_messages::text::{continuation, without_reminders};

/// Lengths of probes in characters, white space left out. A summary is compared by the longest that
/// it fills; one shorter than the first could collide and is compared with nothing.
const LEVELS: [usize; 5] = [64, 128, 256, 512, 1024];

/// What stands before the summary in a continuation, newest clients first; older ones put the
/// analysis before it, in which the word may stand, too, and a plain summary only has a line break
/// before it.
const MARKS: [&str; 6] = [
    "Summary:",
    "\nSummary:",
    "<summary>",
    "The conversation is summarized below:",
    "summarized below:",
    "\n",
];
/// How a continuation begins that is the summary alone, as the SDKs write it.
const BARE: &str = "<summary>";

/// The probe of a summarising answer's text: of its `<summary>`, or of the whole where that was asked
/// for and has no such tag.
pub fn answer_probe(text: &str, asked_for: bool) -> Option<Hash> {
    // The analysis may speak of the tag, and is no part of a plain summary either.
    let behind = text.split_once("</analysis>").map_or(text, |(_, behind)| behind);
    let summary = tagged(behind).or_else(|| tagged(text)).or(asked_for.then_some(behind))?;
    probes(summary).pop()
}

/// What stands in the first `<summary>`, as clients read it; an unclosed one goes to the end.
fn tagged(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<summary>")?;
    Some(rest.split_once("</summary>").map_or(rest, |(inside, _)| inside))
}

/// The probes that the summary in a continuation could match, or `None` when `text` is none.
pub fn continuation_probes(text: &str) -> Option<Vec<Hash>> {
    let text = without_reminders(text);
    let bare = text.trim_start();
    let text = continuation(&text).or(bare.starts_with(BARE).then_some(bare))?;
    let starts = MARKS.iter().filter_map(|mark| text.split_once(mark).map(|(_, rest)| rest));
    let mut found: Vec<_> = starts.flat_map(probes).collect();
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// One probe per level that `summary` fills, shortest first.
fn probes(summary: &str) -> Vec<Hash> {
    let summary = without_reminders(summary);
    let mut letters = summary.chars().filter(|letter| !letter.is_whitespace());
    let mut probe = String::with_capacity(LEVELS[LEVELS.len() - 1]);
    let mut taken = 0;
    let mut hashes = Vec::new();
    for level in LEVELS {
        let before = taken;
        for letter in letters.by_ref().take(level - before) {
            probe.push(letter);
            taken += 1;
        }
        if taken < level {
            break;
        }
        hashes.push(Hash::of_parts(&[&level.to_be_bytes(), probe.as_bytes()]));
    }
    hashes
}

#[cfg(test)]
mod tests {
    use nexus_messages::text::CONTINUED;

    use super::*;

    const SUMMARY: &str = "1. Primary Request and Intent: the user wanted the apples counted and sorted.\n\
        2. Files: notes.txt was read, twice, and changed once.";

    #[test]
    fn a_continuation_holds_the_summary_of_the_answer() {
        let answer = format!("<analysis>\nx\n</analysis>\n\n<summary>\n{SUMMARY}\n</summary>");
        let probe = answer_probe(&answer, false).expect("long enough");
        let newer = format!(
            "{CONTINUED} that ran out of context. The summary below covers it.\n\n\
            <system-reminder>tools</system-reminder>\nSummary:\n{SUMMARY}\n\nIf you need details"
        );
        assert!(continuation_probes(&newer).expect("a continuation").contains(&probe));
        let older = format!(
            "{CONTINUED} that ran out of context. \
            The conversation is summarized below:\n{SUMMARY}.\nPlease continue"
        );
        let plain = answer_probe(SUMMARY, true).expect("long enough");
        assert!(continuation_probes(&older).expect("a continuation").contains(&plain));
    }

    #[test]
    fn a_plain_summary_and_a_bare_one_are_found_too() {
        let plain = answer_probe(SUMMARY, true).expect("long enough");
        let newer =
            format!("{CONTINUED} that ran out of context. It follows.\n\n{SUMMARY}\n\nMore");
        assert!(continuation_probes(&newer).expect("a continuation").contains(&plain));
        let tagged = format!("<summary>\n{SUMMARY}\n</summary>");
        let probe = answer_probe(&tagged, false).expect("long enough");
        assert!(continuation_probes(&tagged).expect("a continuation").contains(&probe));
    }

    #[test]
    fn an_analysis_that_speaks_of_the_summary_is_none() {
        let tag = "It goes into <summary> tags. Summary: of what was said, all that is of any use.";
        let answer = format!("<analysis>\n{tag}\n</analysis>\n\n<summary>\n{SUMMARY}\n</summary>");
        let probe = answer_probe(&answer, true).expect("long enough");
        let twice = format!("<summary>{SUMMARY}</summary> </summary>");
        assert_eq!(answer_probe(&twice, true), Some(probe));
        let older = format!(
            "{CONTINUED} that ran out of context. \
            The conversation is summarized below:\nAnalysis:\n{tag}\n\nSummary:\n{SUMMARY}.\nGo on"
        );
        assert!(continuation_probes(&older).expect("a continuation").contains(&probe));
    }

    #[test]
    fn too_short_or_not_asked_for_is_no_summary() {
        assert_eq!(answer_probe("<summary>Short.</summary>", true), None);
        assert_eq!(answer_probe(SUMMARY, false), None);
        assert_eq!(continuation_probes("Continue, please."), None);
    }
}
