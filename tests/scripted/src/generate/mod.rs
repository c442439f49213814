//! Realistic traffic without a network: sessions of coding agents with tools, sub-agents, forks,
//! compactions, retries and errors, from a seed.
//!
//! The same [`Plan`] always gives the same exchanges, byte for byte. Conversations come one by one, so
//! that a store of a million requests needs the memory of one conversation. [`report()`] and [`prose()`] are
//! what a model says when it is asked to analyse one.

mod answer;
mod exchange;
mod random;
mod report;
mod session;
mod teller;
mod words;

pub use exchange::Exchange;
use jiff::Timestamp;
pub use report::{prose, report};

use self::{random::Random, session::Session};

/// What to generate.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub conversations: u32,
    /// Requests of a conversation, on average; most have fewer, some many more.
    pub requests: u32,
    /// Nothing happens later.
    pub end: Timestamp,
    /// The oldest begin so many days earlier.
    pub days: u32,
}

impl Plan {
    /// The conversations, oldest first; each with its exchanges in order of time.
    pub fn conversations(self) -> impl Iterator<Item = Vec<Exchange>> {
        (0..self.conversations).map(move |number| self.conversation(number))
    }

    /// One that would last beyond the end begins so much earlier.
    fn conversation(&self, number: u32) -> Vec<Exchange> {
        let told = self.begun_earlier(number, 0);
        let late = told.iter().map(Exchange::end_ms).max().unwrap_or(0) - self.end.as_millisecond();
        if late > 0 { self.begun_earlier(number, late) } else { told }
    }

    fn begun_earlier(&self, number: u32, by_ms: i64) -> Vec<Exchange> {
        let mut random = Random::new(self.seed ^ (u64::from(number) << 20));
        let span = i64::from(self.days) * 86_400_000;
        let place = i64::from(number + 1) * span / i64::from(self.conversations.max(1));
        let jitter = random.below(3_600_000).cast_signed();
        let begin = self.end.as_millisecond() - span + place - jitter - by_ms;
        let budget = random.skewed(self.requests);
        Session::new(random, begin, number).run(budget)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn plan() -> Plan {
        let end = "2026-11-23T12:00:00Z".parse().expect("an instant");
        Plan { seed: 7, conversations: 60, requests: 40, end, days: 30 }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_one_does_not() {
        let bytes = |plan: Plan| -> Vec<_> {
            plan.conversations().flatten().map(|one| (one.id, one.request, one.response)).collect()
        };
        assert!(bytes(plan()) == bytes(plan()));
        assert!(bytes(plan()) != bytes(Plan { seed: 8, ..plan() }));
    }

    #[test]
    fn every_shape_is_there_and_every_body_is_json() {
        let all: Vec<_> = plan().conversations().flatten().collect();
        let ids: HashSet<_> = all.iter().map(|one| one.id).collect();
        assert_eq!(ids.len(), all.len(), "ids are unique");
        let newest = all.iter().map(Exchange::end_ms).max().expect("exchanges");
        assert!(newest <= plan().end.as_millisecond(), "nothing is in the future");
        assert!((1_200..6_000).contains(&all.len()), "{} requests", all.len());
        for one in &all {
            serde_json::from_slice::<serde_json::Value>(&one.request).expect("a JSON body");
        }
        let has =
            |text: &str| all.iter().any(|one| String::from_utf8_lossy(&one.request).contains(text));
        assert!(has("This session is being continued"), "a compaction");
        assert!(has("\"name\":\"Agent\""), "a sub-agent");
        assert!(all.iter().any(|one| one.status == Some(529)), "an overload");
        assert!(all.iter().any(|one| one.usage.is_none()), "an answer without usage");
        let headers =
            |name: &str| all.iter().any(|one| one.request_headers.iter().any(|(n, _)| n == name));
        assert!(headers("x-claude-code-agent-id"));
    }

    #[test]
    fn an_exchange_is_two_events() {
        let all: Vec<_> = plan().conversations().next().expect("a conversation");
        let [request, response] = all[0].events().expect("bodies compress");
        assert_eq!(request.envelope.id, response.envelope.id);
        let raw = request.body.expect("a body").raw().expect("it decompresses");
        assert_eq!(raw, all[0].request);
    }
}
