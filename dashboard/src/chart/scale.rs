//! Axes that end at round numbers.

/// A scale from zero (or below) to a round number at or above the largest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// About four gridlines over the values; numbers that are none are passed over.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = values
            .into_iter()
            .filter(|value| value.is_finite())
            .fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let span = if high - low > 0.0 { high - low } else { 1.0 };
        let step = round_step(span / 4.0);
        Self { low: (low / step).floor() * step, high: ((low + span) / step).ceil() * step, step }
    }

    /// The same over a stretch of milliseconds from zero on, cut as clocks are: at whole seconds, minutes
    /// or hours.
    pub fn of_time(length: f64) -> Self {
        let length = if length.is_finite() && length > 0.0 { length } else { 1.0 };
        let step = clock_step(length / 4.0);
        Self { low: 0.0, high: (length / step).ceil() * step, step }
    }

    /// Where `value` lies, 0 at the bottom and 1 at the top.
    pub fn share(&self, value: f64) -> f64 {
        if !value.is_finite() {
            return 0.0;
        }
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    pub fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut tick = self.low;
        while tick <= self.high + self.step / 2.0 && ticks.len() < 20 {
            ticks.push(if tick.abs() < self.step / 1e6 { 0.0 } else { tick });
            tick += self.step;
        }
        ticks
    }
}

const SECOND: f64 = 1_000.0;
const HOUR: f64 = 3_600.0 * SECOND;

fn clock_step(rough: f64) -> f64 {
    const SECONDS: [f64; 12] =
        [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0];
    if rough <= SECOND / 2.0 {
        return round_step(rough);
    }
    let mut steps = SECONDS.into_iter().map(|seconds| seconds * SECOND);
    steps.find(|step| *step >= rough).unwrap_or_else(|| {
        let hours = rough / HOUR;
        if hours <= 1.0 { HOUR } else { round_step(hours) * HOUR }
    })
}

/// 1, 2 or 5 times a power of ten.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = match rough / power {
        f if f <= 1.0 => 1.0,
        f if f <= 2.0 => 2.0,
        f if f <= 5.0 => 5.0,
        _ => 10.0,
    };
    factor * power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!(Scale::of([7.0]).ticks(), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(Scale::of([0.0]).ticks().last(), Some(&1.0));
        assert_eq!(Scale::of([1234.0]).ticks().last(), Some(&1500.0));
    }

    #[test]
    fn time_is_cut_as_clocks_are() {
        let ticks = |length| Scale::of_time(length).ticks();
        assert_eq!(ticks(1_000.0), [0.0, 500.0, 1_000.0]);
        assert_eq!(ticks(660_000.0), [0.0, 300_000.0, 600_000.0, 900_000.0]);
        assert_eq!(ticks(4.0 * HOUR), [0.0, HOUR, 2.0 * HOUR, 3.0 * HOUR, 4.0 * HOUR]);
        assert_eq!(ticks(f64::NAN).first(), Some(&0.0));
    }

    proptest! {
        #[test]
        fn every_value_is_on_the_axis(values in prop::collection::vec(-1e9..1e12, 1..20)) {
            let scale = Scale::of(values.clone());
            let ticks = scale.ticks();
            prop_assert!((3..=8).contains(&ticks.len()), "{ticks:?}");
            for value in values {
                prop_assert!(value <= ticks[ticks.len() - 1] * 1.0001 + 1e-9 && value >= ticks[0] * 1.0001 - 1e-9);
                prop_assert!((0.0..=1.0).contains(&scale.share(value)));
            }
        }
    }
}
