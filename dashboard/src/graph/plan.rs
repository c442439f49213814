//! Folding: attempts into their step, tool steps into runs, sub-agents into one box each.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};

use nexus_contract::ExchangeId;

use super::{
    item::{Item, ItemKind, Task},
    model::{Happening, Node, NodeKind},
};

/// Tool steps in a row that stay single; more become one box.
const MIN_RUN: usize = 3;

/// What the viewer has laid open.
#[derive(Debug, Clone, Default)]
pub struct Unfolded {
    /// Sub-agents, by branch.
    pub tasks: BTreeSet<String>,
    /// Runs of tool steps: all of them.
    pub runs: bool,
    /// An exchange that must be visible: the selected one.
    pub node: Option<ExchangeId>,
}

/// What to lay out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub items: Vec<Item>,
}

impl Plan {
    /// Whether tool steps are folded into runs, be it within a sub-agent that is laid open.
    pub fn has_runs(&self) -> bool {
        has_runs(&self.items)
    }
}

fn has_runs(items: &[Item]) -> bool {
    let in_task = |task: &Task| task.open.as_deref().is_some_and(has_runs);
    items
        .iter()
        .any(|item| matches!(item.kind, ItemKind::Run { .. }) || item.tasks.iter().any(in_task))
}

/// Folds `nodes`, in any order, into items, parents before children and otherwise oldest first.
/// Nodes whose parents are not given count as roots; cycles, which a store never holds, are cut.
pub fn plan(nodes: &[Node], unfolded: &Unfolded) -> Plan {
    let (tasks, main): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(|node| node.is_subtask());
    let mut groups: BTreeMap<&str, Vec<&Node>> = BTreeMap::new();
    for node in tasks {
        groups.entry(&node.branch).or_default().push(node);
    }
    let mut planner = Planner::new(nodes, groups, unfolded);
    let mut items = planner.items(&main);
    items.extend(planner.strays());
    Plan { items }
}

struct Planner<'a> {
    unfolded: &'a Unfolded,
    groups: BTreeMap<&'a str, Vec<&'a Node>>,
    /// Branches of the sub-agents that an exchange started.
    by_caller: HashMap<ExchangeId, Vec<&'a str>>,
    /// The branch that has to be open for the selected exchange to be seen.
    wanted: Option<&'a str>,
}

impl<'a> Planner<'a> {
    fn new(
        nodes: &'a [Node],
        groups: BTreeMap<&'a str, Vec<&'a Node>>,
        unfolded: &'a Unfolded,
    ) -> Self {
        let mut by_caller: HashMap<ExchangeId, Vec<&str>> = HashMap::new();
        for (branch, group) in &groups {
            if let Some(caller) = group.iter().find_map(|node| node.task_parent) {
                by_caller.entry(caller).or_default().push(branch);
            }
        }
        let wanted = unfolded.node.and_then(|id| nodes.iter().find(|node| node.id == id));
        Self { unfolded, groups, by_caller, wanted: wanted.map(|node| node.branch.as_str()) }
    }

