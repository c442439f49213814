//! Analyses by the domain and the accounts of their conversations.

use jiff::Timestamp;
use nexus_contract::ExchangeId;
use nexus_store::{
    analyses::{AnalysisCounts, AnalysisFilter, Branch, JobStatus, NewAnalysis},
    exchanges::{Account, AccountSource, ExchangePart},
    store_tests,
    testing::TestStore,
};

use crate::{
    probe::{Place, Probe},
    retention::opened,
    sample::{at, id, request, response},
};

const DOMAINS: [&str; 3] = ["a.example", "b.example", "c.example"];
const NONE: [ExchangeId; 0] = [];

/// Exchange `number`, of a conversation, in a domain and with an account of the same number.
async fn store_exchange(store: &TestStore, probe: &Probe, number: u32, root: u32, domain: usize) {
    let place = Place { conversation: id(root).0, branch: "main".to_owned(), kind: "turn" };
    probe.place(id(number).0, &place).await;
    let there = |part: ExchangePart| ExchangePart {
        domain: DOMAINS[domain].to_owned(),
        account: Some(Account {
            name: format!("account {domain}"),
            source: AccountSource::Credential,
        }),
        ..part
    };
    let halves = [there(request(number, b"asked")), there(response(number, b"said"))];
    store.write_exchanges(&halves).await.expect("stored");
}

async fn ask(store: &TestStore, conversation: ExchangeId, asked_at: Timestamp) {
    let new = NewAnalysis {
        branch: Branch { conversation_id: conversation, branch_id: "main".into() },
        custom_prompt: None,
        requested_by: "somebody".into(),
        at: asked_at,
    };
    store.request_analysis(&new).await.expect("made");
}

async fn found(store: &TestStore, filter: &AnalysisFilter) -> Vec<ExchangeId> {
    let jobs = store.list_analyses(filter, None, 9).await.expect("listed");
    let counts = store.count_analyses(filter).await.expect("counted");
    if filter.status.is_none() {
        let pending = u64::try_from(jobs.len()).expect("a few");
        assert_eq!(counts, AnalysisCounts { pending, ..AnalysisCounts::default() }, "{filter:?}");
    }
    jobs.iter().map(|job| job.branch.conversation_id).collect()
}

fn of_domain(domain: &str) -> AnalysisFilter {
    AnalysisFilter { domain: Some(domain.into()), ..AnalysisFilter::default() }
}

fn of_account(account: &str) -> AnalysisFilter {
    AnalysisFilter { account_id: Some(account.into()), ..AnalysisFilter::default() }
}

async fn jobs_are_listed_and_counted_by_domain_and_account(store: TestStore) {
    let probe = opened(&store).await;
    for (number, domain) in [(1, 0), (11, 1), (21, 0)] {
        store_exchange(&store, &probe, number, number, domain).await;
        ask(&store, id(number), at(number)).await;
    }
    assert_eq!(found(&store, &AnalysisFilter::default()).await, [21, 11, 1].map(id));
    assert_eq!(found(&store, &of_domain(DOMAINS[0])).await, [21, 1].map(id));
    assert_eq!(found(&store, &of_domain(DOMAINS[1])).await, [id(11)]);
    assert_eq!(found(&store, &of_domain(DOMAINS[2])).await, NONE);
    assert_eq!(found(&store, &of_account("account 0")).await, [21, 1].map(id));
    assert_eq!(found(&store, &of_account("account 2")).await, NONE);
    let both = AnalysisFilter { account_id: Some("account 1".into()), ..of_domain(DOMAINS[0]) };
    assert_eq!(found(&store, &both).await, NONE, "every condition must hold");
    let late = AnalysisFilter { from: Some(at(5)), ..of_domain(DOMAINS[0]) };
    assert_eq!(found(&store, &late).await, [id(21)]);
    let failed = AnalysisFilter { status: Some(JobStatus::Failed), ..of_domain(DOMAINS[0]) };
    assert_eq!(found(&store, &failed).await, NONE);
    assert_eq!(store.count_analyses(&failed).await.expect("counted").pending, 2);
}

/// It stays with its conversation, whatever that is called since, and whichever part of it is gone.
async fn a_job_of_a_former_id_is_of_the_domain_of_its_conversation(store: TestStore) {
    let probe = opened(&store).await;
    // The second was a root once, and was analysed as such.
    for number in [1, 2, 3] {
        store_exchange(&store, &probe, number, 1, 0).await;
    }
    ask(&store, id(2), at(2)).await;
    ask(&store, id(99), at(3)).await;
    assert_eq!(found(&store, &of_domain(DOMAINS[0])).await, [id(2)], "what isn't there is nowhere");
    assert_eq!(found(&store, &of_account("account 0")).await, [id(2)]);
    for number in [31, 32] {
        store_exchange(&store, &probe, number, 31, 0).await;
    }
    ask(&store, id(31), at(32)).await;
    assert_eq!(store.remove_rows(at(32)).await.expect("removed"), 4);
    assert_eq!(found(&store, &of_domain(DOMAINS[0])).await, [id(31)], "its root is gone alone");
}

store_tests!(
    jobs_are_listed_and_counted_by_domain_and_account,
    a_job_of_a_former_id_is_of_the_domain_of_its_conversation,
);
