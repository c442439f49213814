//! Lists of exchanges.

use duplicate::duplicate_item;
use nexus_contract::{ExchangeId, TerminalState};
use nexus_messages::RequestType;
use sqlx::{Postgres, Sqlite};

use super::{
    calling::Span,
    conditions::{Conditions, branch_prefix, search_conditions},
    first,
    names::Names,
    rarest::Few,
    row::{COLUMNS, ExchangeRow, KNOWN, KNOWN_BY_INDEX},
    statement::{Statement, Value},
    types::{
        Cursor, ExchangeKind, Page, Paging, RequestFilter, RequestSort, RequestSummary,
        StatusFilter,
    },
    walk::{self, Seen, Step, Walk, Walked},
    words::Words,
};
use crate::{engine::SqlStore, error::Result};

const CANNOT: &str = "exchanges cannot be listed";

/// The branch that most exchanges are on: no index of branches holds it.
const MAIN: &str = "main";

impl RequestSort {
    const fn column(self) -> &'static str {
        match self {
            Self::Time => "e.at",
            Self::Cost => "e.cost_nanos",
            Self::Duration => "e.duration_ms",
        }
    }

    /// What the list is ordered by. Where its exchanges are looked up, by words or because they are few,
    /// they are sorted; the plus keeps both engines from walking through an index of all exchanges in
    /// search of them.
    const fn order(self, is_looked_up: bool) -> &'static str {
        match (self, is_looked_up) {
            (Self::Time, true) => "+e.at",
            (Self::Cost, true) => "+e.cost_nanos",
            (Self::Duration, true) => "+e.duration_ms",
            (sort, false) => sort.column(),
        }
    }

    fn value(self, row: &ExchangeRow) -> i64 {
        match self {
            Self::Time => row.at,
            Self::Cost => row.cost_nanos.unwrap_or(0),
            Self::Duration => row.duration_ms.unwrap_or(0),
        }
    }

    /// As a walk sees it.
    fn seen(self, row: &ExchangeRow) -> Seen {
        (row.exchange_id, self.value(row), row.document_id)
    }
}

/// What one page is made of.
struct List<'a> {
    filter: &'a RequestFilter,
    paging: &'a Paging,
    names: &'a Names,
    words: &'a Words,
    span: Span,
    few: Option<Few<'a>>,
}

impl List<'_> {
    /// Whether exchanges are taken as the order has them, and not looked up.
    const fn is_walked(&self) -> bool {
        self.few.is_none() && self.words.is_none()
    }

    const fn order(&self) -> &'static str {
        self.filter.sort.order(!self.is_walked())
    }

    /// How a walk goes. Which models and which tools are meant takes a statement each.
    fn steps(&self) -> &'static [u32] {
        let search = &self.filter.search;
        let asks_twice = !search.models.is_empty() && !search.tools.is_empty();
        if asks_twice { walk::EXCHANGES_AT_ONCE } else { walk::EXCHANGES }
    }
}

fn statement(list: &List<'_>) -> Statement {
    let mut statement = Statement::new("SELECT ");
    statement.push(COLUMNS, []);
    if list.paging.offset == 0 && list.words.is_none() {
        statement.push(" FROM exchanges e WHERE ", []).push(KNOWN, []);
        push_page(&mut statement, list);
        return statement;
    }
    // Passed over are ids in an index, not rows, and so is what words lead to. CROSS has SQLite begin
    // with the page.
    statement.push(" FROM (SELECT e.exchange_id FROM exchanges e WHERE ", []);
    statement.push(KNOWN_BY_INDEX, []);
    push_page(&mut statement, list);
    statement.push(") p CROSS JOIN exchanges e WHERE e.exchange_id = p.exchange_id", []);
    push_order(&mut statement, list.filter.sort.order(true));
    statement
}

fn push_order(statement: &mut Statement, order: &str) {
    statement.push(&format!(" ORDER BY {order} DESC, e.exchange_id DESC"), []);
}

/// Conditions, order and bounds of a list.
fn push_page(statement: &mut Statement, list: &List<'_>) {
    let List { paging, words, few, .. } = *list;
    if few.is_none() && !words.is_none() && list.filter.has_conditions() {
        push_chosen(statement, list);
    } else {
        push_conditions(statement, list);
        push_looked_up(statement, words, few);
    }
    push_order(statement, list.order());
    // One row more than asked for tells whether the list goes on.
    statement.push(" LIMIT ? OFFSET ?", [(paging.rows() + 1).into(), paging.offset.into()]);
}

