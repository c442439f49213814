//! Model names as clients write them, brought to the name that the price list uses.

/// `anthropic.claude-opus-4-1-20250805-v1:0`, `claude-opus-4-1@20250805` and `claude-opus-4-1[1m]`
/// are all `claude-opus-4-1`.
pub(super) fn plain(model: &str) -> String {
    let lower = model.trim().to_ascii_lowercase();
    let name = lower.find("claude").map_or(lower.as_str(), |start| &lower[start..]);
    let name = name.strip_suffix("[1m]").unwrap_or(name);
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    let name = without_version(name);
    let name = name.strip_suffix("-latest").unwrap_or(name);
    without_date(name).replace('.', "-")
}

/// Without Bedrock's `-v1:0`.
fn without_version(name: &str) -> &str {
    match name.rsplit_once("-v") {
        Some((start, version)) if version.bytes().all(|b| b.is_ascii_digit() || b == b':') => start,
        _none => name,
    }
}

/// Without `-20250805`.
fn without_date(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((start, date)) if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) => start,
        _none => name,
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn every_spelling_is_one_name() {
        let spellings = [
            "claude-opus-4-1",
            "claude-opus-4.1",
            "claude-opus-4-1-20250805",
            "anthropic/claude-opus-4.1",
            "us.anthropic.claude-opus-4-1-20250805-v1:0",
            "claude-opus-4-1@20250805",
            "Claude-Opus-4-1[1m]",
            "claude-opus-4-1-latest",
        ];
        for spelling in spellings {
            assert_eq!(plain(spelling), "claude-opus-4-1", "{spelling}");
        }
        assert_eq!(plain("gpt-6"), "gpt-6");
    }
}
