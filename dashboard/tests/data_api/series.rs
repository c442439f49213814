//! Sums of neighbouring stretches of time, and of accounts, against a recount of what was generated.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use nexus_scripted::generate::Exchange;
use nexus_store::{store_tests, testing::TestStore};

use crate::{
    fixture::{Fixture, filled},
    sums::{recount, same},
};

/// Around all that was generated.
const PERIOD: &str = "from=2026-11-19&to=2026-11-25";

/// Where a bucket starts, and its account where accounts are told apart.
type Key = (Timestamp, Option<String>);

fn start(one: &Exchange, minutes: i64) -> Timestamp {
    let width = minutes * 60;
    let second = one.at.as_second().div_euclid(width) * width;
    Timestamp::from_second(second).expect("an instant")
}

/// The rows of the route's list are the sums of what has the same key.
async fn holds(fixture: &Fixture, address: &str, list: &str, key: impl Fn(&Exchange) -> Key) {
    let mut expected: BTreeMap<Key, Vec<&Exchange>> = BTreeMap::new();
    for one in &fixture.sent {
        expected.entry(key(one)).or_default().push(one);
    }
    assert!(expected.len() > 2, "{address} tells {} apart", expected.len());
    let answer = fixture.json(address).await;
    let rows = answer[list].as_array().expect("rows");
    assert_eq!(rows.len(), expected.len(), "{address}");
    for (row, ((start, account), sent)) in rows.iter().zip(expected) {
        let found = row["start"].as_str().and_then(|time| time.parse().ok());
        assert_eq!(found, Some(start), "{address}");
        assert_eq!(row["accountId"].as_str(), account.as_deref(), "{address}");
        same(row, recount(sent));
    }
}

async fn hours_are_those_of_a_recount(store: TestStore) {
    let fixture = filled(store).await;
    for what in ["requests", "tokens"] {
        let address = format!("/api/usage/{what}/hourly?{PERIOD}");
        holds(&fixture, &address, "hours", |one| (start(one, 60), None)).await;
    }
}

async fn a_course_is_that_of_a_recount(store: TestStore) {
    let fixture = filled(store).await;
    let address = format!("/api/token-usage/time-series?{PERIOD}");
    for minutes in [15, 45, 60, 1_440] {
        let steps = format!("{address}&bucket={minutes}");
        holds(&fixture, &steps, "series", |one| (start(one, minutes), None)).await;
    }
    let by_account = format!("{address}&bucket=60&byAccount=true");
    let key = |one: &Exchange| (start(one, 60), Some(one.account_id.clone()));
    holds(&fixture, &by_account, "series", key).await;
}

async fn accounts_are_those_of_a_recount(store: TestStore) {
    let fixture = filled(store).await;
    for minutes in [1_500, 10_000] {
        let since = fixture.now - i64::from(minutes).minutes();
        let mut expected: BTreeMap<&str, Vec<&Exchange>> = BTreeMap::new();
        for one in &fixture.sent {
            // One whose window was reported is shown, even with nothing in this one.
            let of_account = expected.entry(&one.account_id).or_default();
            of_account.extend((one.at >= since).then_some(one));
        }
        let answer = fixture.json(&format!("/api/token-usage/accounts?window={minutes}")).await;
        let rows = answer["accounts"].as_array().expect("rows");
        assert_eq!(rows.len(), expected.len(), "{minutes} minutes");
        for (row, (account, sent)) in rows.iter().zip(expected) {
            assert_eq!(row["accountId"], account);
            same(row, recount(sent));
        }
    }
}

store_tests!(
    hours_are_those_of_a_recount,
    a_course_is_that_of_a_recount,
    accounts_are_those_of_a_recount,
);
