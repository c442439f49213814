//! Where the money went: a tree as boxes, each as wide as its share.

use super::{
    Unit,
    parts::{count, escape, labelled, put},
};

const ROW: f64 = 34.0;
/// Boxes narrower than this share are left out of the picture; the table has them.
const MIN: f64 = 0.002;

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
    let mut svg = format!(
        r#"<svg class="chart flame" height="{}" role="group" aria-label="{}">"#,
        ROW * count(root.depth()),
        escape(title)
    );
    let total = root.total();
    if total > 0.0 && total.is_finite() {
        push(&mut svg, root, 0.0, 0, total, unit);
    }
    svg.push_str("</svg>");
    svg
}

fn push(svg: &mut String, flame: &Flame, left: f64, depth: usize, all: f64, unit: Unit) {
    let share = flame.total() / all;
    if share < MIN {
        return;
    }
    let total = unit.text(flame.total());
    let own = if flame.children.is_empty() {
        String::new()
    } else {
        format!("\nby itself {}", unit.text(flame.own))
    };
    let tip = escape(&format!("{}\n{total} · {}{own}", flame.label, Unit::Percent.text(share)));
    let place = format!(
        r#"x="{:.3}%" y="{}" width="{:.3}%" height="{}""#,
        left * 100.0,
        ROW * count(depth),
        share * 100.0,
        ROW - 2.0
    );
    let label = format!("<b>{}</b> <small>{total}</small>", escape(&flame.label));
    put(
        svg,
        format_args!(
            r#"<a href="{}" data-tip aria-label="{tip}" tabindex="{}">{}</a>"#,
            escape(&flame.href),
            if depth == 0 { 0 } else { -1 },
            labelled(&place, &format!("l{}", depth % 4 + 1), &label)
        ),
    );
    let mut left = left;
    for child in &flame.children {
        push(svg, child, left, depth + 1, all, unit);
        left += child.total() / all;
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
        assert!(svg.contains(r#"width="25.000%""#) && svg.contains(r#"width="100.000%""#), "{svg}");
        assert!(svg.contains("<b>&lt;b&gt;</b>") && !svg.contains("<b><b>"), "{svg}");
        assert!(!flame("t", &leaf("nothing", 0.0), Unit::Usd).contains("NaN"));
    }
}
