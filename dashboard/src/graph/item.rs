//! What a graph shows: an exchange, or several folded into one box.

use super::model::Node;

/// One box, with the sub-agents that it started.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub kind: ItemKind,
    /// Index of the item that it continues.
    pub parent: Option<usize>,
    pub tasks: Vec<Task>,
    /// Other branches begin here.
    pub is_fork: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// One exchange, with how many further attempts it took.
    Step { node: Node, attempts: usize },
    /// A run of tool steps; never empty.
    Run { nodes: Vec<Node> },
}

/// A sub-agent, folded or laid open.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// `subtask_2`.
    pub branch: String,
    pub number: String,
    /// Messages of its newest exchange, nested sub-agents not counted.
    pub messages: u64,
    pub label: String,
    pub first: Node,
    /// Its own graph when laid open.
    pub open: Option<Vec<Item>>,
}

impl Item {
    /// The exchange that stands for the box: the last one of a run.
    pub fn node(&self) -> &Node {
        match &self.kind {
            ItemKind::Step { node, .. } => node,
            ItemKind::Run { nodes } => &nodes[nodes.len() - 1],
        }
    }

    /// The exchange that it begins with.
    pub fn first(&self) -> &Node {
        match &self.kind {
            ItemKind::Step { node, .. } => node,
            ItemKind::Run { nodes } => &nodes[0],
        }
    }

    pub fn branch(&self) -> &str {
        &self.node().branch
    }
}
