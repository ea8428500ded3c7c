//! The table.
//!
//! In come the costs of both sides, out comes Markdown: medians, their ratio, the bar we set ourselves, and whether
//! it is met.

use std::fmt::Write;

use anyhow::Result;

use crate::cases::{Case, Costs, Side};
use crate::measure::Cost;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Wall,
    Cpu,
    Memory,
    Size,
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Cpu => "CPU",
            Self::Memory => "peak memory",
            Self::Size => "size",
        }
    }

    fn of(self, cost: &Cost) -> u64 {
        match self {
            Self::Wall => cost.wall_us,
            Self::Cpu => cost.cpu_us,
            Self::Memory => cost.memory_kib * 1024,
            Self::Size => 0,
        }
    }

    fn show(self, value: u64) -> String {
        match self {
            Self::Wall | Self::Cpu => format!("{:.1} ms", value as f64 / 1e3),
            Self::Memory | Self::Size => format!("{:.1} MB", value as f64 / 1e6),
        }
    }
}

/// Ours may cost at most this part of the reference.
fn bar(case: Option<Case>, metric: Metric) -> Option<f64> {
    match (case, metric) {
        (None, Metric::Size) => Some(0.12),
        (Some(Case::Version | Case::Help), Metric::Wall) => Some(0.6),
        (Some(Case::Turn), Metric::Wall) => Some(0.25),
        (Some(Case::Turn), Metric::Memory) => Some(0.35),
        (Some(Case::Deltas), Metric::Wall) => Some(0.4),
        (Some(Case::Tools), Metric::Wall) => Some(0.2),
        (Some(Case::Resume), Metric::Wall) => Some(0.1),
        (Some(Case::Resume), Metric::Memory) => Some(0.25),
        _ => None,
    }
}

/// What 2,000 lines of config may add to a start, in milliseconds.
const CONFIG_BAR_MS: f64 = 5.0;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    case: Option<Case>,
    metric: Metric,
    reference: Option<u64>,
    ours: u64,
}

impl Row {
    /// The three lines of a case.
    pub(crate) fn of(case: Case, costs: &Costs) -> Vec<Self> {
        let side = |wanted: &str, metric: Metric| {
            let (_, costs) = costs.iter().find(|(name, _)| *name == wanted)?;
            median(costs.iter().map(|cost| metric.of(cost)).collect())
        };
        [Metric::Wall, Metric::Cpu, Metric::Memory]
            .into_iter()
            .filter_map(|metric| {
                let ours = side("ours", metric)?;
                Some(Self { case: Some(case), metric, reference: side("reference", metric), ours })
            })
            .collect()
    }

    fn ratio(&self) -> Option<f64> {
        self.reference.filter(|reference| *reference > 0).map(|reference| self.ours as f64 / reference as f64)
    }
}

/// The whole report.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// Adds the line about the size of the binaries.
    pub(crate) fn size(&mut self, sides: &[Side]) -> Result<()> {
        let size = |name: &str| -> Result<Option<u64>> {
            let side = sides.iter().find(|side| side.name == name);
            side.map(|side| Ok(side.binary.metadata()?.len())).transpose()
        };
        if let Some(ours) = size("ours")? {
            self.rows.push(Row { case: None, metric: Metric::Size, reference: size("reference")?, ours });
        }
        Ok(())
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(
            "| case | metric | reference | ours | ratio | bar | met |\n|---|---|---:|---:|---:|---:|---|\n",
        );
        for row in &self.rows {
            let bar = bar(row.case, row.metric);
            let ratio = row.ratio();
            let met = match (bar, ratio) {
                (Some(bar), Some(ratio)) => {
                    if ratio <= bar {
                        "yes"
                    } else {
                        "**no**"
                    }
                }
                _ => "",
            };
            let two = |number: Option<f64>| number.map_or_else(String::new, |number| format!("{number:.2}"));
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {met} |",
                row.case.map_or("the binary", Case::name),
                row.metric.name(),
                row.reference.map_or_else(|| "–".to_owned(), |value| row.metric.show(value)),
                row.metric.show(row.ours),
                two(ratio),
                two(bar),
            );
        }
        if let Some(line) = self.config_line() {
            let _ = writeln!(text, "\n{line}");
        }
        text
    }

    /// What 2,000 lines of config cost by themselves. The bar is a time, since the reference's own is no measure for it.
    fn config_line(&self) -> Option<String> {
        let wall =
            |case: Case| self.rows.iter().find(|row| row.case == Some(case) && row.metric == Metric::Wall);
        let (large, small) = (wall(Case::LargeConfig)?, wall(Case::Config)?);
        let milliseconds = |large: u64, small: u64| (large as f64 - small as f64) / 1e3;
        let ours = milliseconds(large.ours, small.ours);
        let reference = match (large.reference, small.reference) {
            (Some(large), Some(small)) => {
                format!("{:.1} ms with the reference, ", milliseconds(large, small))
            }
            _ => String::new(),
        };
        let met = if ours < CONFIG_BAR_MS { "met" } else { "**not met**" };
        Some(format!(
            "2,000 lines of config add {reference}{ours:.1} ms with ours (bar: {CONFIG_BAR_MS} ms, {met})."
        ))
    }
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some(u64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(wall_us: u64) -> Cost {
        Cost { wall_us, cpu_us: 1_000, memory_kib: 1_000 }
    }

    #[test]
    fn medians() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![9, 1, 5]), Some(5));
        assert_eq!(median(vec![4, 2]), Some(3));
    }

    #[test]
    fn bars_are_held_against_the_ratio() {
        let costs = |ours| vec![("reference", vec![cost(1_000_000)]), ("ours", vec![cost(ours)])];
        let table = |ours| Table { rows: Row::of(Case::Turn, &costs(ours)) }.markdown();
        assert!(
            table(240_000).contains("| one exec turn | wall | 1000.0 ms | 240.0 ms | 0.24 | 0.25 | yes |")
        );
        assert!(table(260_000).contains("| 0.26 | 0.25 | **no** |"));
        let mut both = Table { rows: Row::of(Case::Config, &costs(10_000)) };
        both.rows.extend(Row::of(Case::LargeConfig, &costs(13_500)));
        let line = "add 0.0 ms with the reference, 3.5 ms with ours (bar: 5 ms, met).";
        assert!(both.markdown().contains(line), "{}", both.markdown());
        let alone = Table { rows: Row::of(Case::Turn, &vec![("ours", vec![cost(5_000)])]) }.markdown();
        assert!(alone.contains("| one exec turn | wall | – | 5.0 ms |  | 0.25 |  |"), "{alone}");
    }
}
