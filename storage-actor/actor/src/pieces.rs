//! How much of a batch one transaction takes.

/// Events in one transaction: enough for most exchanges to have both halves in it, which then are
/// written at once. Where 64 run at a time, their halves are some 128 events apart.
const MAX_EVENTS: usize = 512;

/// Raw bytes of their bodies: what is read and not yet stored is in memory. A larger body has a
/// transaction to itself.
const MAX_BYTES: u64 = 4 << 20;

/// The events in their order, in pieces of a transaction each; `size` gives an event's bytes.
pub fn pieces<T>(mut events: &[T], size: impl Fn(&T) -> u64) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |event: &&T| {
            bytes += size(event);
            bytes <= MAX_BYTES
        };
        let count = events.iter().take(MAX_EVENTS).take_while(fits).count().max(1);
        let (piece, rest) = events.split_at_checked(count)?;
        events = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(sizes: &[u64]) -> Vec<usize> {
        pieces(sizes, |size| *size).map(<[u64]>::len).collect()
    }

    #[test]
    fn a_transaction_is_bounded_in_events_and_bytes() {
        assert!(lengths(&[]).is_empty());
        assert_eq!(lengths(&[1; 600]), [512, 88]);
        let half = MAX_BYTES / 2;
        assert_eq!(lengths(&[half, half, 1, half, 4 * MAX_BYTES, 1, 1]), [2, 2, 1, 2]);
    }
}
