//! Where so many end that not all are fetched: those that a batch may look at.
//!
//! A million conversations may begin with the same words, and be answered alike.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    Cache, Crowd, Ends, Source,
    fetch::{Subject, earliest},
};
use crate::{decide, hash::Hash, link::Reply};

/// Crowds fetched for one batch: each takes look-ups of its own.
const MAX_CROWDS: usize = 64;

/// A history that leaves those that end in a crowd.
pub(super) struct Leaving<'a> {
    subject: &'a Subject,
    current: Hash,
    reply: Reply,
}

impl<'a> Leaving<'a> {
    /// `at`: the prefix of the subject's history at which the crowd ends.
    pub fn new(subject: &'a Subject, at: usize) -> Self {
        let reply = decide::reply(subject.nodes[at + 1..].iter());
        Self { subject, current: subject.nodes[at].hash, reply }
    }
}

impl<S: Source> Cache<S> {
    /// The crowds in which the subjects end, and those that they leave with the answers they go on from.
    pub(super) async fn fetch_crowds(
        &mut self,
        subjects: &[Subject],
        leaving: &[Leaving<'_>],
    ) -> Result<(), S::Error> {
        let alike = self.fetch_follows(leaving).await?;
        self.fetch_calling(leaving).await?;
        let own = subjects.iter().filter_map(|subject| Some((subject, subject.current?, None)));
        let own = own.filter(|(_, current, _)| self.is_crowded(*current));
        let left = leaving.iter().map(|one| (one.subject, one.current, None));
        let followed =
            leaving.iter().filter(|one| one.reply.hash.is_some_and(|hash| alike.contains(&hash)));
        let followed = followed.map(|one| (one.subject, one.current, one.reply.hash));
        let mut crowds = HashMap::new();
        for (subject, current, follow) in own.chain(left).chain(followed) {
            let key = (current, follow, subject.domain.as_str());
            earliest(&mut crowds, key, subject.moment.at);
        }
        for ((current, follow, domain), since) in crowds.into_iter().take(MAX_CROWDS) {
            let crowd = Crowd { current, follow, domain: domain.to_owned(), since };
            if let Some(members) = self.source.members_in(&crowd).await? {
                self.load(members);
                self.cover.crowd(crowd);
            }
        }
        Ok(())
    }

    /// The members whose answers the histories go on from. Gives the hashes at which those are a crowd.
    async fn fetch_follows(&mut self, leaving: &[Leaving<'_>]) -> Result<HashSet<Hash>, S::Error> {
        let asked: BTreeSet<_> = leaving.iter().filter_map(|one| one.reply.hash).collect();
        let asked: Vec<_> = asked.into_iter().collect();
        if asked.is_empty() {
            return Ok(HashSet::new());
        }
        let Ends { members, crowded } = self.source.members_before(&asked).await?;
        self.load(members);
        self.cover.follows.extend(asked.into_iter().filter(|hash| !crowded.contains(hash)));
        Ok(crowded.into_iter().collect())
    }

    /// The members that made the calls behind which the histories go on.
    async fn fetch_calling(&mut self, leaving: &[Leaving<'_>]) -> Result<(), S::Error> {
        let asked: BTreeSet<_> = leaving.iter().filter_map(|one| one.reply.call.clone()).collect();
        let asked: Vec<_> = asked.into_iter().collect();
        if asked.is_empty() {
            return Ok(());
        }
        let Ends { members, crowded } = self.source.members_calling(&asked).await?;
        self.load(members);
        self.cover.calls.extend(asked.into_iter().filter(|call| !crowded.contains(call)));
        Ok(())
    }
}
