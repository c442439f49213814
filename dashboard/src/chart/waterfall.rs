//! What happened when, as bars on one time axis, a lane for the main branch and each sub-agent.

use super::{
    Scale, Unit,
    parts::{count, escape, labelled, put},
};

const LANE: f64 = 28.0;
const TOP: f64 = 24.0;
/// A pause longer than this is cut short, to this.
const IDLE: f64 = 30_000.0;
const FOLDED: f64 = 3_000.0;
/// Per cent of the width, on a desk, that a letter of a bar's name takes, and the space beside it. Names
/// may be cut off where they would take more than the last.
const LETTER: f64 = 0.65;
const SPACE: f64 = 1.4;
const NAMED: f64 = 6.0;

/// One stretch of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub lane: usize,
    pub from_ms: f64,
    pub to_ms: f64,
    pub kind: BarKind,
    /// What stands on it where there is room.
    pub name: String,
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
        r#"<svg class="chart wf" height="{height}" role="group" aria-label="{}">"#,
        escape(title)
    );
    for (index, lane) in lanes.iter().enumerate() {
        push_lane(&mut svg, lane, TOP + LANE * count(index));
    }
    put(&mut svg, format_args!(r#"<svg class="plot" width="100%" height="{height}">"#));
    push_ticks(&mut svg, &axis, height);
    for (from, to, idle) in axis.folds() {
        let tip = format!("{} without anything to do, folded", Unit::Millis.text(idle));
        put(
            &mut svg,
            format_args!(
                r#"<rect class="gap" x="{:.2}%" y="{TOP}" width="{:.2}%" height="{}" data-tip="{tip}"/>"#,
                axis.share(from),
                axis.share(to - from),
                height - TOP
            ),
        );
    }
    for (index, bar) in bars.iter().enumerate() {
        push_bar(&mut svg, bar, &axis, index == 0);
    }
    svg.push_str("</svg></svg>");
    svg
}

fn push_lane(svg: &mut String, lane: &str, y: f64) {
    let lane = escape(lane);
    put(
        svg,
        format_args!(
            r#"<rect class="lane" x="-132" y="{0}" width="132" height="{1}"/><rect class="lane" y="{0}" width="100%" height="{1}"/><svg x="-132" width="124" height="{2}"><text class="name" x="8" y="{3}">{lane}<title>{lane}</title></text></svg>"#,
            y + 2.0,
            LANE - 4.0,
            y + LANE,
            y + 18.0,
        ),
    );
}

fn push_ticks(svg: &mut String, axis: &Axis, height: f64) {
    let ticks = Scale::of_time(axis.length).ticks();
    for tick in ticks.into_iter().filter(|tick| *tick <= axis.length) {
        let x = axis.share(tick);
        put(
            svg,
            format_args!(
                r#"<line class="gridline" x1="{x:.2}%" x2="{x:.2}%" y1="{TOP}" y2="{height}"/><text x="{x:.2}%" y="14" text-anchor="middle" aria-hidden="true">{}</text>"#,
                clock(tick)
            ),
        );
    }
}

/// The name of a tick, which stands at a whole second, minute or hour.
fn clock(tick: f64) -> String {
    if tick == 0.0 {
        return "0".into();
    }
    let text = Unit::Millis.text(tick);
    let whole = text.strip_suffix(" 00 s").or_else(|| text.strip_suffix(" 00 m"));
    whole.map_or_else(|| text.clone(), str::to_owned)
}

fn push_bar(svg: &mut String, bar: &Bar, axis: &Axis, first: bool) {
    let (from, to) = (axis.busy(bar.from_ms), axis.busy(bar.to_ms));
    let (x, width) = (axis.share(from), axis.share(to - from));
    let (tip, focus) = (escape(&bar.tip), if first { 0 } else { -1 });
    let class = bar.kind.class();
    let needed = (SPACE + LETTER * count(bar.name.chars().count())).min(NAMED);
    let shape = if width >= needed && !bar.name.is_empty() {
        labelled(r#"width="100%" height="100%""#, class, &escape(&bar.name))
    } else {
        format!(r#"<rect class="{class}" width="100%" height="100%" rx="2"/>"#)
    };
    put(
        svg,
        format_args!(
            r#"<a href="{}" tabindex="{focus}" data-tip aria-label="{tip}"><svg x="{x:.2}%" y="{:.1}" width="{:.2}%" height="{}">{shape}</svg></a>"#,
            escape(&bar.href),
            TOP + LANE * count(bar.lane) + 4.0,
            width.max(0.2),
            LANE - 8.0
        ),
    );
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

    /// The folded pauses: from and to on the axis, and how long they were.
    fn folds(&self) -> impl Iterator<Item = (f64, f64, f64)> {
        self.stretches.windows(2).map(|pair| (pair[1].2 - FOLDED, pair[1].2, pair[1].0 - pair[0].1))
    }

    /// Per cent of the width.
    fn share(&self, value: f64) -> f64 {
        100.0 * (value / self.length).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(from_ms: f64, to_ms: f64) -> Bar {
        let (tip, name) = ("<".into(), "<i>".into());
        Bar { lane: 0, from_ms, to_ms, kind: BarKind::Model, name, tip, href: "#".into() }
    }

    #[test]
    fn a_long_pause_is_folded_and_order_is_kept() {
        let bars = [bar(0.0, 1000.0), bar(3_600_000.0, 3_601_000.0)];
        let axis = Axis::of(&bars);
        assert!((axis.length - 5000.0).abs() < 1.0);
        let places: Vec<f64> =
            [0.0, 500.0, 1000.0, 60_000.0, 3_600_000.0, 3_601_000.0].map(|at| axis.busy(at)).into();
        assert!(places.windows(2).all(|pair| pair[0] <= pair[1]), "{places:?}");
        assert!(waterfall("t", &["main".into()], &bars).contains("59 m 59 s without anything"));
    }

    #[test]
    fn ticks_are_told_without_what_is_nothing() {
        let told = [0.0, 500.0, 300_000.0, 330_000.0, 7_200_000.0, 5_400_000.0].map(clock);
        assert_eq!(told, ["0", "500 ms", "5 m", "5 m 30 s", "2 h", "1 h 30 m"]);
    }

    #[test]
    fn nothing_at_all_is_drawn_without_numbers_that_are_none() {
        let svg = waterfall("t", &["main".into()], &[]);
        assert!(!svg.contains("NaN"));
        let svg = waterfall("t", &["<b>".into()], &[bar(1.0, 0.0), bar(1.0, 9.0)]);
        assert!(svg.contains("&lt;b&gt;") && svg.contains("&lt;i&gt;") && !svg.contains("<i>"));
    }
}
