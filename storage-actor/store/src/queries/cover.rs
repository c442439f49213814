//! A stretch of time as the fewest buckets that fill it, and the edges that none fits.

use jiff::Timestamp;

pub(super) const MINUTE: i64 = 60_000_000;

/// The widths that the storage role maintains, in minutes, the widest last.
const WIDTHS: [i64; 3] = [15, 60, 1_440];

/// Whole buckets of one width: those that start from `from` on and before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) width_minutes: i64,
    pub(super) from: i64,
    pub(super) to: i64,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cover {
    pub(super) stretches: Vec<Stretch>,
    /// Rest at the start and at the end, to be summed row by row.
    pub(super) edges: Vec<(i64, i64)>,
}

/// The widest width that divides `minutes`; the narrowest when none does.
pub(super) fn widest(minutes: u32) -> i64 {
    let minutes = i64::from(minutes);
    let fits = WIDTHS.into_iter().filter(|width| minutes >= *width && minutes % *width == 0);
    fits.max().unwrap_or(WIDTHS[0])
}

/// The widest width of which no bucket lies on both sides of an edge; the narrowest when none fits.
pub(super) fn widest_between(edges: &[Timestamp]) -> i64 {
    let fits = |width: &i64| {
        edges.iter().all(|edge| edge.as_microsecond().rem_euclid(width * MINUTE) == 0)
    };
    WIDTHS.into_iter().rev().find(fits).unwrap_or(WIDTHS[0])
}

/// Neighbouring stretches of the same length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) from: i64,
    pub(super) to: i64,
    /// Of each stretch.
    pub(super) length: i64,
}

/// The stretches between ascending edges as few runs: days are alike but where the clock changes.
pub(super) fn runs(edges: &[Timestamp]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for pair in edges.windows(2) {
        let (from, to) = (pair[0].as_microsecond(), pair[1].as_microsecond());
        match runs.last_mut() {
            _ if to <= from => {}
            Some(run) if run.to == from && run.length == to - from => run.to = to,
            _other => runs.push(Run { from, to, length: to - from }),
        }
    }
    runs
}

/// Covers the time from `from` on and before `to`; without an end, all of it.
pub(super) fn of(from: Option<Timestamp>, to: Option<Timestamp>) -> Cover {
    let day = WIDTHS[2] * MINUTE;
    // Without an end, whole days reach further than any row.
    let from = from.map_or(0, Timestamp::as_microsecond).max(0);
    let to = to.map_or(i64::MAX / day * day, Timestamp::as_microsecond);
    let mut cover = Cover::default();
    cover.fill(from, to, WIDTHS.len());
    cover
}

impl Cover {
    /// Fills with buckets of the first `widths` widths, the widest in the middle.
    fn fill(&mut self, from: i64, to: i64, widths: usize) {
        if from >= to {
            return;
        }
        let Some(width_minutes) = widths.checked_sub(1).map(|widest| WIDTHS[widest]) else {
            self.edges.push((from, to));
            return;
        };
        let width = width_minutes * MINUTE;
        let start = from.div_euclid(width) * width;
        let start = if start < from { start.saturating_add(width) } else { start };
        let end = to.div_euclid(width) * width;
        if start >= end {
            self.fill(from, to, widths - 1);
            return;
        }
        self.fill(from, start, widths - 1);
        self.stretches.push(Stretch { width_minutes, from: start, to: end });
        self.fill(end, to, widths - 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_middle_is_of_days_and_the_edges_of_rows() {
        let at = |text: &str| text.parse::<Timestamp>().ok();
        let cover = of(at("2026-11-01T22:50:10Z"), at("2026-11-04T01:20:00Z"));
        let widths: Vec<_> = cover.stretches.iter().map(|part| part.width_minutes).collect();
        assert_eq!(widths, [60, 1_440, 60, 15]);
        assert_eq!(cover.edges.len(), 2);
        assert_eq!(of(None, None).edges, []);
    }

    #[test]
    fn buckets_are_made_of_the_widest_that_divides_them() {
        assert_eq!(widest(60), 60);
        assert_eq!(widest(300), 60);
        assert_eq!(widest(45), 15);
        assert_eq!(widest(2_880), 1_440);
        assert_eq!(widest(7), 15);
    }

    #[test]
    fn a_day_of_another_length_is_a_run_of_its_own() {
        // Midnights of Berlin; on the 25th of October a day has 25 hours.
        let edges = ["23T22", "24T22", "25T23", "26T23", "27T23"];
        let edges: Vec<Timestamp> = edges
            .iter()
            .map(|at| format!("2026-10-{at}:00:00Z").parse().expect("an instant"))
            .collect();
        let hours: Vec<_> = runs(&edges)
            .iter()
            .map(|run| (run.length / MINUTE / 60, (run.to - run.from) / run.length))
            .collect();
        assert_eq!(hours, [(24, 1), (25, 1), (24, 2)]);
        assert_eq!(widest_between(&edges), 60);
        assert_eq!(runs(&edges[..1]), []);
    }

    #[test]
    fn the_widest_width_that_an_offset_allows_is_taken() {
        let at = |text: &str| [text.parse::<Timestamp>().expect("an instant")];
        assert_eq!(widest_between(&at("2026-11-01T00:00:00Z")), 1_440);
        assert_eq!(widest_between(&at("2026-11-01T08:00:00Z")), 60);
        assert_eq!(widest_between(&at("2026-11-01T18:15:00Z")), 15);
    }

    proptest! {
        #[test]
        fn parts_meet_without_gap_or_overlap(from in 0_i64..4_000_000, length in 0_i64..400_000) {
            let (from, to) = (from * 1_000_003, (from + length) * 1_000_003);
            let instant = |micros| Timestamp::from_microsecond(micros).ok();
            let cover = of(instant(from), instant(to));
            let stretches = cover.stretches.iter().map(|part| (part.from, part.to));
            let mut parts: Vec<_> = stretches.chain(cover.edges.iter().copied()).collect();
            parts.sort_unstable();
            let mut at = from;
            for (start, end) in parts {
                prop_assert_eq!(start, at);
                prop_assert!(end > start);
                at = end;
            }
            prop_assert_eq!(at, to);
        }
    }
}
