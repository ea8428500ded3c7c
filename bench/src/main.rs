//! Side-by-side benchmarks: the reference binary and ours, alternating, in the same run on the same machine.
//!
//! In come the two binaries, out comes a Markdown table of medians and ratios (wall time, CPU time, peak memory,
//! size) with the bars we set ourselves. It never fails because something is slow; it only reports.
//!
//! What surprises newcomers: each program is started by a small copy of this one (`measure-one`), because the
//! kernel counts a starting process's memory with its parent's, and this process holds the scripted model.

mod cases;
mod homes;
mod measure;
mod report;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::cases::{Case, Side};
use crate::measure::Order;
use crate::report::{Row, Table};

/// Measures the reference binary and ours side by side.
#[derive(Debug, Parser)]
#[command(name = "quire-bench")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The reference binary. Default: $QUIRE_ORACLE, else the one `cargo xtask bench` installs.
    #[arg(long, value_name = "PATH")]
    oracle: Option<PathBuf>,
    /// Our binary. Default: target/release/quire.
    #[arg(long, value_name = "PATH")]
    ours: Option<PathBuf>,
    /// Measured runs per case and side, after one that does not count.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Only cases whose name contains this text.
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts one program and prints what it cost (used by the benchmark itself).
    #[command(hide = true)]
    MeasureOne {
        /// The program, its arguments and surroundings, as JSON.
        order: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Some(Command::MeasureOne { order }) => measure_one(order),
        None => run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure_one(order: &str) -> Result<()> {
    let order: Order = serde_json::from_str(order).context("the order is no JSON")?;
    println!("{}", serde_json::to_string(&measure::carry_out(&order)?)?);
    Ok(())
}

fn run(arguments: &Arguments) -> Result<()> {
    let repo =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the benchmarks have no parent folder")?;
    let ours = arguments.ours.clone().unwrap_or_else(|| repo.join("target/release/quire"));
    let ours = ours.canonicalize().with_context(|| {
        format!(
            "{} is not there; run `cargo build --release -p quire-cli`, or give --ours PATH",
            ours.display()
        )
    })?;
    let reference = find_reference(arguments, repo).map(|path| path.canonicalize()).transpose()?;
    if reference.is_none() {
        println!("reference binary not found: only ours is measured (give --oracle PATH or QUIRE_ORACLE)\n");
    }
    let sides: Vec<Side> = reference
        .map(|binary| Side { name: "reference", binary })
        .into_iter()
        .chain([Side { name: "ours", binary: ours }])
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut table = Table::default();
    table.size(&sides)?;
    for case in Case::ALL {
        if arguments.case.as_ref().is_some_and(|text| !case.name().contains(text.as_str())) {
            continue;
        }
        eprintln!("{} …", case.name());
        let costs = runtime.block_on(case.play(&sides, arguments.runs, &repo.join("target/bench")))?;
        table.rows.extend(Row::of(case, &costs));
    }
    print!("{}", table.markdown());
    Ok(())
}

fn find_reference(arguments: &Arguments, repo: &Path) -> Option<PathBuf> {
    let installed = [
        "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
        "node_modules/@openai/codex-linux-arm64/vendor/aarch64-unknown-linux-musl/bin/codex",
    ];
    let given = arguments.oracle.clone().or_else(|| std::env::var_os("QUIRE_ORACLE").map(PathBuf::from));
    match given {
        Some(path) => path.is_file().then_some(path),
        None => installed.iter().map(|part| repo.join(".oracle").join(part)).find(|path| path.is_file()),
    }
}
