//! Drawing: what lies within a window, as SVG.

use jiff::tz::TimeZone;
use nexus_contract::ExchangeId;

use super::{
    item::{Item, ItemKind, Task},
    layout::{Break, Edge, EdgeKind, Layout, Placed, Rect},
    model::{Happening, Node},
};
use crate::view::{format, put};

/// Narrow characters of a box's title, of a branch's name beside it, and of a sub-task's box.
const TITLE: usize = 43;
const NAME: usize = 22;
const TASK: usize = 30;
/// A context that is emptier than this needs no gauge.
const SHOWN: f64 = 0.1;

/// How the viewer looks at it.
#[derive(Debug, Clone)]
pub struct Drawing<'a> {
    /// The page's address, to which `node=` is appended.
    pub base: &'a str,
    /// Where a node's detail is fetched from; `/{id}` is appended.
    pub detail: &'a str,
    pub sprite: &'a str,
    pub selected: Option<ExchangeId>,
    /// Everything outside this branch is dimmed.
    pub branch: Option<&'a str>,
    /// The viewer's: clocks show its time.
    pub zone: &'a TimeZone,
    /// Only what lies between these heights is drawn.
    pub from: f64,
    pub to: f64,
}

/// The nodes, lines and marks within the window, without the surrounding `<svg>`.
pub fn draw(layout: &Layout<'_>, how: &Drawing<'_>) -> String {
    let mut out = String::new();
    for edge in layout.edges.iter().filter(|edge| in_window(edge.from.1, edge.to.1, how)) {
        push_edge(&mut out, edge, how);
    }
    for mark in layout.breaks.iter().filter(|mark| in_window(mark.y, mark.y, how)) {
        push_break(&mut out, mark);
    }
    for placed in &layout.placed {
        let rect = placed.rect();
        if rect.y > how.to {
            break;
        }
        if rect.bottom() >= how.from {
            push_placed(&mut out, placed, how);
        }
    }
    out
}

/// The whole graph as one path of dots, for the overview in the corner.
pub fn minimap(layout: &Layout<'_>) -> String {
    let every = layout.placed.len().div_ceil(400).max(1);
    let mut path = String::new();
    for placed in layout.placed.iter().step_by(every) {
        let Rect { x, y, w, h } = placed.rect();
        put(&mut path, format_args!("M{x:.0} {y:.0}h{w:.0}v{h:.0}h-{w:.0}z"));
    }
    path
}

fn in_window(a: f64, b: f64, how: &Drawing<'_>) -> bool {
    a.min(b) <= how.to && a.max(b) >= how.from
}

fn colour(lane: usize) -> usize {
    lane % 8 + 1
}

