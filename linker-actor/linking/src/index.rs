//! What the linker looks things up in. The store has one for each engine; [`Memory`](crate::memory)
//! is the one for tests and for computing all links at once.

use std::future::Future;

use nexus_contract::ExchangeId;
use serde::{Deserialize, Serialize};

use crate::{
    chain::Node,
    facts::{AnswerFacts, Moment, RequestFacts},
    hash::Hash,
    label::Branch,
    link::{Link, Reply},
};

/// An exchange as the index holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exchange {
    pub id: ExchangeId,
    pub request: Option<RequestFacts>,
    pub answer: Option<AnswerFacts>,
    /// The end of its history; `None` while a message thread's beginning is unknown.
    pub place: Option<Place>,
    /// The hash of its history with its answer behind it.
    pub follow: Option<Hash>,
}

/// The end of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub current: Hash,
    /// Blocks.
    pub length: u32,
}

/// A history's way through the trie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Whose history it is.
    pub domain: String,
    /// The longest prefix that was known; [`Hash::START`] for none.
    pub known: Hash,
    /// The prefixes behind it, shortest first.
    pub new: Vec<Node>,
}

/// Which exchanges may be a parent, or the same step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    Agent { session: String, agent: Option<String> },
    Session(String),
    Domain(String),
}

/// Asks for those whose current hash is `current`.
#[derive(Debug, Clone)]
pub struct Candidates {
    pub current: Hash,
    pub scope: Scope,
    /// The exchange that looks for a parent.
    pub child: Moment,
    pub reply: Reply,
}

/// How many candidates of one kind are compared; the same for every index, so that all decide alike.
pub const MAX_CANDIDATES: usize = 16;

/// A call that started, or may start, a sub-agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub tool_use_id: String,
    /// The exchange whose answer holds it.
    pub caller: Moment,
    pub position: u32,
    /// A harness starts any number of agents.
    pub harness: bool,
    /// Session of the caller, else its domain.
    pub scope: Hash,
    /// The caller's own agent.
    pub agent: Option<String>,
    pub prompt: Option<Hash>,
    /// The agent that the call's result names.
    pub names: Option<String>,
    /// The exchange that the call started.
    pub taken_by: Option<Moment>,
}

/// The index, as seen from inside one transaction.
///
/// Every list is in the order of [`Moment`]. Lists named `after` hold what began later than the
/// given moment; when events arrive about in order, they are short.
pub trait Index: Send {
    type Error: Send;

    fn find(
        &mut self,
        id: ExchangeId,
    ) -> impl Future<Output = Result<Option<Exchange>, Self::Error>> + Send;

    fn put(&mut self, exchange: &Exchange) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Those of `hashes` that are prefixes in the trie.
    fn known_nodes(
        &mut self,
        hashes: &[Hash],
    ) -> impl Future<Output = Result<Vec<Hash>, Self::Error>> + Send;

    /// A history takes its way through the trie.
    fn put_path(&mut self, path: &Path) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Removes prefixes from `last` upward for as long as no exchange and no other prefix stands on
    /// them.
    fn drop_nodes(&mut self, last: Hash) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Up to `max` prefixes from `last` upward, longest first.
    fn climb(
        &mut self,
        last: Hash,
        max: u32,
    ) -> impl Future<Output = Result<Vec<Node>, Self::Error>> + Send;

    /// Those of `hashes` at which a member in the scope ends.
    fn ending(
        &mut self,
        hashes: &[Hash],
        scope: &Scope,
    ) -> impl Future<Output = Result<Vec<Hash>, Self::Error>> + Send;

    /// Members to compare, [`MAX_CANDIDATES`] of each kind: the newest before the child whose answer
    /// is the reply (by hash, by call). Without such, the newest before it; without those, the oldest
    /// after it. Each kind beats the next, see [`rank`](crate::decide::rank).
    fn candidates(
        &mut self,
        wanted: &Candidates,
    ) -> impl Future<Output = Result<Vec<Exchange>, Self::Error>> + Send;

