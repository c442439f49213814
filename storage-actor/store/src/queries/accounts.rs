//! Domains and accounts.

use std::collections::BTreeMap;

use duplicate::duplicate_item;
use sqlx::{FromRow, Postgres, Sqlite};

use super::{
    row::{count, instant},
    statement::Statement,
    types::{
        AccountSummary, AccountWindow, DomainSummary, GroupBy, Paging, UsageFilter, UsageTotals,
    },
};
use crate::{engine::SqlStore, error::Result};

const CANNOT: &str = "accounts cannot be listed";

const WINDOWS: &str = "\
    SELECT account_id, name, at, status, max_units, remaining, utilization, reset_at \
    FROM account_windows ORDER BY account_id, name LIMIT 2000";

#[derive(Debug, FromRow)]
struct WindowRow {
    account_id: String,
    name: String,
    at: i64,
    status: Option<String>,
    max_units: Option<i64>,
    remaining: Option<i64>,
    utilization: Option<f64>,
    reset_at: Option<i64>,
}

impl WindowRow {
    fn window(self) -> Result<AccountWindow> {
        let limit = self.max_units.map(count);
        let remaining = self.remaining.map(count);
        Ok(AccountWindow {
            utilization: self.utilization.or_else(|| used(limit?, remaining?)),
            limit,
            remaining,
            resets_at: self.reset_at.map(instant).transpose()?,
            reported_at: instant(self.at)?,
            account_id: self.account_id,
            name: self.name,
            status: self.status,
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share for display")]
fn used(limit: u64, remaining: u64) -> Option<f64> {
    (limit > 0).then(|| limit.saturating_sub(remaining) as f64 / limit as f64)
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn windows(&self) -> Result<Vec<AccountWindow>> {
        let rows: Vec<WindowRow> = self.list(&Statement::new(WINDOWS), CANNOT).await?;
        rows.into_iter().map(WindowRow::window).collect()
    }

    pub(super) async fn domains(&self) -> Result<Vec<DomainSummary>> {
        let group = GroupBy { domain: true, ..GroupBy::default() };
        let sums = self.usage_sums(&UsageFilter::default(), group).await?;
        let domains = sums
            .into_iter()
            .map(|(key, totals)| DomainSummary { domain: key.domain.unwrap_or_default(), totals });
        Ok(busiest(domains.collect(), |domain| domain.totals.requests))
    }

    pub(super) async fn accounts(&self) -> Result<Vec<AccountSummary>> {
        let group = GroupBy { account: true, domain: true, ..GroupBy::default() };
        let mut accounts: BTreeMap<String, AccountSummary> = BTreeMap::new();
        for (key, totals) in self.usage_sums(&UsageFilter::default(), group).await? {
            let Some(name) = key.account_id else { continue };
            let account = accounts.entry(name.clone()).or_insert_with(|| empty(name));
            account.totals += totals;
            account.domains.push(key.domain.unwrap_or_default());
        }
        for window in self.windows().await? {
            let name = window.account_id.clone();
            accounts.entry(name.clone()).or_insert_with(|| empty(name)).windows.push(window);
        }
        Ok(busiest(accounts.into_values().collect(), |account| account.totals.requests))
    }
}

fn empty(account_id: String) -> AccountSummary {
    let totals = UsageTotals::default();
    AccountSummary { account_id, domains: Vec::new(), totals, windows: Vec::new() }
}

fn busiest<T>(mut rows: Vec<T>, requests: impl Fn(&T) -> u64) -> Vec<T> {
    rows.sort_by_key(|row| std::cmp::Reverse(requests(row)));
    rows.truncate(Paging::MAX as usize);
    rows
}
