//! Columns: each branch keeps one from its first to its last row, and gives it back.

use std::collections::HashMap;

use super::item::Item;

/// The column of every item, and how many there are.
pub struct Lanes {
    pub of_item: Vec<usize>,
    pub count: usize,
}

/// Gives each line of descent a column. A first child goes on in its parent's column; each further
/// one takes the leftmost column that is free from its parent's row to its own last row.
pub fn lanes(items: &[Item]) -> Lanes {
    let strands = strands(items);
    let mut of_item = vec![0; items.len()];
    // For each column, the row at which its last strand ends.
    let mut busy: Vec<usize> = Vec::new();
    for strand in &strands {
        let column =
            (0..busy.len()).find(|&column| busy[column] <= strand.from).unwrap_or(busy.len());
        if column == busy.len() {
            busy.push(0);
        }
        busy[column] = strand.to + 1;
        for &item in &strand.items {
            of_item[item] = column;
        }
    }
    Lanes { of_item, count: busy.len() }
}

struct Strand {
    items: Vec<usize>,
    /// The row from which its column is taken: where it leaves its parent.
    from: usize,
    to: usize,
}

/// Lines of descent, in the order of their beginnings.
fn strands(items: &[Item]) -> Vec<Strand> {
    let mut strands: Vec<Strand> = Vec::new();
    let mut tail_of: HashMap<usize, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let same_branch = |parent: &usize| items[*parent].branch() == item.branch();
        let strand = item.parent.filter(same_branch).and_then(|parent| tail_of.remove(&parent));
        let at = strand.unwrap_or(strands.len());
        if strand.is_none() {
            strands.push(Strand {
                items: Vec::new(),
                from: item.parent.unwrap_or(index),
                to: index,
            });
        }
        strands[at].items.push(index);
        strands[at].to = index;
        tail_of.insert(index, at);
    }
    strands.sort_by_key(|strand| (strand.from, strand.items[0]));
    strands
}
