//! Where the money went: a tree as boxes, each as wide as its share.

use super::{
    Unit,
    parts::{WIDTH, count, escape, put},
};

const ROW: f64 = 30.0;
/// Boxes narrower than this are left out of the picture; the table has them.
const MIN: f64 = 1.5;

/// One box with what it consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Flame {
    pub label: String,
    /// What it cost by itself, its children not counted.
    pub own: f64,
    pub href: String,
    pub children: Vec<Flame>,
}

impl Flame {
    pub fn total(&self) -> f64 {
        self.own + self.children.iter().map(Self::total).sum::<f64>()
    }

    fn depth(&self) -> usize {
        1 + self.children.iter().map(Self::depth).max().unwrap_or(0)
    }
}

/// The flame graph as SVG, the root at the top.
pub fn flame(title: &str, root: &Flame, unit: Unit) -> String {
    let height = ROW * count(root.depth());
    let mut svg = format!(
        r#"<svg class="chart flame" viewBox="0 0 {WIDTH} {height}" role="group" aria-label="{}">"#,
        escape(title)
    );
    let total = root.total();
    if total > 0.0 && total.is_finite() {
        push(&mut svg, root, 0.0, 0, total, unit);
    }
    svg.push_str("</svg>");
    svg
}

fn push(svg: &mut String, flame: &Flame, x: f64, depth: usize, all: f64, unit: Unit) {
    let total = flame.total();
    let width = WIDTH * total / all;
    if width < MIN {
        return;
    }
    let y = ROW * count(depth);
    let tip = escape(&format!(
        "{}\n{} · {}",
        flame.label,
        unit.text(total),
        Unit::Percent.text(total / all)
    ));
    put(
        svg,
        format_args!(
            r#"<a href="{}" data-tip="{tip}" aria-label="{tip}" tabindex="{}"><rect class="f{}" x="{x:.1}" y="{y}" width="{width:.1}" height="{}" rx="3"/>"#,
            escape(&flame.href),
            if depth == 0 { 0 } else { -1 },
            depth % 4 + 1,
            ROW - 2.0
        ),
    );
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a width in characters"
    )]
    let room = ((width - 14.0) / 6.8).max(0.0) as usize;
    let text = format!("{} {}", flame.label, unit.text(total));
    if room >= 5 {
        let shown: String = if text.chars().count() > room {
            text.chars().take(room - 1).chain(['…']).collect()
        } else {
            text
        };
        put(
            svg,
            format_args!(r#"<text x="{:.1}" y="{}">{}</text>"#, x + 8.0, y + 18.0, escape(&shown)),
        );
    }
    svg.push_str("</a>");
    let mut left = x;
    for child in &flame.children {
        push(svg, child, left, depth + 1, all, unit);
        left += WIDTH * child.total() / all;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_as_wide_as_its_share_and_labels_are_escaped() {
        let leaf = |label: &str, own| Flame {
            label: label.into(),
            own,
            href: "#".into(),
            children: vec![],
        };
        let root = Flame { children: vec![leaf("<b>", 1.0), leaf("b", 1.0)], ..leaf("all", 2.0) };
        let svg = flame("t", &root, Unit::Usd);
        assert!(svg.contains(r#"width="180.0""#) && svg.contains(r#"width="720.0""#), "{svg}");
        assert!(!svg.contains("<b>"));
        assert!(!flame("t", &leaf("nothing", 0.0), Unit::Usd).contains("NaN"));
    }
}
