//! The result: JSON for machines, a table for people.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::load::{Measured, Quantiles};

/// Everything one run measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    pub rows: Vec<Row>,
    /// How long captured exchanges took to be stored and linked, by form.
    pub drains: Vec<Drain>,
    /// When exchanges are in the data API, by form.
    #[serde(default)]
    pub visible: Vec<Visible>,
    /// Rate at which this disk takes 100 KB writes with a sync every 25 ms.
    pub disk_mb_per_second: f64,
    /// From process start to ready, `nexus up` on a fresh directory, in milliseconds.
    pub cold_start_ms: u64,
    pub binary_mb: f64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Machine {
    pub cpus: usize,
    pub memory_mb: u64,
    pub kernel: String,
}

/// One load on one form: the round with the median rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    pub form: String,
    pub case: String,
    pub measured: Measured,
    /// CPU milliseconds per request over the form's process trees.
    pub cpu_ms: f64,
    /// The same of the gateway's process alone.
    pub gateway_cpu_ms: f64,
    /// Resident memory of the gateway's process at the end of the load.
    pub rss_mb: f64,
    pub open_files: u64,
}

/// A backlog worked off.
#[derive(Debug, Serialize, Deserialize)]
pub struct Drain {
    pub form: String,
    pub case: String,
    pub exchanges: u64,
    /// From the load's begin until the last one was stored and linked.
    pub seconds: f64,
    pub per_second: f64,
    pub cpu_ms_per_exchange: f64,
}

/// Time from an answer's last byte until the data API has its exchange with its conversation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Visible {
    pub form: String,
    pub after: Quantiles,
}

impl Row {
    pub fn rate(&self) -> f64 {
        self.measured.requests as f64 / self.measured.seconds
    }
}

impl Report {
    pub fn find(&self, form: &str, case: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.form == form && row.case == case)
    }

    /// Markdown, one table per load, ratios to nginx.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{} CPUs, {} MB, {}. Disk: {:.0} MB/s at 100 KB writes synced every 25 ms. \
             Cold start to ready: {} ms. Binary: {:.1} MB.\n",
            self.machine.cpus,
            self.machine.memory_mb,
            self.machine.kernel,
            self.disk_mb_per_second,
            self.cold_start_ms,
            self.binary_mb
        );
        let mut cases: Vec<&str> = self.rows.iter().map(|row| row.case.as_str()).collect();
        cases.dedup();
        for case in cases {
            text += &self.case_table(case);
        }
        text + &self.drain_table() + &self.visible_table()
    }

    fn case_table(&self, case: &str) -> String {
        let mut text = format!(
            "\n**{case}**\n\n| form | requests/s | × nginx | CPU ms/request | gateway's | p50 ms | p99 ms | first byte p99 ms | gap p99 ms | memory MB | errors |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
        );
        let nginx = self.find("nginx", case).map(Row::rate);
        for row in self.rows.iter().filter(|row| row.case == case) {
            let millis = |micros: u64| micros as f64 / 1_000.0;
            let m = &row.measured;
            let ratio = nginx.map_or("–".into(), |nginx| format!("{:.2}", row.rate() / nginx));
            writeln!(
                text,
                "| {} | {:.0} | {ratio} | {:.3} | {:.3} | {:.2} | {:.2} | {:.2} | {:.2} | {:.0} | {} |",
                row.form,
                row.rate(),
                row.cpu_ms,
                row.gateway_cpu_ms,
                millis(m.latency.p50),
                millis(m.latency.p99),
                millis(m.first_byte.p99),
                millis(m.gap.p99),
                row.rss_mb,
                m.errors,
            )
            .expect("a string takes all");
        }
        text
    }

    fn drain_table(&self) -> String {
        let mut text = "\n**Whole pipeline: from the first request until the last exchange is stored and linked**\n\n| form | load | exchanges | seconds | per second | CPU ms/exchange |\n|---|---|---|---|---|---|\n".to_owned();
        for drain in &self.drains {
            writeln!(
                text,
                "| {} | {} | {} | {:.1} | {:.0} | {:.2} |",
                drain.form,
                drain.case,
                drain.exchanges,
                drain.seconds,
                drain.per_second,
                drain.cpu_ms_per_exchange
            )
            .expect("a string takes all");
        }
        text
    }

    fn visible_table(&self) -> String {
        let mut text = "\n**From an answer's last byte until the data API has its exchange, at 50 a second**\n\n| form | p50 ms | p99 ms | longest ms |\n|---|---|---|---|\n".to_owned();
        for Visible { form, after } in &self.visible {
            let [p50, p99, max] = [after.p50, after.p99, after.max].map(|micros| micros / 1_000);
            writeln!(text, "| {form} | {p50} | {p99} | {max} |").expect("a string takes all");
        }
        text
    }
}
