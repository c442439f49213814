//! CPU time and memory of processes with all their children, from `/proc`.

use std::{collections::BTreeSet, fs};

/// Clock ticks a second in `/proc/*/stat`; 100 on every Linux that people run.
const TICKS: f64 = 100.0;

/// What a set of process trees used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// User and system time of the processes that live now, and of their children that ended.
    pub cpu_seconds: f64,
    /// Resident memory now.
    pub rss_bytes: u64,
    pub open_files: u64,
}

/// Sums over the trees below `roots`.
pub fn read(roots: &[u32]) -> Usage {
    let mut usage = Usage::default();
    for pid in tree(roots) {
        let Some(stat) = Stat::read(pid) else { continue };
        usage.cpu_seconds += stat.cpu_seconds;
        usage.rss_bytes += rss(pid).unwrap_or(0);
        usage.open_files +=
            fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |dir| dir.count() as u64);
    }
    usage
}

/// The processes and all their descendants.
fn tree(roots: &[u32]) -> BTreeSet<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, Stat::read(pid)?.parent)))
        .collect();
    let mut tree: BTreeSet<u32> = roots.iter().copied().collect();
    loop {
        let before = tree.len();
        let found = parents.iter().filter(|(_, parent)| tree.contains(parent)).map(|(pid, _)| *pid);
        let found: Vec<u32> = found.collect();
        tree.extend(found);
        if tree.len() == before {
            return tree;
        }
    }
}

struct Stat {
    parent: u32,
    cpu_seconds: f64,
}

impl Stat {
    /// proc(5): the name in parentheses may hold anything, so fields are counted behind it.
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
        let cpu: f64 = (11..15).filter_map(ticks).sum();
        Some(Self { parent: fields.get(1)?.parse().ok()?, cpu_seconds: cpu / TICKS })
    }
}

fn rss(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_and_files() {
        let usage = read(&[std::process::id()]);
        assert!(usage.rss_bytes > 100_000 && usage.open_files > 2, "{usage:?}");
    }
}