    fn items(&mut self, nodes: &[&'a Node]) -> Vec<Item> {
        let steps = steps(nodes, &self.callers());
        let runs = self.runs(&steps);
        let mut index = HashMap::new();
        let mut items: Vec<Item> = Vec::with_capacity(runs.len());
        for run in runs {
            let (first, _) = &run[0];
            let parent = first.parent.and_then(|parent| index.get(&parent).copied());
            for (node, _) in &run {
                index.insert(node.id, items.len());
            }
            let tasks = run.iter().flat_map(|(node, _)| self.tasks_of(node.id)).collect();
            items.push(Item { kind: kind(&run), parent, tasks, is_fork: false });
        }
        mark_forks(&mut items);
        items
    }

    /// Exchanges that started sub-agents not yet shown; they are not folded away.
    fn callers(&self) -> HashSet<ExchangeId> {
        self.by_caller.keys().copied().collect()
    }

    /// Takes the sub-agents of an exchange; each is shown once.
    fn tasks_of(&mut self, caller: ExchangeId) -> Vec<Task> {
        let branches = self.by_caller.remove(&caller).unwrap_or_default();
        let mut tasks: Vec<Task> =
            branches.into_iter().filter_map(|branch| self.task(branch)).collect();
        tasks.sort_by_key(|task| (task.first.at, task.first.id));
        tasks
    }

    fn task(&mut self, branch: &'a str) -> Option<Task> {
        let nodes = self.groups.remove(branch)?;
        let first = *nodes.iter().min_by_key(|node| (node.at, node.id))?;
        let contains = |open: &str| open == branch;
        let is_open = self.unfolded.tasks.contains(branch) || self.wanted.is_some_and(contains);
        Some(Task {
            branch: branch.into(),
            number: branch.trim_start_matches("subtask_").into(),
            messages: nodes.iter().map(|node| node.messages).max().unwrap_or(0),
            label: first.label.clone(),
            first: first.clone(),
            open: is_open.then(|| self.items(&nodes)),
        })
    }

    /// Sub-agents whose caller is not here, or inside a folded one, are shown at the end.
    fn strays(&mut self) -> Vec<Item> {
        let nested: HashSet<&str> = self.by_caller.values().flatten().copied().collect();
        let strays: Vec<&str> =
            self.groups.keys().copied().filter(|b| !nested.contains(b)).collect();
        strays
            .into_iter()
            .flat_map(|branch| {
                let nodes = self.groups.remove(branch).unwrap_or_default();
                self.items(&nodes)
            })
            .collect()
    }

    /// Cuts the ordered steps into runs; most are of one step.
    fn runs(&self, steps: &[(&'a Node, usize)]) -> Vec<Vec<(&'a Node, usize)>> {
        let mut children: HashMap<ExchangeId, usize> = HashMap::new();
        for (node, _) in steps {
            if let Some(parent) = node.parent {
                *children.entry(parent).or_default() += 1;
            }
        }
        let folds = |node: &Node| {
            !self.unfolded.runs
                && node.happening == Happening::Tools
                && node.kind == NodeKind::Turn
                && self.unfolded.node != Some(node.id)
                && !self.by_caller.contains_key(&node.id)
                && children.get(&node.id).copied().unwrap_or(0) <= 1
        };
        let mut open: HashMap<ExchangeId, usize> = HashMap::new();
        let mut runs: Vec<Vec<(&Node, usize)>> = Vec::new();
        for &(node, attempts) in steps {
            let folds_here = folds(node) && attempts == 0;
            let before = node.parent.and_then(|parent| open.remove(&parent)).filter(|_| folds_here);
            let at = before.unwrap_or(runs.len());
            if before.is_none() {
                runs.push(Vec::new());
            }
            runs[at].push((node, attempts));
            if folds_here {
                open.insert(node.id, at);
            }
        }
        runs.into_iter()
            .flat_map(|run| if run.len() < MIN_RUN { singles(run) } else { vec![run] })
            .collect()
    }
}

fn singles(run: Vec<(&Node, usize)>) -> Vec<Vec<(&Node, usize)>> {
    run.into_iter().map(|step| vec![step]).collect()
}

fn kind(run: &[(&Node, usize)]) -> ItemKind {
    match run {
        [(node, attempts)] => ItemKind::Step { node: (*node).clone(), attempts: *attempts },
        run => ItemKind::Run { nodes: run.iter().map(|(node, _)| (*node).clone()).collect() },
    }
}

fn mark_forks(items: &mut [Item]) {
    let mut children = vec![0; items.len()];
    for parent in items.iter().filter_map(|item| item.parent) {
        children[parent] += 1;
    }
    for (item, children) in items.iter_mut().zip(children) {
        item.is_fork = children > 1;
    }
}

/// The steps, parents first and otherwise by time, each with the attempts folded into it.
fn steps<'a>(nodes: &[&'a Node], callers: &HashSet<ExchangeId>) -> Vec<(&'a Node, usize)> {
    let ids: HashMap<ExchangeId, &Node> = nodes.iter().map(|node| (node.id, *node)).collect();
    let mut kept = callers.clone();
    kept.extend(nodes.iter().filter_map(|node| node.parent));
    let mut attempts: HashMap<ExchangeId, usize> = HashMap::new();
    let mut children: HashMap<Option<ExchangeId>, Vec<&Node>> = HashMap::new();
    for node in nodes {
        let parent = node.parent.filter(|parent| ids.contains_key(parent) && *parent != node.id);
        if node.kind == NodeKind::Attempt && parent.is_some() && !kept.contains(&node.id) {
            *attempts.entry(parent.unwrap_or(node.id)).or_default() += 1;
        } else {
            children.entry(parent).or_default().push(node);
        }
    }
    let mut due: BinaryHeap<Reverse<(jiff::Timestamp, ExchangeId)>> = BinaryHeap::new();
    let mut ordered = Vec::with_capacity(nodes.len());
    let mut release = |due: &mut BinaryHeap<_>, parent| {
        for child in children.remove(&parent).unwrap_or_default() {
            due.push(Reverse((child.at, child.id)));
        }
    };
    release(&mut due, None);
    while let Some(Reverse((_, id))) = due.pop() {
        ordered.push((ids[&id], attempts.remove(&id).unwrap_or(0)));
        release(&mut due, Some(id));
    }
    ordered
}
