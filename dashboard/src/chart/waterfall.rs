//! What happened when, as bars on one time axis, a lane for the main branch and each sub-agent.

use super::{
    Scale, Unit,
    parts::{WIDTH, count, escape, put},
};

const LANE: f64 = 26.0;
const TOP: f64 = 22.0;
const LEFT: f64 = 120.0;
/// A pause longer than this share of what is busy is cut short.
const IDLE: f64 = 30_000.0;
const FOLDED: f64 = 3_000.0;

/// One stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub lane: usize,
    pub from_ms: f64,
    pub to_ms: f64,
    pub kind: BarKind,
    pub tip: String,
    pub href: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarKind {
    Model,
    Tool,
    Wait,
    Error,
}

impl BarKind {
    const fn class(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Tool => "tool",
            Self::Wait => "wait",
            Self::Error => "model err",
        }
    }
}

/// The waterfall as SVG. Pauses in which nothing but waiting happened are folded to a short gap.
pub fn waterfall(title: &str, lanes: &[String], bars: &[Bar]) -> String {
    let axis = Axis::of(bars);
    let height = TOP + LANE * count(lanes.len()) + 8.0;
    let mut svg = format!(
        r#"<svg class="chart wf" viewBox="0 0 {WIDTH} {height}" role="group" aria-label="{}">"#,
        escape(title)
    );
    for tick in Scale::of([axis.length]).ticks() {
        if tick <= axis.length {
            let x = axis.x(tick);
            put(
                &mut svg,
                format_args!(
                    r#"<path class="gridline" d="M{x:.1} {TOP}V{height}"/><text x="{x:.1}" y="14" text-anchor="middle" aria-hidden="true">{}</text>"#,
                    Unit::Millis.text(tick)
                ),
            );
        }
    }
    for (index, lane) in lanes.iter().enumerate() {
        let y = TOP + LANE * count(index);
        put(
            &mut svg,
            format_args!(
                r#"<text x="0" y="{:.1}">{}</text>"#,
                y + 17.0,
                escape(&lane.chars().take(17).collect::<String>())
            ),
        );
    }
    for (index, bar) in bars.iter().enumerate() {
        let (from, to) = (axis.x(axis.busy(bar.from_ms)), axis.x(axis.busy(bar.to_ms)));
        let tip = escape(&bar.tip);
        let focus = if index == 0 { 0 } else { -1 };
        put(
            &mut svg,
            format_args!(
                r#"<a href="{}" tabindex="{focus}" data-tip="{tip}" aria-label="{tip}"><rect class="{}" x="{from:.1}" y="{:.1}" width="{:.1}" height="{}" rx="2"/></a>"#,
                escape(&bar.href),
                bar.kind.class(),
                TOP + LANE * count(bar.lane) + 5.0,
                (to - from).max(1.5),
                LANE - 10.0
            ),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Maps an instant to the busy time before it: long pauses take as long as a short one.
struct Axis {
    /// Busy stretches, in order and apart, each with the axis' value at its beginning.
    stretches: Vec<(f64, f64, f64)>,
    length: f64,
}

impl Axis {
    fn of(bars: &[Bar]) -> Self {
        let mut spans: Vec<(f64, f64)> = bars
            .iter()
            .filter(|bar| bar.kind != BarKind::Wait)
            .map(|bar| (bar.from_ms, bar.to_ms.max(bar.from_ms)))
            .collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut stretches: Vec<(f64, f64, f64)> = Vec::new();
        let mut length = 0.0;
        for (from, to) in spans {
            match stretches.last_mut() {
                Some(last) if from - last.1 <= IDLE => {
                    if to > last.1 {
                        length += to - last.1;
                        last.1 = to;
                    }
                }
                last => {
                    length += if last.is_some() { FOLDED } else { 0.0 };
                    stretches.push((from, to, length));
                    length += to - from;
                }
            }
        }
        Self { stretches, length: length.max(1.0) }
    }

    fn busy(&self, at: f64) -> f64 {
        let after = self.stretches.partition_point(|stretch| stretch.0 <= at);
        match after.checked_sub(1).map(|index| self.stretches[index]) {
            Some((from, to, value)) if at <= to => value + at - from,
            Some((from, to, value)) => (value + to - from + (at - to).min(FOLDED)).min(self.length),
            None => 0.0,
        }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + (WIDTH - LEFT - 24.0) * (value / self.length).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(from_ms: f64, to_ms: f64) -> Bar {
        Bar { lane: 0, from_ms, to_ms, kind: BarKind::Model, tip: "<".into(), href: "#".into() }
    }

    #[test]
    fn a_long_pause_is_folded_and_order_is_kept() {
        let axis = Axis::of(&[bar(0.0, 1000.0), bar(3_600_000.0, 3_601_000.0)]);
        assert!((axis.length - 5000.0).abs() < 1.0);
        let places: Vec<f64> =
            [0.0, 500.0, 1000.0, 60_000.0, 3_600_000.0, 3_601_000.0].map(|at| axis.busy(at)).into();
        assert!(places.windows(2).all(|pair| pair[0] <= pair[1]), "{places:?}");
    }

    #[test]
    fn nothing_at_all_is_drawn_without_numbers_that_are_none() {
        let svg = waterfall("t", &["main".into()], &[]);
        assert!(!svg.contains("NaN"));
        assert!(waterfall("t", &["<b>".into()], &[bar(1.0, 0.0)]).contains("&lt;b&gt;"));
    }
}
