use jiff::{Timestamp, tz::TimeZone};
use nexus_contract::ExchangeId;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn id(n: usize) -> ExchangeId {
    ExchangeId(Uuid::from_u128(n as u128 + 1))
}

fn node(n: usize, parent: Option<usize>) -> Node {
    Node {
        id: id(n),
        parent: parent.map(id),
        task_parent: None,
        branch: "main".into(),
        kind: if parent.is_some() { NodeKind::Turn } else { NodeKind::Root },
        at: Timestamp::from_second(1_800_000_000 + i64::try_from(n).expect("small"))
            .expect("valid"),
        happening: Happening::Answer,
        label: format!("step {n}"),
        messages: n as u64 + 1,
        duration_ms: Some(1200),
        cost_usd: Some(0.01),
        context: Some(0.5),
    }
}

/// A random conversation: each node continues an earlier one, or is the first of a sub-agent of one.
fn conversation() -> impl Strategy<Value = Vec<Node>> {
    let step = (any::<prop::sample::Index>(), 0..10u8, 0..5u8);
    prop::collection::vec(step, 1..120).prop_map(|steps| {
        let mut nodes: Vec<Node> = vec![node(0, None)];
        for (n, (parent, turn, happening)) in steps.into_iter().enumerate().map(|(n, s)| (n + 1, s))
        {
            let parent = if turn < 6 { n - 1 } else { parent.index(n) };
            let mut made = node(n, Some(parent));
            made.branch.clone_from(&nodes[parent].branch);
            made.happening = [
                Happening::Human,
                Happening::Tools,
                Happening::Tools,
                Happening::Answer,
                Happening::Error,
            ][usize::from(happening)];
            match turn {
                6 => made.branch = format!("branch_{n}"),
                7 => {
                    made.branch = format!("subtask_{n}");
                    (made.parent, made.task_parent, made.kind) =
                        (None, Some(id(parent)), NodeKind::Subagent);
                }
                8 => made.kind = NodeKind::Compact,
                9 => made.kind = NodeKind::Attempt,
                _ => {}
            }
            nodes.push(made);
        }
        nodes
    })
}

proptest! {
    #[test]
    fn nothing_overlaps_and_nothing_is_lost(nodes in conversation(), open in any::<bool>(), runs in any::<bool>()) {
        let tasks = nodes.iter().filter(|_| open).map(|node| node.branch.clone()).collect();
        let unfolded = Unfolded { tasks, runs, node: None };
        let plan = plan(&nodes, &unfolded);
        let layout = layout(&plan.items);
        for (index, a) in layout.placed.iter().enumerate() {
            let a = a.rect();
            prop_assert!(a.x >= 0.0 && a.y >= 0.0);
            prop_assert!(a.x + a.w <= layout.width && a.bottom() <= layout.height);
            for b in &layout.placed[index + 1..] {
                prop_assert!(!a.overlaps(&b.rect()), "{a:?} and {:?}", b.rect());
            }
        }
        if open {
            prop_assert_eq!(shown(&plan.items), nodes.len());
        }
        for placed in &layout.placed {
            if let Placed::Item { rect, pin, .. } = placed {
                prop_assert!(pin.0 < rect.x, "pins stand left of the boxes");
            }
        }
    }

    #[test]
    fn the_order_of_the_nodes_does_not_matter(nodes in conversation().prop_shuffle_pair()) {
        let (nodes, shuffled) = nodes;
        prop_assert_eq!(plan(&nodes, &Unfolded::default()), plan(&shuffled, &Unfolded::default()));
    }
}

trait ShufflePair {
    fn prop_shuffle_pair(self) -> BoxedStrategy<(Vec<Node>, Vec<Node>)>;
}

impl<S: Strategy<Value = Vec<Node>> + 'static> ShufflePair for S {
    fn prop_shuffle_pair(self) -> BoxedStrategy<(Vec<Node>, Vec<Node>)> {
        self.prop_flat_map(|nodes| (Just(nodes.clone()), Just(nodes).prop_shuffle())).boxed()
    }
}

