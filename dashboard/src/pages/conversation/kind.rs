//! What a branch is, told alike by chips, charts and tables: by an icon, a word and a colour.

use nexus_store::queries::BranchSummary;
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Main,
    Branch,
    Compaction,
    SubAgent,
}

/// How a kind is shown.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Mark {
    pub icon: &'static str,
    pub name: &'static str,
    /// A class of the style sheet.
    pub colour: &'static str,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Main, Self::Branch, Self::Compaction, Self::SubAgent];

    pub fn of(branch: &BranchSummary) -> Self {
        match branch.branch_id.as_str() {
            _ if branch.is_subtask => Self::SubAgent,
            "main" => Self::Main,
            name if name.starts_with("compact_") => Self::Compaction,
            _ => Self::Branch,
        }
    }

    pub const fn mark(self) -> Mark {
        let (icon, name, colour) = match self {
            Self::Main => ("git-branch", "main branch", "l1"),
            Self::Branch => ("git-fork", "other branch", "l2"),
            Self::Compaction => ("scissors", "after a compaction", "l4"),
            Self::SubAgent => ("bot", "sub-agent", "l3"),
        };
        Mark { icon, name, colour }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Kind::{Branch, Compaction, Main, SubAgent},
        *,
    };

    #[test]
    fn each_kind_of_branch_is_told_apart_by_more_than_its_colour() {
        let loaded = super::super::data::sample();
        let kinds: Vec<_> = loaded.graph.branches.iter().map(Kind::of).collect();
        assert_eq!(kinds, [Main, SubAgent, SubAgent, Branch, Compaction]);
        let marks = Kind::ALL.map(Kind::mark);
        for (index, mark) in marks.iter().enumerate() {
            for other in &marks[index + 1..] {
                assert_ne!(mark.icon, other.icon);
                assert_ne!(mark.name, other.name);
                assert_ne!(mark.colour, other.colour);
            }
        }
    }
}
