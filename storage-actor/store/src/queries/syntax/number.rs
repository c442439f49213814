//! Numbers with a comparison: `>50k`, `<=2m`, `1..5`, `300`.

/// A limit that a value must keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub comparison: Comparison,
    pub value: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
}

impl Comparison {
    /// The operator, the same in SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
        }
    }
}

/// The bounds in `text`, in units of 1/`scale`.
pub(super) fn bounds(text: &str, scale: f64) -> Option<Vec<Bound>> {
    if let Some((low, high)) = text.split_once("..") {
        let low = bound(Comparison::AtLeast, low, scale)?;
        let high = bound(Comparison::AtMost, high, scale)?;
        return Some(vec![low, high]);
    }
    let operators = [
        (">=", Comparison::AtLeast),
        ("<=", Comparison::AtMost),
        (">", Comparison::Above),
        ("<", Comparison::Below),
        ("=", Comparison::Equal),
        ("", Comparison::Equal),
    ];
    let (number, comparison) = operators
        .iter()
        .find_map(|(operator, meaning)| Some((text.strip_prefix(operator)?, *meaning)))?;
    Some(vec![bound(comparison, number, scale)?])
}

fn bound(comparison: Comparison, number: &str, scale: f64) -> Option<Bound> {
    Some(Bound { comparison, value: value(number, scale)? })
}

/// A decimal, possibly with `$` before it and `k`, `m` or `b` after it.
fn value(text: &str, scale: f64) -> Option<i64> {
    let text = text.trim().trim_start_matches('$');
    let factor = match text.chars().last()?.to_ascii_lowercase() {
        'k' => 1e3,
        'm' => 1e6,
        'b' => 1e9,
        _digit => 1.0,
    };
    let digits = if factor > 1.0 { &text[..text.len() - 1] } else { text };
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = digits.parse::<f64>().ok().filter(|_| is_decimal)?;
    let scaled = (number * factor * scale).round();
    #[expect(clippy::cast_possible_truncation, reason = "within the range by the check")]
    (scaled < 9e18).then_some(scaled as i64)
}
