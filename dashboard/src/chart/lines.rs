//! Lines over time.

use super::{
    Chart, Data, Scale,
    bars::{limit, value},
    parts::{self, LEFT, RIGHT, TOP, WIDTH, count, put},
};

/// One line a series; the only one gets an area below it.
pub fn lines(data: &Data) -> Chart {
    let points = data.labels.len();
    let all = data.series.iter().flat_map(|series| series.values.iter().copied());
    let scale = Scale::of(all.chain(data.limit));
    let mut svg = parts::open(&data.title, parts::HEIGHT, "lines");
    parts::grid(&mut svg, &scale, data.unit);
    let step = (WIDTH - LEFT - RIGHT) / count(points.saturating_sub(1).max(1));
    let x = |index: usize| LEFT + step * count(index);
    let y = |value: f64| TOP + parts::plot_height() * (1.0 - scale.share(value));
    for (number, series) in data.series.iter().enumerate() {
        let mut path = String::new();
        for index in 0..points {
            let letter = if index == 0 { 'M' } else { 'L' };
            put(
                &mut path,
                format_args!("{letter}{:.1} {:.1}", x(index), y(value(&series.values, index))),
            );
        }
        if data.series.len() == 1 && points > 1 {
            let base = y(0.0);
            put(
                &mut svg,
                format_args!(
                    r#"<path class="area f1" d="{path}L{:.1} {base:.1}L{LEFT} {base:.1}z"/>"#,
                    x(points - 1)
                ),
            );
        }
        put(
            &mut svg,
            format_args!(r#"<path class="line k{}" d="{path}"/>"#, series.colour(number)),
        );
    }
    limit(&mut svg, data.limit, &scale);
    for index in 0..points {
        parts::hit(&mut svg, x(index) - step / 2.0, step, &data.tip(index), index == 0);
    }
    parts::labels(&mut svg, &data.labels, x);
    svg.push_str("</svg>");
    data.finish(svg)
}
