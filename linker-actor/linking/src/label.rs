//! Names of branches, as people see them.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, tz::TimeZone};
use nexus_contract::ExchangeId;

use crate::{facts::Moment, link::LinkKind};

/// The branch that a conversation begins with.
pub const MAIN: &str = "main";

/// What a branch's name is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The exchange that opened it.
    pub opened: Moment,
    pub kind: LinkKind,
    /// The exchange whose answer called for it, and the call's place in that answer.
    pub spawned: Option<(Moment, u32)>,
}

/// The names of a conversation's branches, by the exchanges that opened them.
///
/// `main` for the first; `subtask_<n>` for sub-agents, numbered in the order of their spawning;
/// `compact_<HHMMSS>` and `branch_<HHMMSS>` for the others, by when they opened, in UTC. Of equal
/// names the second gets `_2`, and so on.
pub fn labels(branches: &[Branch]) -> BTreeMap<ExchangeId, String> {
    let mut sorted: Vec<_> = branches.iter().collect();
    sorted.sort_by_key(|branch| (branch.spawned.is_some(), branch.spawned, branch.opened));
    let mut taken: HashMap<String, u32> = HashMap::new();
    let mut subtasks = 0;
    let mut names = BTreeMap::new();
    for branch in sorted {
        let name = if branch.kind == LinkKind::Subagent {
            subtasks += 1;
            format!("subtask_{subtasks}")
        } else {
            by_time(branch)
        };
        let count = taken.entry(name.clone()).or_default();
        *count += 1;
        let name = if *count > 1 { format!("{name}_{count}") } else { name };
        names.insert(branch.opened.id, name);
    }
    names
}

fn by_time(branch: &Branch) -> String {
    let prefix = match branch.kind {
        LinkKind::Root => return MAIN.to_owned(),
        LinkKind::Compact => "compact",
        _ => "branch",
    };
    let at = Timestamp::from_microsecond(branch.opened.at).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{prefix}_{}", at.to_zoned(TimeZone::UTC).strftime("%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(id: u128, kind: LinkKind, place: Option<u32>) -> Branch {
        let at: Timestamp = "2026-11-23T10:11:12Z".parse().expect("an instant");
        let moment = |id| Moment::new(at, ExchangeId(uuid::Uuid::from_u128(id)));
        Branch { opened: moment(id), kind, spawned: place.map(|place| (moment(1), place)) }
    }

    #[test]
    fn names_tell_what_a_branch_is_and_when_it_opened() {
        let branches = [
            branch(2, LinkKind::Subagent, Some(1)),
            branch(1, LinkKind::Root, None),
            branch(3, LinkKind::Subagent, Some(0)),
            branch(4, LinkKind::Compact, None),
            branch(5, LinkKind::Turn, None),
        ];
        let names: Vec<_> = labels(&branches).into_values().collect();
        assert_eq!(names, ["main", "subtask_2", "subtask_1", "compact_101112", "branch_101112"]);
    }

    #[test]
    fn equal_names_are_counted() {
        let twins = [7, 8, 9].map(|id| branch(id, LinkKind::Turn, None));
        let names: Vec<_> = labels(&twins).into_values().collect();
        assert_eq!(names, ["branch_101112", "branch_101112_2", "branch_101112_3"]);
    }
}
