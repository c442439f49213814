//! Two results side by side: rates and CPU as ratios, so that a slower machine doesn't matter much.

use std::{fs, path::Path};

use crate::report::{Report, Row};

pub fn print(before: &Path, after: &Path) -> anyhow::Result<()> {
    let (before, after) = (read(before)?, read(after)?);
    println!("| form | load | requests/s relative to nginx | CPU/request relative to nginx |");
    println!("|---|---|---|---|");
    for row in &after.rows {
        let Some(old) = before.find(&row.form, &row.case) else { continue };
        let (rate, cpu) = relative(&after, row);
        let (old_rate, old_cpu) = relative(&before, old);
        println!(
            "| {} | {} | {old_rate:.2} → {rate:.2} | {old_cpu:.2} → {cpu:.2} |",
            row.form, row.case
        );
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Report> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn relative(report: &Report, row: &Row) -> (f64, f64) {
    match report.find("nginx", &row.case) {
        Some(nginx) => (row.rate() / nginx.rate(), row.cpu_ms / nginx.cpu_ms.max(1e-9)),
        None => (f64::NAN, f64::NAN),
    }
}
