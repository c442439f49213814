//! Places. Every item has rows of its own; a sub-agent stands right of the item that started it.

use super::{
    item::{Item, Task},
    lanes::lanes,
    model::NodeKind,
};

/// Width of a column of the graph.
const LANE: f64 = 22.0;
/// Size of an item's box, and the room below it.
const BOX_W: f64 = 340.0;
const BOX_H: f64 = 42.0;
const GAP: f64 = 12.0;
/// Size of a folded sub-agent.
const TASK_W: f64 = 240.0;
const TASK_H: f64 = 28.0;
/// Height of a compaction's mark.
const BREAK_H: f64 = 30.0;
/// Room between an item and its sub-agents.
const TASK_GAP: f64 = 44.0;

/// A rectangle in the graph's units, which are pixels at zoom 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Rect {
    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.bottom()
            && other.y < self.bottom()
    }
}

/// Something at its place.
#[derive(Debug, Clone)]
pub enum Placed<'a> {
    Item {
        item: &'a Item,
        rect: Rect,
        /// The point on the branch's line.
        pin: (f64, f64),
        lane: usize,
        /// The branch's first box, which carries its name.
        starts_branch: bool,
    },
    Task {
        task: &'a Task,
        rect: Rect,
    },
}

impl Placed<'_> {
    pub const fn rect(&self) -> Rect {
        match self {
            Self::Item { rect, .. } | Self::Task { rect, .. } => *rect,
        }
    }
}

/// A line between two points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    pub from: (f64, f64),
    pub to: (f64, f64),
    pub kind: EdgeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeKind {
    /// From a pin to the next on a branch, in the column's colour.
    Branch { lane: usize },
    /// From a box to a sub-agent.
    Task,
}

/// A compaction: the history before it was replaced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Break {
    pub x: f64,
    pub y: f64,
    pub w: f64,
}

/// Everything at its place, in the order of its top edge.
#[derive(Debug, Clone, Default)]
pub struct Layout<'a> {
    pub width: f64,
    pub height: f64,
    pub placed: Vec<Placed<'a>>,
    pub edges: Vec<Edge>,
    pub breaks: Vec<Break>,
}

/// Lays the items out.
pub fn layout(items: &[Item]) -> Layout<'_> {
    let mut out = Layout::default();
    let (width, height) = place(items, 0.0, 0.0, &mut out);
    out.width = width;
    out.height = height;
    out.placed.sort_by(|a, b| a.rect().y.total_cmp(&b.rect().y));
    out
}

/// Places `items` with their left upper corner at `x`, `y`; gives the right and the lower edge.
fn place<'a>(items: &'a [Item], x: f64, y: f64, out: &mut Layout<'a>) -> (f64, f64) {
    let lanes = lanes(items);
    let boxes_x = x + as_f64(lanes.count) * LANE + 6.0;
    let mut right = boxes_x + BOX_W;
    let mut pins = Vec::with_capacity(items.len());
    let mut top = y;
    for (index, item) in items.iter().enumerate() {
        let lane = lanes.of_item[index];
        if item.first().kind == NodeKind::Compact {
            out.breaks.push(Break { x, y: top + BREAK_H / 2.0, w: boxes_x + BOX_W - x });
            top += BREAK_H;
        }
        let rect = Rect { x: boxes_x, y: top, w: BOX_W, h: BOX_H };
        let pin = (x + (as_f64(lane) + 0.5) * LANE, top + BOX_H / 2.0);
        pins.push(pin);
        connect(items, index, lane, &pins, out);
        let starts_branch =
            item.parent.is_none_or(|parent| items[parent].branch() != item.branch());
        out.placed.push(Placed::Item { item, rect, pin, lane, starts_branch });
        let (tasks_right, tasks_bottom) = place_tasks(&item.tasks, &rect, out);
        right = right.max(tasks_right);
        top = rect.bottom().max(tasks_bottom) + GAP;
    }
    (right, (top - GAP).max(y))
}

fn connect(items: &[Item], index: usize, lane: usize, pins: &[(f64, f64)], out: &mut Layout<'_>) {
    if let Some(parent) = items[index].parent.filter(|parent| *parent < index) {
        let kind = EdgeKind::Branch { lane };
        out.edges.push(Edge { from: pins[parent], to: pins[index], kind });
    }
}

/// Stacks an item's sub-agents to its right.
fn place_tasks<'a>(tasks: &'a [Task], of: &Rect, out: &mut Layout<'a>) -> (f64, f64) {
    let x = of.x + of.w + TASK_GAP;
    let mut top = of.y + (BOX_H - TASK_H) / 2.0;
    let (mut right, mut bottom) = (0.0_f64, of.y);
    for task in tasks {
        let rect = Rect { x, y: top, w: TASK_W, h: TASK_H };
        let from = (of.x + of.w, of.y + of.h / 2.0);
        out.edges.push(Edge { from, to: (x, top + TASK_H / 2.0), kind: EdgeKind::Task });
        out.placed.push(Placed::Task { task, rect });
        right = right.max(x + TASK_W);
        bottom = rect.bottom();
        if let Some(items) = &task.open {
            let (open_right, open_bottom) = place(items, x, bottom + GAP, out);
            right = right.max(open_right);
            bottom = open_bottom;
        }
        top = bottom + GAP;
    }
    (right, bottom)
}

#[expect(clippy::cast_precision_loss, reason = "counts of columns, far below 2^52")]
const fn as_f64(count: usize) -> f64 {
    count as f64
}