/// All conditions but those that exchanges are looked up by.
fn push_conditions(statement: &mut Statement, list: &List<'_>) {
    let List { filter, paging, names, span, .. } = *list;
    conditions(statement, filter);
    push_names(statement, names, filter.sort);
    if list.is_walked() {
        span.push(statement);
        push_off_main(statement, filter);
    }
    if filter.sort != RequestSort::Time {
        statement.push(&format!(" AND {} IS NOT NULL", filter.sort.column()), []);
    }
    if let Some(Cursor { value, id }) = paging.cursor {
        let after = format!(" AND ({}, e.exchange_id) < (?, ?)", list.order());
        statement.push(&after, [value.into(), id.0.into()]);
    }
}

/// That it has the words, and is one of the few.
fn push_looked_up(statement: &mut Statement, words: &Words, few: Option<Few<'_>>) {
    if few.is_none() && words.is_none() {
        return;
    }
    statement.push(" AND e.exchange_id IN (", []);
    match few {
        Some(few) if words.is_none() => few.push_exchanges(statement),
        Some(few) => first::push_few(statement, words, few),
        None => {
            statement.push("SELECT p.exchange_id FROM (", []);
            words.push_places(statement);
            statement.push(") p", []);
        }
    }
    statement.push(")", []);
}

/// That it has the words and meets the conditions. These stand where the exchanges are found: beside
/// them, they would lead SQLite through all exchanges that meet one.
fn push_chosen(statement: &mut Statement, list: &List<'_>) {
    statement.push(" AND e.exchange_id IN (SELECT e.exchange_id FROM (", []);
    list.words.push_places(statement);
    statement.push(") p CROSS JOIN exchanges e WHERE e.exchange_id = p.exchange_id", []);
    push_conditions(statement, list);
    statement.push(")", []);
}

/// A step of a walk through those that meet the conditions, in search of the words.
fn step(list: &List<'_>, step: Step) -> Statement {
    let none = Words::default();
    let paging = Paging { cursor: step.after, ..list.paging.clone() };
    let walked = List { words: &none, paging: &paging, ..*list };
    let seen = first::exchanges(list.words, step, |statement| {
        let value = list.filter.sort.column();
        let select =
            format!("SELECT e.exchange_id AS id, {value} AS value FROM exchanges e WHERE ");
        statement.push(&select, []).push(KNOWN_BY_INDEX, []);
        push_conditions(statement, &walked);
        push_order(statement, walked.order());
    });
    seen.within(
        &format!("SELECT {COLUMNS}, f.document_id FROM ("),
        ") f CROSS JOIN exchanges e WHERE e.exchange_id = f.id",
    )
}

fn conditions(statement: &mut Statement, filter: &RequestFilter) {
    statement.equal("e.domain", filter.domain.as_deref());
    statement.equal("e.account_id", filter.account_id.as_deref());
    statement.equal("e.model", filter.model.as_deref());
    statement.equal("e.request_type", filter.request_type.map(RequestType::as_str));
    statement.equal("e.state", filter.state.map(TerminalState::as_str));
    statement.equal("e.kind", filter.kind.map(ExchangeKind::as_str));
    statement.equal("e.branch_id", filter.branch_id.as_deref());
    if let Some(id) = filter.conversation_id {
        statement.push(" AND e.conversation_id = ?", [id.0.into()]);
    }
    match filter.status {
        Some(StatusFilter::Code(code)) => {
            statement.push(" AND e.status = ?", [i64::from(code).into()]);
        }
        Some(StatusFilter::Class(class)) => {
            let first = i64::from(class) * 100;
            statement.push(" AND e.status BETWEEN ? AND ?", [first.into(), (first + 99).into()]);
        }
        None => {}
    }
    statement.between("e.at", filter.from, filter.to);
    search_conditions(statement, &filter.search);
    rare_values(statement, filter);
}

/// Says again, as the partial indices say it, what follows from the filter: a bound value shows no
/// engine that such an index holds all it looks for.
fn rare_values(statement: &mut Statement, filter: &RequestFilter) {
    let is_error = match filter.status {
        Some(StatusFilter::Code(code)) => code >= 400,
        Some(StatusFilter::Class(class)) => class >= 4,
        None => false,
    };
    let is_rare = |rare: bool, sql: &'static str| rare.then_some(sql);
    let known = [
        is_rare(is_error, " AND e.status >= 400"),
        is_rare(
            filter.request_type.is_some_and(|kind| kind != RequestType::Inference),
            " AND e.request_type <> 'inference'",
        ),
        is_rare(
            filter.kind.is_some_and(|kind| kind != ExchangeKind::Turn),
            " AND e.kind <> 'turn'",
        ),
        is_rare(
            filter.state.is_some_and(|state| state != TerminalState::Completed),
            " AND e.state <> 'completed'",
        ),
    ];
    for sql in known.into_iter().flatten() {
        statement.push(sql, []);
    }
}

