//! Usage as a file for spreadsheets.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use jiff::civil::Date;
use nexus_store::queries::{GroupBy, UsageTotals};

use super::{Span, Used};
use crate::{
    error::PageError,
    pages::{store, zones},
    view::{Ctx, put},
};

/// `GET /usage.csv`: one row a day, account, domain and model.
pub async fn csv(ctx: Ctx) -> Result<HttpResponse, PageError> {
    let span = Span::asked(&ctx)?;
    let used = Used::load_days(&ctx, &span).await?;
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", "text/csv; charset=utf-8"))
        .insert_header(("content-disposition", "attachment; filename=\"nexus-usage.csv\""))
        .body(used.csv()))
}

impl<'a> Used<'a> {
    /// By the zone's day, account, domain and model.
    async fn load_days(ctx: &Ctx, span: &'a Span) -> Result<Self, PageError> {
        let group = GroupBy { domain: true, account: true, model: true, request_type: false };
        let edges = zones::day_edges(&span.zone, span.from, span.now)?;
        let queries = &ctx.dashboard.deps.queries;
        let filter = ctx.usage_filter(None);
        let buckets = queries.list_usage_between(&filter, &edges, group).await.map_err(store)?;
        Ok(Self { buckets, span })
    }

    fn csv(&self) -> String {
        let mut rows: BTreeMap<(Date, String, String, String), UsageTotals> = BTreeMap::new();
        for bucket in &self.buckets {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let key = &bucket.key;
            let key = (
                self.day(bucket.start),
                text(&key.account_id),
                text(&key.domain),
                text(&key.model),
            );
            *rows.entry(key).or_default() += bucket.totals;
        }
        let mut out = String::from(
            "date,account,domain,model,requests,errors,input,output,cache_read,cache_written,cost_usd\n",
        );
        for ((day, account, domain, model), totals) in rows {
            let cost = totals.cost_usd().map(|cost| format!("{cost:.6}")).unwrap_or_default();
            let tokens = &totals.tokens;
            put(
                &mut out,
                format_args!(
                    "{day},{},{},{},{},{},{},{},{},{},{cost}\n",
                    cell(&account),
                    cell(&domain),
                    cell(&model),
                    totals.requests,
                    totals.errors,
                    tokens.input,
                    tokens.output,
                    tokens.cache_read,
                    tokens.cache_creation()
                ),
            );
        }
        out
    }
}

/// A text as a cell: quoted, and no formula for a spreadsheet to run.
fn cell(text: &str) -> String {
    let danger = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if danger { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_runs_no_formula() {
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(cell("plain, text"), "\"plain, text\"");
    }
}