fn push_edge(out: &mut String, edge: &Edge, how: &Drawing<'_>) {
    let ((x1, y1), (x2, y2)) = (edge.from, edge.to);
    let dim = if how.branch.is_some() { " dim" } else { "" };
    match edge.kind {
        EdgeKind::Branch { lane } if (x1 - x2).abs() < 0.5 => {
            put(
                out,
                format_args!(r#"<path class="edge k{}{dim}" d="M{x1} {y1}V{y2}"/>"#, colour(lane)),
            );
        }
        // Down its own column, then across: a bend right below the parent.
        EdgeKind::Branch { lane } => {
            let bend = y1 + 24.0;
            put(
                out,
                format_args!(
                    r#"<path class="edge k{}{dim}" d="M{x1} {y1}C{x1} {bend} {x2} {y1} {x2} {bend}V{y2}"/>"#,
                    colour(lane)
                ),
            );
        }
        EdgeKind::Task => {
            let middle = f64::midpoint(x1, x2);
            put(
                out,
                format_args!(r#"<path class="edge task" d="M{x1} {y1}H{middle}V{y2}H{x2}"/>"#),
            );
        }
    }
}

fn push_break(out: &mut String, mark: &Break) {
    let Break { x, y, w } = *mark;
    put(
        out,
        format_args!(
            r#"<g><path class="brk" d="M{x} {y}h{w}"/><text class="brk-label" x="{}" y="{}" text-anchor="end">compacted: a summary replaced what is above</text></g>"#,
            x + w,
            y - 4.0
        ),
    );
}

fn push_placed(out: &mut String, placed: &Placed<'_>, how: &Drawing<'_>) {
    match placed {
        Placed::Item { item, rect, pin, lane, starts_branch } => {
            let named = *starts_branch && item.branch() != "main";
            push_item(out, item, *rect, (*pin, *lane), named, how);
            if named {
                push_branch_name(out, item.branch(), *rect, *lane);
            }
        }
        Placed::Task { task, rect } => push_task(out, task, *rect, how),
    }
}

fn push_item(
    out: &mut String,
    item: &Item,
    rect: Rect,
    (pin, lane): ((f64, f64), usize),
    named: bool,
    how: &Drawing<'_>,
) {
    let node = item.node();
    let Rect { x, y, w, h } = rect;
    let (title, meta) = texts(item, how.zone);
    let (room, end) = title_room(item, rect, named);
    let title = clip(&title, room);
    let mut hover = String::new();
    escape_into(&mut hover, &node.label);
    let mut name = String::new();
    escape_into(&mut name, &spoken(item, &title, &meta));
    let current = if how.selected == Some(node.id) { r#" aria-current="true""# } else { "" };
    put(
        out,
        format_args!(
            r#"<a class="node{}"{current} aria-label="{name}" href="{}node={id}" data-id="{id}" data-detail="{}/{id}" data-x="{:.0}" data-y="{:.0}"><title>{hover}</title>"#,
            classes(item, how),
            how.base,
            how.detail,
            x + w / 2.0,
            y + h / 2.0,
            id = node.id
        ),
    );
    put(
        out,
        format_args!(
            r#"<rect class="box" x="{x}" y="{y}" width="{w}" height="{h}"/><circle class="pin k{}" cx="{}" cy="{}" r="5"/>"#,
            colour(lane),
            pin.0,
            pin.1
        ),
    );
    put(
        out,
        format_args!(
            r#"<use class="ico" href="{}#{}" x="{}" y="{}" width="15" height="15"/>"#,
            how.sprite,
            icon(item),
            x + 10.0,
            y + 8.0
        ),
    );
    let mut safe = String::new();
    escape_into(&mut safe, &title);
    let start = if runs_left(&title) {
        format!(r#"x="{end}" direction="rtl""#)
    } else {
        format!(r#"x="{}""#, x + 32.0)
    };
    put(out, format_args!(r#"<text {start} y="{}">{safe}</text>"#, y + 18.0));
    put(out, format_args!(r#"<text class="meta" x="{}" y="{}">{meta}</text>"#, x + 32.0, y + 33.0));
    push_context(out, node, rect);
    out.push_str("</a>");
}

/// How many characters a box's title may have, and where it ends: before the name of its branch.
fn title_room(item: &Item, rect: Rect, named: bool) -> (usize, f64) {
    let end = rect.x + rect.w - 12.0;
    if named {
        let name = clip(item.branch(), NAME);
        let room = TITLE - item.branch().chars().count().min(NAME) - 3;
        (room, end - name_width(&name) - 8.0)
    } else {
        (TITLE, end)
    }
}

/// Whether a text begins with a letter of a script that runs leftwards: Hebrew, Arabic, their kin.
fn runs_left(text: &str) -> bool {
    let first = text.chars().find(|letter| letter.is_alphabetic());
    matches!(first, Some('\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'))
}

fn push_context(out: &mut String, node: &Node, rect: Rect) {
    let Some(share) = node.context.filter(|share| *share >= SHOWN) else { return };
    let (x, y, w) = (rect.x + rect.w - 58.0, rect.y + rect.h - 12.0, 48.0);
    let tone = if share >= 0.9 {
        " bad"
    } else if share >= 0.7 {
        " warn"
    } else {
        ""
    };
    put(
        out,
        format_args!(
            r#"<rect class="ctx" x="{x}" y="{y}" width="{w}" height="3"/><rect class="ctx-v{tone}" x="{x}" y="{y}" width="{:.1}" height="3"/>"#,
            w * share.clamp(0.0, 1.0)
        ),
    );
}

fn name_width(name: &str) -> f64 {
    7.0 * f64::from(u32::try_from(name.chars().count()).unwrap_or(0)) + 14.0
}

fn push_branch_name(out: &mut String, branch: &str, rect: Rect, lane: usize) {
    let text = clip(branch, NAME);
    let w = name_width(&text);
    let mut safe = String::new();
    escape_into(&mut safe, &text);
    let (x, y) = (rect.x + rect.w - w - 8.0, rect.y + 5.0);
    put(
        out,
        format_args!(
            r#"<g class="lab"><rect class="f{}" x="{x}" y="{y}" width="{w}" height="16"/><text x="{}" y="{}" text-anchor="middle">{safe}</text></g>"#,
            colour(lane),
            x + w / 2.0,
            y + 12.0
        ),
    );
}

fn push_task(out: &mut String, task: &Task, rect: Rect, how: &Drawing<'_>) {
    let Rect { x, y, w, h } = rect;
    let mut prompt = String::new();
    escape_into(&mut prompt, &task.label);
    let branch = format::encoded(&task.branch);
    let is_open = task.open.is_some();
    let (verb, arrow) = if is_open { ("close", "chevron-down") } else { ("open", "chevron-right") };
    let dim = if how.branch.is_some_and(|chosen| chosen != task.branch) { " dim" } else { "" };
    let messages = format::plural(task.messages.cast_signed(), "message", "messages");
    let mut name = String::new();
    let title = format!("sub-task {} ({}) · {}", task.number, task.messages, task.label);
    let title = clip(&title, TASK);
    escape_into(&mut name, &format!("{title}, {messages}"));
    put(
        out,
        format_args!(
            r#"<a class="node group{dim}" aria-expanded="{is_open}" aria-label="{name}" href="{}{verb}={branch}" data-x="{:.0}" data-y="{:.0}"><title>{prompt}</title><rect class="box" x="{x}" y="{y}" width="{w}" height="{h}"/>"#,
            how.base,
            x + w / 2.0,
            y + h / 2.0
        ),
    );
    let mut text = String::new();
    escape_into(&mut text, &title);
    put(
        out,
        format_args!(
            r#"<use class="ico" href="{}#{arrow}" x="{}" y="{}" width="13" height="13"/><text x="{}" y="{}">{text}</text></a>"#,
            how.sprite,
            x + 8.0,
            y + 7.5,
            x + 28.0,
            y + 18.5
        ),
    );
}

fn classes(item: &Item, how: &Drawing<'_>) -> String {
    let node = item.node();
    let mut classes = String::new();
    classes.push_str(match node.happening {
        Happening::Human => " human",
        Happening::Error => " error",
        Happening::Running => " running",
        Happening::Tools | Happening::Answer => "",
    });
    if item.is_fork {
        classes.push_str(" fork");
    }
    if matches!(item.kind, ItemKind::Run { .. }) {
        classes.push_str(" fold");
    }
    if how.selected == Some(node.id) {
        classes.push_str(" on");
    }
    if how.branch.is_some_and(|branch| branch != item.branch()) {
        classes.push_str(" dim");
    }
    classes
}

fn icon(item: &Item) -> &'static str {
    if matches!(item.kind, ItemKind::Run { .. }) {
        return "layers";
    }
    match item.node().happening {
        Happening::Human => "user",
        Happening::Tools => "wrench",
        Happening::Answer => "message-square",
        Happening::Error => "circle-alert",
        Happening::Running => "loader",
    }
}

/// A box for those who do not see its icon, its column and the branches that leave it. What is seen
/// stands in it as it is seen, so that who speaks to the page can call a box by its words.
fn spoken(item: &Item, title: &str, meta: &str) -> String {
    let what = match (&item.kind, item.node().happening) {
        (ItemKind::Run { .. }, _) => "",
        (_, Happening::Human) => "prompt: ",
        (_, Happening::Tools) => "tools: ",
        (_, Happening::Answer) => "answer: ",
        (_, Happening::Error) => "error: ",
        (_, Happening::Running) => "running: ",
    };
    let fork = if item.is_fork { ", a branch begins here" } else { "" };
    let branch = match item.branch() {
        "main" => String::new(),
        branch => format!(", on {branch}"),
    };
    format!("{what}{title} {meta}{branch}{fork}")
}

/// The two lines of a box.
fn texts(item: &Item, zone: &TimeZone) -> (String, String) {
    let node = item.node();
    let (title, attempts, nodes) = match &item.kind {
        ItemKind::Step { node, attempts } => {
            (node.label.clone(), *attempts, std::slice::from_ref(node))
        }
        ItemKind::Run { nodes } => (format!("{} tool steps", nodes.len()), 0, nodes.as_slice()),
    };
    let mut meta = vec![format::clock(node.at, zone)];
    let duration: i64 = nodes.iter().filter_map(|node| node.duration_ms).sum();
    if duration > 0 {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds for display")]
        meta.push(format::duration(duration as f64));
    }
    if nodes.iter().all(|node| node.cost_usd.is_some()) {
        meta.push(format::usd(nodes.iter().filter_map(|node| node.cost_usd).sum()));
    }
    if attempts > 0 {
        meta.push(format!("{} attempts", attempts + 1));
    }
    (title, meta.join(" · "))
}

/// Cuts a text to about `room` narrow characters; wide ones take two.
fn clip(text: &str, room: usize) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut used = 0;
    let mut out = String::new();
    for character in one_line.chars() {
        used += if (character as u32) < 0x1100 { 1 } else { 2 };
        if used > room {
            out.push('…');
            break;
        }
        out.push(character);
    }
    out
}

/// Text for SVG, which is read as XML: control characters that XML forbids are left out.
fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
}
