//! Stacked bars over time.

use super::{
    Chart, Data, Scale,
    parts::{self, count, plot_height, put},
};

/// A bar is never wider than this share of the plot.
const WIDEST: f64 = 0.06;

/// One bar a point, the series stacked.
pub fn bars(data: &Data) -> Chart {
    let points = data.labels.len();
    let sum = |index: usize| -> f64 { data.series.iter().map(|s| value(&s.values, index)).sum() };
    let scale = Scale::of((0..points).map(sum).chain(data.limit));
    let mut svg = parts::open(&data.title, parts::HEIGHT, "bars");
    parts::grid(&mut svg, &scale, data.unit);
    let step = 1.0 / count(points.max(1));
    let width = (step * 0.72).min(WIDEST);
    for index in 0..points {
        let left = step * count(index) + (step - width) / 2.0;
        let mut base = 0.0;
        for (number, series) in data.series.iter().enumerate() {
            let value = value(&series.values, index);
            let (low, high) = (scale.share(base), scale.share(base + value));
            base += value;
            if high > low {
                let (y, height) = (plot_height() * (1.0 - high), plot_height() * (high - low));
                put(
                    &mut svg,
                    format_args!(
                        r#"<rect class="f{}" x="{:.2}%" y="{y:.1}" width="{:.2}%" height="{height:.1}"/>"#,
                        series.colour(number),
                        left * 100.0,
                        width * 100.0
                    ),
                );
            }
        }
    }
    limit(&mut svg, data.limit, &scale);
    for index in 0..points {
        parts::hit(&mut svg, step * count(index), step, &data.tip(index), index == 0);
    }
    parts::labels(&mut svg, &data.labels, |index| step * (count(index) + 0.5));
    parts::close(&mut svg);
    data.finish(svg)
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
