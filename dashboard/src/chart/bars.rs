//! Stacked bars over time.

use super::{
    Chart, Data, Scale,
    parts::{self, count, plot_height, put},
};

/// A bar is never wider than this share of the plot.
const WIDEST: f64 = 0.06;
/// The plot's own width, which the browser stretches.
const WIDTH: f64 = 1000.0;

/// One bar a point, the series stacked.
pub fn bars(data: &Data) -> Chart {
    let points = data.labels.len();
    let sum = |index: usize| -> f64 { data.series.iter().map(|s| value(&s.values, index)).sum() };
    let scale = Scale::of((0..points).map(sum).chain(data.limit));
    let mut svg = parts::open(&data.title, parts::HEIGHT, "bars");
    parts::grid(&mut svg, &scale, data.unit);
    let step = 1.0 / count(points.max(1));
    let height = plot_height();
    put(
        &mut svg,
        format_args!(
            r#"<svg width="100%" height="{height}" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none">"#
        ),
    );
    let mut bases = vec![0.0; points];
    for (number, series) in data.series.iter().enumerate() {
        let path = stacked(&series.values, &mut bases, step, &scale);
        put(&mut svg, format_args!(r#"<path class="f{}" d="{path}"/>"#, series.colour(number)));
    }
    svg.push_str("</svg>");
    limit(&mut svg, data.limit, &scale);
    for index in 0..points {
        parts::hit(&mut svg, step * count(index), step, &data.tip(index), index == 0);
    }
    parts::labels(&mut svg, &data.labels, |index| step * (count(index) + 0.5));
    parts::close(&mut svg);
    data.finish(svg)
}

/// The bars of one series on top of those before it: one path, since each bar as an element of its own
/// would be most of the page's.
fn stacked(values: &[f64], bases: &mut [f64], step: f64, scale: &Scale) -> String {
    let width = (step * 0.72).min(WIDEST);
    let mut path = String::new();
    for (index, base) in bases.iter_mut().enumerate() {
        let value = value(values, index);
        let (low, high) = (scale.share(*base), scale.share(*base + value));
        *base += value;
        if high > low {
            let left = step * count(index) + (step - width) / 2.0;
            put(
                &mut path,
                format_args!(
                    "M{:.1} {:.1}h{wide:.1}v{:.1}h-{wide:.1}z",
                    WIDTH * left,
                    plot_height() * (1.0 - high),
                    plot_height() * (high - low),
                    wide = WIDTH * width
                ),
            );
        }
    }
    path
}

pub(super) fn limit(svg: &mut String, limit: Option<f64>, scale: &Scale) {
    if let Some(limit) = limit {
        let y = plot_height() * (1.0 - scale.share(limit));
        put(svg, format_args!(r#"<line class="limit" x2="100%" y1="{y:.1}" y2="{y:.1}"/>"#));
    }
}

pub(super) fn value(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().filter(|value| value.is_finite()).unwrap_or(0.0)
}
