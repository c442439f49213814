//! Pieces of SVG that most charts share.
//!
//! Along the time, places are shares of the width, so that a chart fills whatever it stands in while
//! its letters and strokes keep their size; heights are pixels.

use super::{Scale, Unit};
pub use crate::view::put;

pub const HEIGHT: f64 = 200.0;
pub const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;
/// Pixels that a plot is wide at least on a desk: names of points are thinned out by it.
const USUAL: f64 = 560.0;
/// And on a phone: a name at the end of the axis must not leave the chart there.
const NARROW: f64 = 260.0;
/// Pixels between the end of a plot and the edge of its card.
const MARGIN: f64 = 20.0;
/// Pixels of a letter below the axis.
const LETTER: f64 = 6.2;

pub fn escape(text: &str) -> String {
    crate::view::escape(text)
}

/// Opens a chart and the plot in it; [`close`] ends both. The values beside the axis stand in the
/// margin that the style sheet leaves (`.chart`): a share less a length is no width in SVG.
pub fn open(title: &str, height: f64, class: &str) -> String {
    format!(
        r#"<svg class="chart {class}" height="{height}" role="group" aria-label="{}"><svg class="plot" y="{TOP}" width="100%" height="{}">"#,
        escape(title),
        height - TOP
    )
}

pub fn close(out: &mut String) {
    out.push_str("</svg></svg>");
}

pub const fn plot_height() -> f64 {
    HEIGHT - TOP - BOTTOM
}

/// Gridlines with their values.
pub fn grid(out: &mut String, scale: &Scale, unit: Unit) {
    for tick in scale.ticks() {
        let y = plot_height() * (1.0 - scale.share(tick));
        let class = if tick == 0.0 { "axis" } else { "gridline" };
        put(
            out,
            format_args!(
                r#"<line class="{class}" x2="100%" y1="{y:.1}" y2="{y:.1}"/><text x="-8" y="{:.1}" text-anchor="end" aria-hidden="true">{}</text>"#,
                y + 4.0,
                escape(&unit.text(tick))
            ),
        );
    }
}

/// As many names of points as fit below the axis; every other one goes where there is little room, and
/// one that would be cut off at the end.
pub fn labels(out: &mut String, labels: &[String], share: impl Fn(usize) -> f64) {
    let named = named(labels);
    let longest = named.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(1).max(1);
    let width = count(longest) * LETTER;
    let fit = (USUAL / (width + 18.0)).max(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and positive"
    )]
    let every = (count(named.len()) / fit).ceil().max(1.0) as usize;
    let has_room = |index: usize| (1.0 - share(index)) * NARROW + MARGIN >= width / 2.0;
    let shown = named.into_iter().step_by(every).filter(|(index, _)| has_room(*index));
    for (number, (index, label)) in shown.enumerate() {
        let class = if number % 2 == 1 { r#" class="alt""# } else { "" };
        put(
            out,
            format_args!(
                r#"<text{class} x="{:.2}%" y="{}" text-anchor="middle" aria-hidden="true">{}</text>"#,
                share(index) * 100.0,
                plot_height() + 18.0,
                escape(label)
            ),
        );
    }
}

/// The points that may be named. Where hours of several days follow each other, midnights are, by
/// their day: names every so many hours would stand at another hour of each day.
fn named(labels: &[String]) -> Vec<(usize, &str)> {
    let points = || labels.iter().map(String::as_str).enumerate();
    let days: Vec<_> = points()
        .filter_map(|(index, label)| Some((index, label.strip_suffix(" 00:00")?)))
        .collect();
    if days.len() > 1 { days } else { points().collect() }
}

/// A box with a label that ends in an ellipsis where the box does: letters of SVG would be cut through.
/// `place` are its attributes x, y, width and height; `label` is HTML.
pub fn labelled(place: &str, class: &str, label: &str) -> String {
    format!(
        r#"<foreignObject {place}><div class="bar {class}"><span>{label}</span></div></foreignObject>"#
    )
}

/// The column over a point that takes pointer and focus. The tip is its name, which a screen reader
/// says as well.
pub fn hit(out: &mut String, from: f64, width: f64, tip: &str, first: bool) {
    let (tip, focus) = (escape(tip), if first { 0 } else { -1 });
    put(
        out,
        format_args!(
            r#"<rect class="hit" x="{:.2}%" width="{:.2}%" height="{}" tabindex="{focus}" role="img" aria-label="{tip}" data-tip/>"#,
            from * 100.0,
            width * 100.0,
            plot_height()
        ),
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts of points, far below 2^52")]
pub const fn count(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_of_several_days_names_the_days() {
        let hours = |from: usize, to: usize| {
            (from..to).map(|hour| format!("Nov {} {:02}:00", 1 + hour / 24, hour % 24))
        };
        let names = |labels: &[String]| {
            let mut out = String::new();
            super::labels(&mut out, labels, |index| count(index) / count(labels.len()));
            out.matches("Nov ").count()
        };
        let week: Vec<String> = hours(5, 7 * 24).collect();
        assert_eq!(named(&week).first(), Some(&(19, "Nov 2")));
        assert_eq!((named(&week).len(), names(&week)), (6, 6));
        let day: Vec<String> = hours(1, 20).collect();
        assert_eq!(named(&day).len(), day.len(), "no midnight, no days");
        assert!(names(&day) > 1);
    }
}
