//! Lines over time.

use super::{
    Chart, Data, Scale,
    bars::{limit, value},
    parts::{self, count, plot_height, put},
};

/// The curve's own width, which the browser stretches; its strokes keep theirs.
const WIDTH: f64 = 1000.0;

/// One line a series; the only one gets an area below it.
pub fn lines(data: &Data) -> Chart {
    let points = data.labels.len();
    let all = data.series.iter().flat_map(|series| series.values.iter().copied());
    let scale = Scale::of(all.chain(data.limit));
    let mut svg = parts::open(&data.title, parts::HEIGHT, "lines");
    parts::grid(&mut svg, &scale, data.unit);
    let height = plot_height();
    put(
        &mut svg,
        format_args!(
            r#"<svg width="100%" height="{height}" viewBox="0 0 {WIDTH} {height}" preserveAspectRatio="none">"#
        ),
    );
    for (number, series) in data.series.iter().enumerate() {
        let path = path(&series.values, points, &scale);
        if data.series.len() == 1 && points > 1 {
            let base = height * (1.0 - scale.share(0.0));
            put(
                &mut svg,
                format_args!(
                    r#"<path class="area f1" d="{path}L{WIDTH} {base:.1}L0 {base:.1}z"/>"#
                ),
            );
        }
        put(
            &mut svg,
            format_args!(r#"<path class="line k{}" d="{path}"/>"#, series.colour(number)),
        );
    }
    svg.push_str("</svg>");
    limit(&mut svg, data.limit, &scale);
    let step = step(points);
    for index in 0..points {
        let from = step * (count(index) - 0.5);
        parts::hit(&mut svg, from, step, &data.tip(index), index == 0);
    }
    parts::labels(&mut svg, &data.labels, |index| step * count(index));
    parts::close(&mut svg);
    data.finish(svg)
}

fn step(points: usize) -> f64 {
    1.0 / count(points.saturating_sub(1).max(1))
}

fn path(values: &[f64], points: usize, scale: &Scale) -> String {
    let mut path = String::new();
    for index in 0..points {
        let letter = if index == 0 { 'M' } else { 'L' };
        let x = WIDTH * step(points) * count(index);
        let y = plot_height() * (1.0 - scale.share(value(values, index)));
        put(&mut path, format_args!("{letter}{x:.1} {y:.1}"));
    }
    path
}