/// Exchanges that the items show, attempts and open sub-agents included.
fn shown(items: &[Item]) -> usize {
    let of = |item: &Item| match &item.kind {
        ItemKind::Step { attempts, .. } => 1 + attempts,
        ItemKind::Run { nodes } => nodes.len(),
    };
    let tasks = |item: &Item| {
        item.tasks.iter().map(|task| task.open.as_deref().map_or(0, shown)).sum::<usize>()
    };
    items.iter().map(|item| of(item) + tasks(item)).sum()
}

fn chain(length: usize, happening: Happening) -> Vec<Node> {
    (0..length)
        .map(|n| Node {
            happening: if n == 0 { Happening::Human } else { happening },
            ..node(n, n.checked_sub(1))
        })
        .collect()
}

#[test]
fn a_run_of_tool_steps_is_one_box_until_one_of_them_is_selected() {
    let nodes = chain(15, Happening::Tools);
    let folded = plan(&nodes, &Unfolded::default());
    assert_eq!((folded.items.len(), folded.has_runs()), (2, true));
    assert!(!plan(&nodes, &Unfolded { runs: true, ..Unfolded::default() }).has_runs());
    assert!(!plan(&nodes[..3], &Unfolded::default()).has_runs(), "two steps are no run");
    assert!(matches!(&folded.items[1].kind, ItemKind::Run { nodes } if nodes.len() == 14));
    let selected = plan(&nodes, &Unfolded { node: Some(id(7)), ..Unfolded::default() });
    assert!(
        selected
            .items
            .iter()
            .any(|item| matches!(&item.kind, ItemKind::Step { node, .. } if node.id == id(7)))
    );
}

#[test]
fn a_branch_has_a_column_of_its_own_and_gives_it_back() {
    let mut nodes = chain(4, Happening::Answer);
    for (n, parent, branch) in [(10, 0, "branch_a"), (11, 10, "branch_a"), (20, 11, "branch_b")] {
        nodes.push(Node { branch: branch.into(), ..node(n, Some(parent)) });
    }
    let plan = plan(&nodes, &Unfolded::default());
    let layout = layout(&plan.items);
    let lane = |wanted: usize| {
        layout.placed.iter().find_map(|placed| match placed {
            Placed::Item { item, lane, .. } if item.node().id == id(wanted) => Some(*lane),
            _ => None,
        })
    };
    assert_eq!([lane(0), lane(3)], [Some(0), Some(0)]);
    assert_eq!([lane(10), lane(11)], [Some(1), Some(1)]);
    assert!(plan.items[0].is_fork);
}

#[test]
fn a_nested_sub_agent_stands_inside_the_one_that_started_it() {
    let mut nodes = chain(2, Happening::Answer);
    let task = |n: usize, branch: &str, caller: usize| Node {
        parent: None,
        task_parent: Some(id(caller)),
        kind: NodeKind::Subagent,
        branch: branch.into(),
        ..node(n, None)
    };
    nodes.push(task(5, "subtask_1", 1));
    nodes.push(task(6, "subtask_2", 5));
    let folded = plan(&nodes, &Unfolded::default());
    assert_eq!(folded.items.len(), 2, "a nested sub-agent of a folded one is not shown apart");
    assert_eq!(folded.items[1].tasks.len(), 1);
    let open =
        plan(&nodes, &Unfolded { tasks: ["subtask_1".to_owned()].into(), ..Unfolded::default() });
    let inner = open.items[1].tasks[0].open.as_ref().expect("open");
    assert_eq!(inner[0].tasks[0].branch, "subtask_2");
}

