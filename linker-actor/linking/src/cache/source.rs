//! What a cache is filled from and writes to.

use std::future::Future;

use nexus_contract::ExchangeId;

use crate::{
    facts::Moment,
    hash::Hash,
    index::{Exchange, Index, Path},
    link::Link,
};

/// An index that answers for many keys at once.
pub trait Source: Index {
    /// Those of the exchanges that are known.
    fn exchanges(
        &mut self,
        ids: &[ExchangeId],
    ) -> impl Future<Output = Result<Vec<Exchange>, Self::Error>> + Send;

    /// Those of the exchanges' links that are known.
    fn links(
        &mut self,
        ids: &[ExchangeId],
    ) -> impl Future<Output = Result<Vec<Link>, Self::Error>> + Send;

    /// The members that end at the hashes.
    fn members_at(
        &mut self,
        hashes: &[Hash],
    ) -> impl Future<Output = Result<Ends, Self::Error>> + Send;

    /// The members of a crowd; `None` when too many began since.
    fn members_in(
        &mut self,
        crowd: &Crowd,
    ) -> impl Future<Output = Result<Option<Vec<Exchange>>, Self::Error>> + Send;

    /// The members whose history and answer have one of the hashes.
    fn members_before(
        &mut self,
        follows: &[Hash],
    ) -> impl Future<Output = Result<Ends, Self::Error>> + Send;

    /// The members whose answer's first call is one of these.
    fn members_calling(
        &mut self,
        calls: &[String],
    ) -> impl Future<Output = Result<Ends<String>, Self::Error>> + Send;

    /// The members of sessions.
    fn members_of(
        &mut self,
        windows: &[Window],
    ) -> impl Future<Output = Result<Session, Self::Error>> + Send;

    /// Links that leave a history at the hash and are of exchanges since that time, or have a late
    /// parent.
    fn joined_since(
        &mut self,
        joints: &[(Hash, i64)],
    ) -> impl Future<Output = Result<Vec<Link>, Self::Error>> + Send;

    /// Exchanges since that time that wait for the key.
    fn waiting_since(
        &mut self,
        keys: &[(Hash, i64)],
    ) -> impl Future<Output = Result<Vec<(Hash, Moment)>, Self::Error>> + Send;

    /// Links of the steps' attempts, themselves included.
    fn attempts_of(
        &mut self,
        steps: &[ExchangeId],
    ) -> impl Future<Output = Result<Vec<Link>, Self::Error>> + Send;

    /// Members that go on with the answers' threads, with the answer.
    fn threads_of(
        &mut self,
        message_ids: &[String],
    ) -> impl Future<Output = Result<Vec<(String, ExchangeId)>, Self::Error>> + Send;

    /// Those of the scopes in which there is a call or a result.
    fn calling(
        &mut self,
        scopes: &[Hash],
    ) -> impl Future<Output = Result<Vec<Hash>, Self::Error>> + Send;

    /// Those of scopes and prompts for which there is a call.
    fn prompting(
        &mut self,
        prompts: &[(Hash, Hash)],
    ) -> impl Future<Output = Result<Vec<(Hash, Hash)>, Self::Error>> + Send;

    /// Those of the exchanges that hold a call.
    fn holders(
        &mut self,
        ids: &[ExchangeId],
    ) -> impl Future<Output = Result<Vec<ExchangeId>, Self::Error>> + Send;

    /// Writes everything.
    fn write(
        &mut self,
        pending: Pending<'_>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Members by where they end.
#[derive(Debug)]
pub struct Ends<K = Hash> {
    pub members: Vec<Exchange>,
    /// Where so many end that they are not among `members`.
    pub crowded: Vec<K>,
}

/// Of the members of a domain that end at a crowded hash: all since a time, and of those before it the
/// newest [`MAX_CANDIDATES`](crate::index::MAX_CANDIDATES), and the newest that is not identified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    pub current: Hash,
    /// Those alone whose history and answer have this hash; then identity plays no part.
    pub follow: Option<Hash>,
    pub domain: String,
    /// Microseconds since 1970.
    pub since: i64,
}

/// A part of a session: its members since a time, and of each agent the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub session: String,
    /// Microseconds since 1970.
    pub since: i64,
    pub agents: Vec<Option<String>>,
}

/// Members of sessions.
#[derive(Debug, Default)]
pub struct Session {
    pub members: Vec<Exchange>,
    /// Sessions of which `members` has all.
    pub whole: Vec<String>,
    /// Sessions of which `members` has not even the window: it holds too many.
    pub crowded: Vec<String>,
}

/// Changes to be written. The rows replace what there is.
#[derive(Debug)]
pub struct Pending<'a> {
    pub exchanges: Vec<&'a Exchange>,
    /// Exchanges that are there, with this request and this place, and have an answer now.
    pub answers: Vec<&'a Exchange>,
    /// None of their new prefixes is known, and none is in two of them.
    pub paths: &'a [Path],
    pub links: Vec<&'a Link>,
    /// Exchanges that wait no longer, before `waits`.
    pub waited: Vec<ExchangeId>,
    pub waits: Vec<(Moment, Vec<Hash>)>,
    /// Names of branches; `None` takes the name away.
    pub labels: Vec<(ExchangeId, Option<String>)>,
}
