//! Stacked bars over time.

use super::{
    Chart, Data, Scale,
    parts::{self, LEFT, RIGHT, TOP, WIDTH, count, put},
};

/// One bar a point, the series stacked.
pub fn bars(data: &Data) -> Chart {
    let points = data.labels.len();
    let sum = |index: usize| -> f64 { data.series.iter().map(|s| value(&s.values, index)).sum() };
    let scale = Scale::of((0..points).map(sum).chain(data.limit));
    let mut svg = parts::open(&data.title, parts::HEIGHT, "bars");
    parts::grid(&mut svg, &scale, data.unit);
    let step = (WIDTH - LEFT - RIGHT) / count(points.max(1));
    let width = (step * 0.72).clamp(1.0, 48.0);
    let left = |index: usize| LEFT + step * count(index) + (step - width) / 2.0;
    for index in 0..points {
        let mut base = 0.0;
        for (number, series) in data.series.iter().enumerate() {
            let value = value(&series.values, index);
            let (low, high) = (scale.share(base), scale.share(base + value));
            base += value;
            if high > low {
                let (y, height) = (
                    TOP + parts::plot_height() * (1.0 - high),
                    parts::plot_height() * (high - low),
                );
                put(
                    &mut svg,
                    format_args!(
                        r#"<rect class="f{}" x="{:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"/>"#,
                        series.colour(number),
                        left(index)
                    ),
                );
            }
        }
    }
    limit(&mut svg, data.limit, &scale);
    for index in 0..points {
        parts::hit(&mut svg, LEFT + step * count(index), step, &data.tip(index), index == 0);
    }
    parts::labels(&mut svg, &data.labels, |index| LEFT + step * (count(index) + 0.5));
    svg.push_str("</svg>");
    data.finish(svg)
}

pub(super) fn limit(svg: &mut String, limit: Option<f64>, scale: &Scale) {
    if let Some(limit) = limit {
        let y = TOP + parts::plot_height() * (1.0 - scale.share(limit));
        put(svg, format_args!(r#"<path class="limit" d="M{LEFT} {y:.1}H{}"/>"#, WIDTH - RIGHT));
    }
}

pub(super) fn value(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().filter(|value| value.is_finite()).unwrap_or(0.0)
}
