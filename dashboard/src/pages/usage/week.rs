//! Tokens of the last seven days, whatever range the page shows.

use nexus_store::queries::GroupBy;

use crate::{
    chart::{self, Chart, Data, Series, Unit},
    error::PageError,
    pages::{overview::float, store},
    view::{Buckets, Ctx},
};

const HOUR: u32 = 60;
/// Hours of the sliding window's chart, and of the window.
const WEEK: usize = 24 * 7;
const WINDOW: usize = 5;

/// What its chart shows.
pub(super) struct Week {
    cut: Buckets,
    /// Tokens by hour, from a window's length before the week on.
    hours: Vec<f64>,
}

impl Week {
    pub(super) async fn load(ctx: &Ctx) -> Result<Self, PageError> {
        let cut = Buckets::new(HOUR, WEEK, ctx.now(), &ctx.counted_zone());
        let ahead = i64::try_from(WINDOW).unwrap_or(1) - 1;
        let from = cut.start() - jiff::SignedDuration::from_hours(ahead);
        let queries = &ctx.dashboard.deps.queries;
        let filter = ctx.usage_filter(Some(from));
        let used = queries.list_usage(&filter, HOUR, GroupBy::default()).await.map_err(store)?;
        let (before, current) = cut.split(&used);
        let ahead = &before[WEEK + 1 - WINDOW..];
        let hours = ahead.iter().chain(&current).map(|t| float(t.tokens.total())).collect();
        Ok(Self { cut, hours })
    }

    /// A week whose every hour had a token, in which clocks in Berlin were put back.
    #[cfg(test)]
    pub(super) fn sample() -> Self {
        let now = "2026-10-28T12:00:00Z".parse().unwrap_or_default();
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap_or(jiff::tz::TimeZone::UTC);
        let hours = vec![1.0; WEEK + WINDOW - 1];
        Self { cut: Buckets::new(HOUR, WEEK, now, &zone), hours }
    }

    /// Tokens of the five hours up to each hour.
    pub(super) fn sliding(&self) -> Chart {
        let values = self.hours.windows(WINDOW).map(|hours| hours.iter().sum()).collect();
        by_day(chart::lines(&Data {
            title: "Tokens in the five hours before, over seven days".into(),
            unit: Unit::Count,
            series: vec![Series::new("Last 5 hours", values)],
            labels: self.cut.labels(),
            limit: None,
        }))
    }
}

/// The table of a chart of hours, a row a day: one an hour would be long to read and to send.
fn by_day(mut chart: Chart) -> Chart {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for point in &chart.rows {
        let [label, value] = point.as_slice() else { continue };
        let Some((day, clock)) = label.rsplit_once(' ') else { continue };
        let hour = clock.split(':').next().and_then(|hour| hour.parse::<usize>().ok()).unwrap_or(0);
        if rows.last().is_none_or(|row| row[0] != day) {
            rows.push(vec![String::new(); 25]);
        }
        if let Some(row) = rows.last_mut() {
            day.clone_into(&mut row[0]);
            let cell = &mut row[1 + hour % 24];
            // When clocks are put back, an hour of the day comes twice.
            *cell = if cell.is_empty() { value.clone() } else { format!("{cell}, {value}") };
        }
    }
    let hours = (0..24).map(|hour| format!("{hour:02}"));
    chart.head = std::iter::once(String::new()).chain(hours).collect();
    chart.rows = rows;
    chart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hour_of_the_week_stands_in_the_table() {
        let chart = Week::sample().sliding();
        let days: Vec<&str> = chart.rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!((days.len(), days[0], days[7]), (8, "Oct 21", "Oct 28"));
        let cells = chart.rows.iter().flat_map(|row| &row[1..]);
        let told = cells.flat_map(|cell| cell.split(", ")).filter(|value| !value.is_empty());
        assert_eq!(told.count(), WEEK);
        assert_eq!(chart.rows[4][3], "5, 5", "02:00 of 25 October");
    }

    #[test]
    fn hours_stand_in_the_row_of_their_day() {
        let point = |label: &str, value: &str| vec![label.to_owned(), value.to_owned()];
        let rows =
            vec![point("Nov 1 23:00", "a"), point("Nov 2 00:00", "b"), point("Nov 2 05:00", "c")];
        let chart = by_day(Chart { rows, ..Chart::default() });
        assert_eq!((chart.head.len(), chart.rows.len()), (25, 2));
        assert_eq!((chart.rows[0][0].as_str(), chart.rows[0][24].as_str()), ("Nov 1", "a"));
        let second = &chart.rows[1];
        assert_eq!([&second[0], &second[1], &second[2], &second[6]], ["Nov 2", "b", "", "c"]);
    }
}
