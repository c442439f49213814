//! An estimate of how many tokens a text is, without a tokeniser.
//!
//! A token of English is about four characters, of code three, of most other scripts one or two. The
//! weights below lie on the high side, so that a prompt within the limit by the estimate is within
//! it by the model's count; `nexus_analysis_estimate_ratio` shows how the two compare.

/// Weight of one token.
const TOKEN: u64 = 60;

/// What `text` weighs; weights add up exactly, whatever way a text is cut.
pub(crate) fn weight(text: &str) -> u64 {
    text.chars().map(weight_of).sum()
}

/// How many tokens a weight is, rounded up.
pub(crate) fn tokens(weight: u64) -> u64 {
    weight.div_ceil(TOKEN)
}

/// The weight of so many tokens.
pub(crate) fn weight_of_tokens(tokens: u64) -> u64 {
    tokens.saturating_mul(TOKEN)
}

pub(crate) fn weight_of(char: char) -> u64 {
    match char {
        'a'..='z' | 'A'..='Z' | ' ' => 16,
        '0'..='9' => 30,
        _ if char.is_ascii() => 30,
        _ => 50,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_code_and_other_scripts_are_estimated_on_the_high_side() {
        let prose = "The quick brown fox jumps over the lazy dog and runs away again.";
        assert!((15..=22).contains(&tokens(weight(prose))));
        let code = "fn main() { println!(\"{}\", x[0] + 1); }";
        assert!((14..=20).contains(&tokens(weight(code))));
        assert_eq!(tokens(weight("日本語")), 3);
        assert_eq!(tokens(weight("")), 0);
    }
}
