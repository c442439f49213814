//! How long a graph takes: folding and layout of 20,000 exchanges, and drawing one screen of them.

use jiff::{Timestamp, tz::TimeZone};
use nexus_contract::ExchangeId;
use nexus_dashboard::graph::{Drawing, Happening, Node, NodeKind, Unfolded, draw, layout, plan};
use uuid::Uuid;

fn main() {
    divan::main();
}

fn conversation(length: u64) -> Vec<Node> {
    let id = |n: u64| ExchangeId(Uuid::from_u64_pair(1, n));
    (0..length)
        .map(|n| Node {
            id: id(n),
            parent: n
                .checked_sub(if n % 97 == 0 { 40.min(n) } else { 1 })
                .map(id)
                .filter(|_| n > 0),
            task_parent: None,
            branch: format!("branch_{}", n / 97),
            kind: if n == 0 { NodeKind::Root } else { NodeKind::Turn },
            at: Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(n.cast_signed()),
            happening: if n % 9 == 0 { Happening::Human } else { Happening::Tools },
            label: "Read src/main.rs and fix the failing test".into(),
            messages: n,
            duration_ms: Some(2300),
            cost_usd: Some(0.02),
            context: Some(0.4),
        })
        .collect()
}

#[divan::bench(args = [100, 1_000, 20_000])]
fn plan_and_layout(bencher: divan::Bencher<'_, '_>, length: u64) {
    let nodes = conversation(length);
    bencher.bench(|| {
        layout(&plan(&nodes, &Unfolded { runs: true, ..Unfolded::default() }).items).height
    });
}

#[divan::bench(args = [100, 20_000])]
fn draw_a_screen(bencher: divan::Bencher<'_, '_>, length: u64) {
    let nodes = conversation(length);
    let plan = plan(&nodes, &Unfolded { runs: true, ..Unfolded::default() });
    let layout = layout(&plan.items);
    let middle = layout.height / 2.0;
    let how = Drawing {
        base: "?",
        detail: "/d",
        sprite: "/i.svg",
        selected: None,
        branch: None,
        zone: &TimeZone::UTC,
        from: middle,
        to: middle + 3000.0,
    };
    bencher.bench(|| draw(&layout, &how));
}
