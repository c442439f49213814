//! A line without axes, beside a number.

use super::{
    Scale,
    bars::value,
    parts::{count, put},
};

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 28.0;

/// A sparkline; empty without at least two values. Decoration: the number beside it says it.
pub fn spark(values: &[f64]) -> String {
    if values.len() < 2 {
        return String::new();
    }
    let scale = Scale::of(values.iter().copied());
    let step = WIDTH / count(values.len() - 1);
    let mut path = String::new();
    for index in 0..values.len() {
        let letter = if index == 0 { 'M' } else { 'L' };
        let y = 2.0 + (HEIGHT - 4.0) * (1.0 - scale.share(value(values, index)));
        put(&mut path, format_args!("{letter}{:.1} {y:.1}", step * count(index)));
    }
    format!(
        r#"<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path class="area" d="{path}L{WIDTH} {HEIGHT}L0 {HEIGHT}z"/><path class="line" d="{path}"/></svg>"#
    )
}
