//! The nearest known name for one that is not known.

/// The candidate with the smallest edit distance, when it is near enough to be meant.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (wrong.len() / 3).max(2);
    candidates
        .into_iter()
        .map(|candidate| (distance(wrong, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, by bytes, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_name_and_nonsense_finds_none() {
        let names = ["NEXUS_DATA_DIR", "NEXUS_CAPTURE", "PORT"];
        assert_eq!(nearest("NEXUS_DATADIR", names), Some("NEXUS_DATA_DIR"));
        assert_eq!(nearest("NEXUS_CAPTRUE", names), Some("NEXUS_CAPTURE"));
        assert_eq!(nearest("NEXUS_ELEPHANT_HOUSE", names), None);
    }
}
