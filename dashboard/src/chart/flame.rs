//! Where the money went: a tree as boxes, each as wide as its share.

use super::{
    Unit,
    parts::{count, escape, labelled, put},
};

const ROW: f64 = 34.0;
/// Boxes narrower than this share are left out of the picture; the table has them.
const MIN: f64 = 0.002;
/// Shares of the width, on a desk, that a letter of a label takes, and the space beside the label.
const LETTER: f64 = 0.007;
const SPACE: f64 = 0.016;

/// One box with what it consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Flame {
    pub label: String,
    /// What kind of thing it is: a word, and the class of the style sheet that colours it.
    pub kind: &'static str,
    pub colour: &'static str,
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
    for placed in placed(root) {
        push(&mut svg, &placed, unit);
    }
    svg.push_str("</svg>");
    svg
}

/// A box where it stands; along the width everything is a share.
struct Placed<'a> {
    flame: &'a Flame,
    depth: usize,
    left: f64,
    share: f64,
    /// What is empty between it and the next box of its row.
    room: f64,
}

/// Each box behind what it is a part of.
fn placed(root: &Flame) -> Vec<Placed<'_>> {
    let mut boxes = Vec::new();
    let total = root.total();
    if total > 0.0 && total.is_finite() {
        place(&mut boxes, root, 0.0, 0, total);
    }
    let mut ends = vec![1.0; root.depth()];
    for placed in boxes.iter_mut().rev() {
        placed.room = ends[placed.depth] - placed.left - placed.share;
        ends[placed.depth] = placed.left;
    }
    boxes
}

fn place<'a>(boxes: &mut Vec<Placed<'a>>, flame: &'a Flame, left: f64, depth: usize, all: f64) {
    let share = flame.total() / all;
    if share < MIN {
        return;
    }
    boxes.push(Placed { flame, depth, left, share, room: 0.0 });
    let mut left = left;
    for child in &flame.children {
        place(boxes, child, left, depth + 1, all);
        left += child.total() / all;
    }
}

fn push(svg: &mut String, placed: &Placed<'_>, unit: Unit) {
    let Placed { flame, depth, left, share, room } = *placed;
    let total = unit.text(flame.total());
    let own = if flame.children.is_empty() {
        String::new()
    } else {
        format!("\nby itself {}", unit.text(flame.own))
    };
    // It begins as the label reads: who speaks to the page says what is seen.
    let text =
        format!("{} {total}\n{} · {}{own}", flame.label, flame.kind, Unit::Percent.text(share));
    let place = |left: f64, width: f64| {
        format!(
            r#"x="{:.3}%" y="{}" width="{:.3}%" height="{}""#,
            left * 100.0,
            ROW * count(depth),
            width * 100.0,
            ROW - 2.0
        )
    };
    let label = format!("<b>{}</b> <small>{total}</small>", escape(&flame.label));
    let letters = flame.label.chars().count() + total.chars().count() + 1;
    let needed = SPACE + LETTER * count(letters);
    let shape = if share < needed && room >= needed {
        let bare = labelled(&place(left, share), flame.colour, "");
        bare + &labelled(&place(left + share, room), "beside", &label)
    } else {
        labelled(&place(left, share), flame.colour, &label)
    };
    put(
        svg,
        format_args!(
            r#"<a href="{}" data-tip aria-label="{}" tabindex="{}">{shape}</a>"#,
            escape(&flame.href),
            escape(&text),
            if depth == 0 { 0 } else { -1 },
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_as_wide_as_its_share_and_labels_are_escaped() {
        let leaf = |label: &str, own| Flame {
            label: label.into(),
            kind: "sub-agent",
            colour: "l3",
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

    #[test]
    fn a_narrow_box_is_labelled_beside_where_there_is_room() {
        let child = |label: &str, own| Flame {
            label: label.into(),
            kind: "branch",
            colour: "l2",
            own,
            href: "#".into(),
            children: vec![],
        };
        let children = vec![child("first", 1.0), child("second", 1.0)];
        let svg = flame("t", &Flame { children, ..child("all", 98.0) }, Unit::Usd);
        let beside: Vec<_> = svg.match_indices(r#"class="bar beside""#).collect();
        assert_eq!(beside.len(), 1, "beside the first one is the second: {svg}");
        assert!(svg.contains(r#"x="2.000%" y="34" width="98.000%""#), "{svg}");
        assert!(svg[beside[0].0..].contains("<b>second</b>"), "{svg}");
        assert!(svg.contains("first $1.00\nbranch · 1 %"), "{svg}");
    }
}
