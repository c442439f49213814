//! Charts, drawn on the server as SVG: axes scaled to the data, gridlines, a tooltip on every mark
//! for pointer and keyboard, colours from the style sheet, and the same numbers as a table.

mod bars;
mod flame;
mod heat;
mod lines;
mod parts;
mod scale;
mod spark;
mod waterfall;

use serde::Serialize;

pub use bars::bars;
pub use flame::{Flame, flame};
pub use heat::heat;
pub use lines::lines;
pub use scale::Scale;
pub use spark::spark;
pub use waterfall::{Bar, BarKind, waterfall};

/// How values read on the axis and in the tooltip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Usd,
    Millis,
    Percent,
}

impl Unit {
    pub fn text(self, value: f64) -> String {
        use crate::view::format;
        match self {
            Self::Count => format::compact(value),
            Self::Usd => format::usd(value),
            Self::Millis => format::duration(value),
            Self::Percent => format::percent(value),
        }
    }
}

/// What a chart shows.
#[derive(Debug, Clone)]
pub struct Data {
    /// What it is, for a screen reader.
    pub title: String,
    pub unit: Unit,
    pub series: Vec<Series>,
    /// Names of the points, oldest first; as many as every series has values.
    pub labels: Vec<String>,
    /// A line to be seen against the values: a limit.
    pub limit: Option<f64>,
}

/// One row of values of a chart. Its colour is its place in the list.
#[derive(Debug, Clone)]
pub struct Series {
    pub name: String,
    pub values: Vec<f64>,
    /// It counts what went wrong, and is coloured so.
    pub is_bad: bool,
}

impl Series {
    pub fn new(name: &str, values: Vec<f64>) -> Self {
        Self { name: name.into(), values, is_bad: false }
    }

    pub fn bad(name: &str, values: Vec<f64>) -> Self {
        Self { is_bad: true, ..Self::new(name, values) }
    }

    /// Its colour; `index` is its place among the series.
    fn colour(&self, index: usize) -> String {
        if self.is_bad { "-bad".into() } else { (index % 8 + 1).to_string() }
    }
}

/// A chart ready for its template.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Chart {
    pub title: String,
    /// Made here from numbers and escaped text.
    pub svg: String,
    pub legend: Vec<Key>,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
    pub is_empty: bool,
}

/// One entry of a legend.
#[derive(Debug, Clone, Serialize)]
pub struct Key {
    pub class: String,
    pub label: String,
}

impl Data {
    fn finish(&self, svg: String) -> Chart {
        let legend = self.series.iter().enumerate().map(|(index, series)| Key {
            class: format!("f{}", series.colour(index)),
            label: series.name.clone(),
        });
        let head = std::iter::once(String::new()).chain(self.series.iter().map(|s| s.name.clone()));
        let rows = self.labels.iter().enumerate().map(|(index, label)| {
            let values = self.series.iter().map(|s| self.unit.text(bars::value(&s.values, index)));
            std::iter::once(label.clone()).chain(values).collect()
        });
        Chart {
            title: self.title.clone(),
            svg,
            legend: if self.series.len() > 1 { legend.collect() } else { Vec::new() },
            head: head.collect(),
            rows: rows.collect(),
            is_empty: self
                .series
                .iter()
                .all(|series| series.values.iter().all(|value| *value == 0.0)),
        }
    }

    /// What the tooltip says of one point.
    fn tip(&self, index: usize) -> String {
        let value = |series: &Series| bars::value(&series.values, index);
        let lines = self.series.iter().map(|s| format!("{}: {}", s.name, self.unit.text(value(s))));
        let label = self.labels.get(index).cloned().unwrap_or_default();
        std::iter::once(label).chain(lines).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(values: Vec<f64>) -> Data {
        let labels = (0..values.len()).map(|n| format!("<{n}>")).collect();
        let series = vec![Series::new("a & b", values)];
        Data { title: "\"title\"".into(), unit: Unit::Count, series, labels, limit: Some(3.0) }
    }

    #[test]
    fn every_chart_survives_every_number() {
        for values in
            [vec![], vec![0.0], vec![0.0; 5], vec![1e12, 1.0], vec![f64::NAN, 3.0], vec![-4.0, 4.0]]
        {
            for chart in [bars(&data(values.clone())), lines(&data(values.clone()))] {
                assert!(!chart.svg.contains("NaN") && !chart.svg.contains("inf"), "{}", chart.svg);
                assert!(!chart.svg.contains("<0>") && !chart.svg.contains("a & b"));
                assert_eq!(chart.rows.len(), values.len());
            }
            assert!(!spark(&values).contains("NaN"));
        }
    }

    #[test]
    fn a_chart_of_zeros_says_that_it_is_empty() {
        assert!(bars(&data(vec![0.0; 3])).is_empty);
        assert!(!bars(&data(vec![0.0, 1.0])).is_empty);
    }
}