    /// Whether a member of the scope other than `id` ends at `current`.
    fn is_shared(
        &mut self,
        current: Hash,
        scope: &Scope,
        id: ExchangeId,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// The member that ends at `current` next before or after `moment`, of the same kind of
    /// identity: in the scope, and identified or not.
    fn equal(
        &mut self,
        current: Hash,
        scope: &Scope,
        identified: bool,
        moment: Moment,
        after: bool,
    ) -> impl Future<Output = Result<Option<Exchange>, Self::Error>> + Send;

    /// The newest member before `moment` in the scope that asked for a summary and has an answer, or
    /// any.
    fn newest(
        &mut self,
        scope: &Scope,
        before: Moment,
        summaries: bool,
    ) -> impl Future<Output = Result<Option<Exchange>, Self::Error>> + Send;

    /// Newest members before `before` in the scope whose answer's summary is one of `probes`; at most
    /// [`MAX_CANDIDATES`].
    fn summaries(
        &mut self,
        scope: &Scope,
        probes: &[Hash],
        before: Moment,
    ) -> impl Future<Output = Result<Vec<Exchange>, Self::Error>> + Send;

    /// The newest member before `child` whose answer has the message id.
    fn answering(
        &mut self,
        scope: &Scope,
        message_id: &str,
        child: Moment,
    ) -> impl Future<Output = Result<Option<Exchange>, Self::Error>> + Send;

    /// Exchanges that go on with that answer's thread.
    fn threads(
        &mut self,
        message_id: &str,
    ) -> impl Future<Output = Result<Vec<ExchangeId>, Self::Error>> + Send;

    /// Says whose places in the graph are looked at next, so that an index can fetch all of it at
    /// once: the exchanges, their parents and their siblings.
    fn expect_places(
        &mut self,
        _ids: &[ExchangeId],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        std::future::ready(Ok(()))
    }

    fn find_link(
        &mut self,
        id: ExchangeId,
    ) -> impl Future<Output = Result<Option<Link>, Self::Error>> + Send;

    /// Stores the link, with its exchange's waiting keys: what it would look up again.
    fn put_link(
        &mut self,
        link: &Link,
        waits: &[Hash],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Stores the link's step, conversation and branch.
    fn put_place(&mut self, link: &Link) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Links that leave a history at `joint`, in the domain or the session, of exchanges after
    /// `after` or with a late parent.
    fn joined(
        &mut self,
        joint: Hash,
        domain: &str,
        session: Option<&str>,
        after: Moment,
    ) -> impl Future<Output = Result<Vec<Moment>, Self::Error>> + Send;

    /// Members of the domain whose history goes through `hash` with no other member of the domain
    /// ending between.
    fn below(
        &mut self,
        hash: Hash,
        domain: &str,
    ) -> impl Future<Output = Result<Vec<Moment>, Self::Error>> + Send;

    /// Members of the session with a history longer than `length` that found no parent in their
    /// session and agent at `length` or beyond.
    fn longer(
        &mut self,
        session: &str,
        length: u32,
    ) -> impl Future<Output = Result<Vec<Moment>, Self::Error>> + Send;

    /// Heads of the session after `after`.
    fn heads(
        &mut self,
        session: &str,
        after: Moment,
    ) -> impl Future<Output = Result<Vec<Moment>, Self::Error>> + Send;

    /// Exchanges after `after` that wait for the key.
    fn waiting(
        &mut self,
        key: Hash,
        after: Moment,
    ) -> impl Future<Output = Result<Vec<Moment>, Self::Error>> + Send;

    /// Links whose parent is one of `parents`.
    fn children(
        &mut self,
        parents: &[ExchangeId],
    ) -> impl Future<Output = Result<Vec<Link>, Self::Error>> + Send;

    /// Links of the step's attempts, itself included.
    fn attempts(
        &mut self,
        step: ExchangeId,
    ) -> impl Future<Output = Result<Vec<Link>, Self::Error>> + Send;

    /// The branches of a conversation, with the names that they have; none for [`MAIN`](crate::label).
    fn branches(
        &mut self,
        conversation: ExchangeId,
    ) -> impl Future<Output = Result<Vec<(Branch, Option<String>)>, Self::Error>> + Send;

    /// Names the branch; `None` takes the name away, for `main` and for what is no branch any more.
    fn put_label(
        &mut self,
        branch: ExchangeId,
        label: Option<&str>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Exchanges on the branch.
    fn on_branch(
        &mut self,
        branch: ExchangeId,
    ) -> impl Future<Output = Result<Vec<ExchangeId>, Self::Error>> + Send;

    fn find_call(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        caller: Moment,
    ) -> impl Future<Output = Result<Option<Call>, Self::Error>> + Send;

    fn put_call(&mut self, call: &Call) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Remembers which agent a call's result names (of several the first by name), and gives the calls
    /// of that id that are known.
    fn put_result(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
        agent: &str,
    ) -> impl Future<Output = Result<Vec<Call>, Self::Error>> + Send;

    /// The agent that a result of the call named.
    fn named_by(
        &mut self,
        scope: Hash,
        tool_use_id: &str,
    ) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send;

    /// The call whose result names the agent, the earliest when there are several.
    fn call_of(
        &mut self,
        scope: Hash,
        agent: &str,
    ) -> impl Future<Output = Result<Option<Call>, Self::Error>> + Send;

    /// Calls of the scope before `child` with one of the prompts (any of a harness or a spawn, when
    /// `None`) that no earlier exchange has taken: newest caller first, then by position; at most
    /// [`MAX_CANDIDATES`].
    fn open_calls(
        &mut self,
        scope: Hash,
        prompts: Option<&[Hash]>,
        child: Moment,
    ) -> impl Future<Output = Result<Vec<Call>, Self::Error>> + Send;

    /// The call that the exchange holds.
    fn held_by(
        &mut self,
        child: ExchangeId,
    ) -> impl Future<Output = Result<Option<Call>, Self::Error>> + Send;
}

impl Exchange {
    /// Nothing known yet.
    pub fn new(id: ExchangeId) -> Self {
        Self { id, request: None, answer: None, place: None, follow: None }
    }

    pub fn moment(&self) -> Option<Moment> {
        self.request.as_ref().map(|request| request.moment)
    }

    /// The answer came to its end, so the client did not have to ask again.
    pub fn is_complete(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.complete)
    }

    /// The first tool that its answer calls.
    pub fn first_call(&self) -> Option<&String> {
        self.answer.as_ref()?.first_call.as_ref()
    }

    /// Known to have ended otherwise.
    pub fn has_failed(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| !answer.complete)
    }
}

impl Call {
    /// Made before the child, and not taken by an earlier one.
    pub fn is_open_for(&self, child: Moment) -> bool {
        self.caller < child && self.taken_by.is_none_or(|taker| taker >= child)
    }

    /// Of calls that a child could take, the greatest is taken.
    pub fn rank(&self) -> (Moment, std::cmp::Reverse<u32>) {
        (self.caller, std::cmp::Reverse(self.position))
    }
}

impl Exchange {
    /// The probe of the summary that its answer is.
    pub fn summary(&self) -> Option<Hash> {
        let answer = self.answer.as_ref()?;
        let asked = self.request.as_ref().is_some_and(|request| request.summarises);
        answer.summary.or_else(|| answer.plain_summary.filter(|_| asked))
    }
}