#[test]
fn a_sub_agent_is_opened_by_whatever_name() {
    let mut nodes = chain(2, Happening::Answer);
    nodes.push(Node {
        parent: None,
        task_parent: Some(id(1)),
        kind: NodeKind::Subagent,
        branch: "subtask_1 b&c".into(),
        ..node(5, None)
    });
    let plan = plan(&nodes, &Unfolded::default());
    let svg = draw(&layout(&plan.items), &drawing(&TimeZone::UTC));
    assert!(svg.contains(r#"href="?open=subtask_1%20b%26c""#), "{svg}");
}

#[test]
fn what_is_drawn_is_escaped_and_only_what_is_in_the_window() {
    let mut nodes = chain(200, Happening::Answer);
    nodes[0].label = "<script>alert('x')</script>\u{0} \" & ".into();
    let plan = plan(&nodes, &Unfolded::default());
    let layout = layout(&plan.items);
    let svg =
        draw(&layout, &Drawing { selected: Some(id(1)), to: 500.0, ..drawing(&TimeZone::UTC) });
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"));
    assert!(!svg.contains('\u{0}'));
    let drawn = svg.matches("<a class=").count();
    assert!((8..=11).contains(&drawn), "{drawn} boxes in 500 px");
    assert!(minimap(&layout).len() < 20_000);
}

fn drawing(zone: &TimeZone) -> Drawing<'_> {
    Drawing {
        base: "?",
        detail: "/d",
        sprite: "/i.svg",
        selected: None,
        branch: None,
        zone,
        from: 0.0,
        to: 5000.0,
    }
}

#[test]
fn boxes_tell_the_viewers_time_and_what_is_seen_of_them() {
    let mut nodes = chain(4, Happening::Answer);
    nodes[0].happening = Happening::Human;
    nodes[3].parent = nodes[1].parent;
    nodes[3].branch = "branch_3".into();
    let plan = plan(&nodes, &Unfolded::default());
    let zone = TimeZone::fixed(jiff::tz::offset(5));
    let svg = draw(&layout(&plan.items), &Drawing { selected: Some(id(1)), ..drawing(&zone) });
    // 1,800,000,000 s after the epoch it is 08:00:00 in UTC.
    let prompt = r#" aria-label="prompt: step 0 13:00:00 · 1.2 s · $0.01, a branch begins here""#;
    assert!(svg.contains(prompt), "{svg}");
    assert!(svg.contains(r#"aria-label="answer: step 3 13:00:03 · 1.2 s · $0.01, on branch_3""#));
    assert!(svg.contains(r#" aria-current="true" aria-label="answer: step 1 "#));
    assert_eq!(svg.matches("aria-current").count(), 1);
}

#[test]
fn a_title_that_runs_leftwards_begins_at_the_right_of_its_box() {
    let mut nodes = chain(4, Happening::Answer);
    for (n, label) in [(0, "3. مرحبا build.rs"), (1, "build مرحبا"), (3, "שלום")] {
        nodes[n].label = label.into();
    }
    nodes[3].branch = "branch_3".into();
    nodes[3].parent = nodes[1].parent;
    let plan = plan(&nodes, &Unfolded::default());
    let svg = draw(&layout(&plan.items), &drawing(&TimeZone::UTC));
    let start = |label: &str| -> f64 {
        let (before, _) = svg.split_once(&format!(">{label}</text>")).expect(label);
        let (_, place) = before.rsplit_once("<text x=\"").expect("a text");
        assert_eq!(place.contains("rtl"), !label.starts_with("build"), "{place}");
        place.split('"').next().expect("a number").parse().expect("a number")
    };
    let [arabic, latin, hebrew] = ["3. مرحبا build.rs", "build مرحبا", "שלום"].map(start);
    assert!(arabic > latin + 200.0, "{arabic} {latin}");
    let (_, name) = svg.split_once(r#"<g class="lab">"#).expect("the name of the branch");
    let (_, name) = name.split_once(" x=\"").expect("its place");
    let name: f64 = name.split('"').next().expect("a number").parse().expect("a number");
    assert!(hebrew <= name, "{hebrew} runs into the name at {name}");
}

#[test]
fn no_node_gives_an_empty_graph() {
    let plan = plan(&[], &Unfolded::default());
    let layout = layout(&plan.items);
    assert!(layout.placed.is_empty() && layout.height == 0.0);
}
