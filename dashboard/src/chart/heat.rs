//! A week by hours.

use super::{
    Chart, Key, Unit,
    parts::{self, count, escape, put},
};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// An hour's share of the width, and the gap after it.
const HOUR: f64 = 100.0 / 24.0;
const GAP: f64 = 0.35;
const ROW: f64 = 22.0;

/// `values[day][hour]`, Monday first. Five shades, each a fifth of the largest value.
pub fn heat(title: &str, values: &[[f64; 24]; 7], unit: Unit) -> Chart {
    let most = values.iter().flatten().copied().filter(|v| v.is_finite()).fold(0.0_f64, f64::max);
    let mut svg = parts::open(title, ROW * 7.0 + parts::TOP + 24.0, "heat");
    let mut rows = Vec::with_capacity(7);
    for (day, hours) in values.iter().enumerate() {
        let y = ROW * count(day);
        put(
            &mut svg,
            format_args!(
                r#"<text x="-8" y="{:.1}" text-anchor="end" aria-hidden="true">{}</text>"#,
                y + 14.0,
                DAYS[day]
            ),
        );
        for (hour, value) in hours.iter().enumerate() {
            let tip = escape(&format!("{} {hour:02}:00\n{}", DAYS[day], unit.text(*value)));
            let focus = if day == 0 && hour == 0 { 0 } else { -1 };
            put(
                &mut svg,
                format_args!(
                    r#"<rect class="h{}" x="{:.2}%" y="{y:.1}" width="{:.2}%" height="{}" tabindex="{focus}" role="img" aria-label="{tip}" data-tip/>"#,
                    shade(*value, most),
                    HOUR * count(hour),
                    HOUR - GAP,
                    ROW - 3.0
                ),
            );
        }
        let cells = hours.iter().map(|value| unit.text(*value));
        rows.push(std::iter::once(DAYS[day].to_owned()).chain(cells).collect());
    }
    for hour in (0..24).step_by(3) {
        put(
            &mut svg,
            format_args!(
                r#"<text x="{:.2}%" y="{}" text-anchor="middle" aria-hidden="true">{hour:02}</text>"#,
                HOUR * count(hour) + (HOUR - GAP) / 2.0,
                ROW * 7.0 + 14.0
            ),
        );
    }
    parts::close(&mut svg);
    let head =
        std::iter::once(String::new()).chain((0..24).map(|hour| format!("{hour:02}"))).collect();
    Chart { title: title.into(), svg, legend: Vec::<Key>::new(), head, rows, is_empty: most == 0.0 }
}

fn shade(value: f64, most: f64) -> u8 {
    if value.is_nan() || value <= 0.0 || most <= 0.0 {
        return 0;
    }
    match value / most {
        v if v <= 0.2 => 1,
        v if v <= 0.4 => 2,
        v if v <= 0.6 => 3,
        v if v <= 0.8 => 4,
        _ => 5,
    }
}