/// Says what follows from the names: that there is nothing, or since when there is.
fn push_names(statement: &mut Statement, names: &Names, sort: RequestSort) {
    match (&names.models, names.newest()) {
        (Some(_), None) => {
            statement.push(" AND 1 = 0", []);
        }
        // In another order it would lure the engine to an index by time.
        (Some(_), Some(newest)) if sort == RequestSort::Time => {
            statement.push(" AND e.at <= ?", [newest.into()]);
        }
        _unbounded => {}
    }
}

/// Says again, as `exchanges_off_main` says it, what follows from the filter, for lists that walk that
/// index: those in the order of time. A conversation is short enough to be walked by itself.
fn push_off_main(statement: &mut Statement, filter: &RequestFilter) {
    if filter.sort != RequestSort::Time || filter.conversation_id.is_some() {
        return;
    }
    let named = filter.branch_id.iter().filter(|branch| *branch != MAIN).map(String::as_str);
    let kinds = filter.search.has.iter().filter_map(|has| branch_prefix(*has));
    if let Some(branch) = named.chain(kinds).next() {
        let kind: String = branch.chars().take(4).collect();
        let sql = " AND e.branch_id <> 'main' AND substr(e.branch_id, 1, 4) = ?";
        statement.push(sql, [Value::Text(kind)]);
    }
}

fn page(
    rows: Vec<ExchangeRow>,
    sort: RequestSort,
    limit: u32,
    words: &Words,
) -> Result<Page<RequestSummary>> {
    let limit = limit as usize;
    let next_cursor = (rows.len() > limit)
        .then(|| &rows[limit - 1])
        .map(|last| Cursor { value: sort.value(last), id: ExchangeId(last.exchange_id) });
    let items = rows.into_iter().take(limit).map(ExchangeRow::summary).collect::<Result<_>>()?;
    Ok(Page { items, next_cursor, unsearched: words.unsearched() })
}

#[duplicate_item(Engine; [Sqlite]; [Postgres])]
impl SqlStore<Engine> {
    pub(super) async fn requests(
        &self,
        filter: &RequestFilter,
        paging: &Paging,
    ) -> Result<Page<RequestSummary>> {
        let mut words = Words::of::<Engine>(&filter.search);
        let names = self.names(&filter.search).await?;
        let span = self.span(filter, paging, &names).await?;
        let few = self.rarest(filter, &names, &words, span).await?;
        if few.is_none() {
            words = self.locate(words).await?;
        }
        let list = List { filter, paging, names: &names, words: &words, span, few };
        if words.is_common() && filter.has_conditions() {
            return self.walked_requests(&list).await;
        }
        let rows = self.list(&statement(&list), CANNOT).await?;
        page(rows, filter.sort, paging.rows(), &words)
    }

    async fn walked_requests(&self, list: &List<'_>) -> Result<Page<RequestSummary>> {
        let sort = list.filter.sort;
        let mut walk = Walk::new(list.paging, list.steps());
        while let Some(next) = walk.next_step() {
            let rows = self.list(&step(list, next), CANNOT).await?;
            walk.add(rows, |row: &ExchangeRow| sort.seen(row));
        }
        let Walked { hits, next_cursor, unsearched } = walk.page(list.paging);
        let items = hits.into_iter().map(|hit| hit.row.summary()).collect::<Result<_>>()?;
        Ok(Page { items, next_cursor, unsearched })
    }

    pub(super) async fn request(&self, id: ExchangeId) -> Result<Option<RequestSummary>> {
        let mut statement = Statement::new("SELECT ");
        statement.push(COLUMNS, []);
        statement.push(" FROM exchanges e WHERE e.exchange_id = ?", [id.0.into()]);
        let rows: Vec<ExchangeRow> = self.list(&statement, CANNOT).await?;
        rows.into_iter().next().map(ExchangeRow::summary).transpose()
    }

    pub(super) async fn children(&self, id: ExchangeId) -> Result<Vec<RequestSummary>> {
        let mut statement = Statement::new("SELECT ");
        // Two statements in one, since an OR over two columns would use neither index.
        statement.push(COLUMNS, []);
        statement.push(" FROM exchanges e WHERE e.parent_id = ? UNION SELECT ", [id.0.into()]);
        statement.push(COLUMNS, []);
        statement.push(" FROM exchanges e WHERE e.parent_task_id = ?", [id.0.into()]);
        statement.push(" ORDER BY at, exchange_id LIMIT ?", [Paging::MAX.into()]);
        let rows: Vec<ExchangeRow> = self.list(&statement, CANNOT).await?;
        rows.into_iter().map(ExchangeRow::summary).collect()
    }
}
