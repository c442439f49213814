//! Which exchanges end along the histories of a batch.

use std::collections::HashSet;

use super::{Cache, Source, crowds::Leaving, fetch::Subject};
use crate::{chain::Node, hash::Hash, index::Scope};

/// Prefixes of each history that are looked at first: the parent's end is near.
const FIRST_STRIDE: usize = 4;
/// Prefixes looked up at once, of all histories together.
const MAX_HASHES: usize = 4_096;

/// A history on the way up.
struct Climb<'a> {
    subject: &'a Subject,
    /// The prefixes still to be looked at.
    above: &'a [Node],
}

impl<S: Source> Cache<S> {
    /// Climbs all histories together, each until an exchange is found that is near enough to be the
    /// parent.
    pub(super) async fn fetch_ends(&mut self, subjects: &[Subject]) -> Result<(), S::Error> {
        let own: HashSet<_> = subjects.iter().filter_map(|subject| subject.current).collect();
        self.fetch_members(own).await?;
        let climb = |subject| Climb { subject, above: above(subject) };
        let mut climbs: Vec<_> = subjects.iter().map(climb).collect();
        let mut leaving = Vec::new();
        let mut stride = FIRST_STRIDE;
        loop {
            climbs.retain(|climb| !climb.above.is_empty());
            let next = climbs.iter().flat_map(|climb| last(climb.above, stride).1);
            let hashes: HashSet<_> = next.map(|node| node.hash).collect();
            if hashes.is_empty() || hashes.len() > MAX_HASHES {
                break;
            }
            self.fetch_members(hashes).await?;
            for climb in &mut climbs {
                let (above, seen) = last(climb.above, stride);
                let near = seen.iter().rposition(|node| self.is_near(node.hash, climb.subject));
                climb.above = if near.is_some() { &[] } else { above };
                let crowded = near.filter(|at| self.is_crowded(seen[*at].hash));
                leaving.extend(crowded.map(|at| Leaving::new(climb.subject, above.len() + at)));
            }
            stride *= 4;
        }
        self.fetch_crowds(subjects, &leaving).await
    }

    async fn fetch_members(&mut self, hashes: HashSet<Hash>) -> Result<(), S::Error> {
        let cover = &self.cover;
        let unknown = hashes
            .into_iter()
            .filter(|hash| !cover.fresh.contains(hash) && !cover.ends.contains(hash));
        let unknown: Vec<_> = unknown.collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let found = self.source.members_at(&unknown).await?;
        self.load(found.members);
        let known = unknown.into_iter().filter(|hash| !found.crowded.contains(hash));
        self.cover.ends.extend(known);
        Ok(())
    }

    /// Whether more end at the hash, which was asked for, than were fetched.
    pub(super) fn is_crowded(&self, hash: Hash) -> bool {
        !self.cover.fresh.contains(&hash) && !self.cover.ends.contains(&hash)
    }

    /// Whether to look no further: nothing above can be nearer, or the source has to be asked anyway.
    fn is_near(&self, hash: Hash, subject: &Subject) -> bool {
        if self.is_crowded(hash) {
            return true;
        }
        let scope = match &subject.session {
            Some(session) if !self.cover.has_session(session) => {
                Scope::Agent { session: session.clone(), agent: subject.agent.clone() }
            }
            _ => Scope::Domain(subject.domain.clone()),
        };
        self.table.ends_in(hash, &scope)
    }
}

/// The prefixes of the subject's history that the source has, its whole history left out.
fn above(subject: &Subject) -> &[Node] {
    &subject.nodes[..subject.known.min(subject.nodes.len().saturating_sub(1))]
}

fn last(nodes: &[Node], count: usize) -> (&[Node], &[Node]) {
    nodes.split_at(nodes.len().saturating_sub(count))
}
