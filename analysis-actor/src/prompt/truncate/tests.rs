use proptest::prelude::*;

use super::*;

fn entry(text: String) -> Entry {
    Entry { from: "human", text }
}

fn words(count: usize, index: usize) -> String {
    format!("m{index} {}", "word ".repeat(count)).trim_end().to_owned()
}

fn config() -> Truncation {
    Truncation {
        max_prompt_tokens: 100_000,
        target_tokens: 800,
        first_tokens: 200,
        last_tokens: 400,
        head_messages: 2,
        tail_messages: 3,
    }
}

/// Every message that is kept, in order.
fn all(truncated: &Truncated) -> Vec<&str> {
    truncated.head.iter().chain(&truncated.tail).map(|entry| entry.text.as_str()).collect()
}

fn is_from(original: &str, kept: &str) -> bool {
    let (begin, end) = kept.split_once("\n[… about ").unwrap_or((kept, ""));
    let end = end.split_once("cut …]\n").map_or("", |(_, end)| end);
    original.starts_with(begin) && original.ends_with(end)
}

#[test]
fn within_the_target_nothing_changes() {
    let entries = (0..5).map(|index| entry(words(10, index))).collect::<Vec<_>>();
    let truncated = truncate(entries.clone(), &config(), 10_000);
    assert_eq!(truncated, Truncated { head: Vec::new(), gap: None, tail: entries });
}

#[test]
fn a_long_one_keeps_head_and_tail_and_tells_what_is_missing() {
    let entries = (0..100).map(|index| entry(words(20, index))).collect::<Vec<_>>();
    let truncated = truncate(entries.clone(), &config(), 10_000);
    let gap = truncated.gap.expect("messages are left out");
    let (head, tail) = (truncated.head.len(), truncated.tail.len());
    assert_eq!(head + gap.messages + tail, 100);
    assert_eq!(truncated.head, entries[..head]);
    assert_eq!(truncated.tail, entries[100 - tail..]);
    assert_eq!(gap.tokens, size(&entries[head..100 - tail]));
    assert!(size(&truncated.head) <= 200 && size(&truncated.tail) <= 400, "more than the least");
    assert!(head > 2 && tail > 3);
    assert!(gap.marker().contains(&gap.messages.to_string()));
}

#[test]
fn the_least_number_of_messages_is_kept_and_oversize_ones_are_cut() {
    let entries = (0..10).map(|index| entry(words(1_000, index))).collect::<Vec<_>>();
    let truncated = truncate(entries.clone(), &config(), 10_000);
    assert_eq!((truncated.head.len(), truncated.tail.len()), (2, 3));
    assert!(all(&truncated).iter().all(|text| text.contains("tokens cut")));
    assert!(truncated.tail.iter().all(|entry| tokens(weight(&entry.text)) <= 400));
}

#[test]
fn below_both_numbers_nothing_is_left_out() {
    let entries = (0..5).map(|index| entry(words(1_000, index))).collect::<Vec<_>>();
    let truncated = truncate(entries, &config(), 10_000);
    assert_eq!((all(&truncated).len(), truncated.gap), (5, None));
}

/// How many messages are kept at the start and at the end.
fn ends(entries: &[Entry], config: &Truncation) -> (usize, usize) {
    let truncated = truncate(entries.to_vec(), config, 10_000);
    (truncated.head.len(), truncated.tail.len())
}

#[test]
fn each_setting_moves_its_own_end() {
    let short = (0..100).map(|index| entry(words(20, index))).collect::<Vec<_>>();
    let (head, tail) = ends(&short, &config());
    let whole = Truncation { target_tokens: 9_000, ..config() };
    assert_eq!(ends(&short, &whole), (0, 100), "it fits as it is");
    let more_at_first = ends(&short, &Truncation { first_tokens: 300, ..config() });
    assert!(more_at_first.0 > head && more_at_first.1 == tail, "{more_at_first:?}");
    let more_at_last = ends(&short, &Truncation { last_tokens: 600, ..config() });
    assert!(more_at_last.0 == head && more_at_last.1 > tail, "{more_at_last:?}");

    let long = (0..10).map(|index| entry(words(1_000, index))).collect::<Vec<_>>();
    assert_eq!(ends(&long, &config()), (2, 3));
    assert_eq!(ends(&long, &Truncation { head_messages: 4, ..config() }), (4, 3));
    assert_eq!(ends(&long, &Truncation { tail_messages: 5, ..config() }), (2, 5));
}

#[test]
fn the_limit_wins_over_everything() {
    let entries = (0..50).map(|index| entry(words(1_000, index))).collect::<Vec<_>>();
    let greedy = Truncation { head_messages: 50, tail_messages: 50, ..config() };
    let truncated = truncate(entries, &greedy, 500);
    assert!(size(&truncated.head) + size(&truncated.tail) + FRAME_TOKENS <= 500);
    let last = truncated.tail.last().expect("the last message stays");
    assert!(last.text.starts_with("m49"));
    assert!(truncated.gap.is_some());
}

proptest! {
    #[test]
    fn order_head_tail_limit_and_marker_hold(
        sizes in prop::collection::vec(0_usize..150, 1..40),
        limit in 200_u64..20_000,
        target in 0_u64..3_000,
        first in 0_u64..500,
        last in 0_u64..900,
        head in 0_usize..8,
        tail in 1_usize..8,
    ) {
        let entries = sizes
            .iter()
            .enumerate()
            .map(|(index, size)| entry(words(*size, index)))
            .collect::<Vec<_>>();
        let config = Truncation {
            max_prompt_tokens: limit,
            target_tokens: target,
            first_tokens: first,
            last_tokens: last,
            head_messages: head,
            tail_messages: tail,
        };
        let truncated = truncate(entries.clone(), &config, limit);
        let kept = all(&truncated);
        let gap = truncated.gap.map_or(0, |gap| gap.messages);
        let all_tokens = size(&truncated.head) + size(&truncated.tail)
            + truncated.gap.map_or(0, |_| FRAME_TOKENS);
        prop_assert!(all_tokens <= limit + 1, // each part is rounded up
             "{all_tokens} of {limit}");
        prop_assert_eq!(kept.len() + gap, entries.len(), "the marker is true");
        for (index, text) in truncated.head.iter().map(|e| &e.text).enumerate() {
            prop_assert!(is_from(&entries[index].text, text));
        }
        let first_of_tail = entries.len() - truncated.tail.len();
        for (index, text) in truncated.tail.iter().map(|e| &e.text).enumerate() {
            prop_assert!(is_from(&entries[first_of_tail + index].text, text));
        }
        if size(&entries) <= target.min(limit.saturating_sub(FRAME_TOKENS)) {
            prop_assert_eq!(&truncated.tail, &entries);
        } else if limit >= 200 + 600 * (head + tail) as u64 {
            prop_assert!(truncated.tail.len() >= tail.min(entries.len()));
            let rest = entries.len() - truncated.tail.len();
            prop_assert!(truncated.head.len() >= head.min(rest));
        }
    }
}
