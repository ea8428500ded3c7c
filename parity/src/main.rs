//! The differential suite: every scenario is played by the reference binary and by ours, and all that can be
//! seen from outside is compared.
//!
//! In come scenario files (`scenarios/*.toml`: arguments, files, a scripted model), the two binaries and the
//! list of known differences; out comes a table and an exit code. Both sides get the same folders at the same
//! paths, one after the other, so that almost nothing has to be normalised away.
//!
//! What surprises newcomers: a known difference that no longer shows fails the run too, so that the list in
//! `known.toml` stays true.

mod diff;
mod known;
mod normalise;
mod play;
mod prose;
mod report;
mod scenario;
mod snapshot;
mod stage;
mod suites;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use futures::stream::{self, StreamExt};

use crate::known::KnownDifferences;
use crate::report::{Report, Verdict};
use crate::scenario::Scenario;
use crate::snapshot::Snapshot;
use crate::suites::{SUITES, Sides};

/// Compares ours with the reference binary, scenario by scenario.
#[derive(Debug, Parser)]
#[command(name = "quire-parity")]
struct Arguments {
    /// The reference binary. Default: $QUIRE_ORACLE, else the one `cargo xtask parity` installs.
    #[arg(long, value_name = "PATH")]
    oracle: Option<PathBuf>,
    /// Our binary. Default: target/release/quire, else target/debug/quire.
    #[arg(long, value_name = "PATH")]
    ours: Option<PathBuf>,
    /// Only scenarios whose name contains this text (repeatable: any of them).
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// Print every difference, not only the first of each scenario.
    #[arg(long)]
    verbose: bool,
    /// Write the figures to docs/PARITY.md (only for complete runs).
    #[arg(long)]
    write_docs: bool,
    /// Scenarios played at the same time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    jobs: u8,
    /// List the scenarios and stop.
    #[arg(long)]
    list: bool,
}

/// Where things are in the checkout.
struct Layout {
    repo: PathBuf,
    out: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let repo = here.parent().context("the suite has no parent folder")?.to_owned();
    let out = std::env::var_os("QUIRE_PARITY_DIR").map_or_else(|| here.join("out"), PathBuf::from);
    let layout = Layout { repo, out };

    let mut scenarios = scenario::load_all(&here.join("scenarios"))?;
    let complete = arguments.filter.is_empty();
    if !complete {
        scenarios
            .retain(|scenario| arguments.filter.iter().any(|text| scenario.name.contains(text.as_str())));
    }
    if arguments.list {
        for scenario in &scenarios {
            println!("{}", scenario.name);
        }
        for suite in SUITES {
            println!("{}/*", suite.name);
        }
        return Ok(true);
    }
    let Some(reference) = find_reference(arguments, &layout) else {
        println!(
            "skipped: reference binary not found (give --oracle PATH or QUIRE_ORACLE, or run `cargo xtask parity`)"
        );
        return Ok(true);
    };
    let ours = find_ours(arguments, &layout)?;
    let known = KnownDifferences::load(&here.join("known.toml"), &layout.repo)?;

    let reference = stage::link_as_codex(&reference, &layout.out.join("bin/reference"))?;
    let ours = stage::link_as_codex(&ours, &layout.out.join("bin/ours"))?;
    let mut verdicts: Vec<Verdict> = stream::iter(&scenarios)
        .map(|scenario| compare(scenario, &reference, &ours, &layout.out, &known))
        .buffered(usize::from(arguments.jobs))
        .inspect(|verdict| println!("{}", verdict.line(arguments.verbose)))
        .collect()
        .await;
    for suite in SUITES {
        let wanted =
            |name: &str| complete || arguments.filter.iter().any(|text| name.contains(text.as_str()));
        let sides = Sides {
            reference: reference.clone(),
            ours: ours.clone(),
            folder: stage::suite_folder(suite.name)?,
        };
        let cases = (suite.run)(&sides, &wanted).with_context(|| format!("suite {}", suite.name));
        for case in cases? {
            let verdict = Verdict::of_case(suite.name, case, &known);
            println!("{}", verdict.line(arguments.verbose));
            verdicts.push(verdict);
        }
    }

    stage::remove_suite_folders()?;
    let report = Report::new(verdicts, &known, complete);
    println!("{}", report.summary());
    if arguments.write_docs && complete {
        let path = layout.repo.join("docs/PARITY.md");
        std::fs::write(&path, report.document(&known))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(report.passed())
}

/// Plays a scenario on both sides. One that differs is played once more: on a loaded machine the reference loses events,
/// and two real programs race with their own children. A difference in what a program *does* shows in both plays; that a
/// second one was needed is printed.
async fn compare(
    scenario: &Scenario,
    reference: &Path,
    ours: &Path,
    out: &Path,
    known: &KnownDifferences,
) -> Verdict {
    let first = compare_once(scenario, reference, ours, out, known).await;
    if first.passed() {
        return first;
    }
    println!("differs, played again: {}", first.line(false));
    compare_once(scenario, reference, ours, out, known).await.of_second_play()
}

async fn compare_once(
    scenario: &Scenario,
    reference: &Path,
    ours: &Path,
    out: &Path,
    known: &KnownDifferences,
) -> Verdict {
    let both = async {
        let first = take(scenario, reference, out, "reference").await?;
        let second = take(scenario, ours, out, "ours").await?;
        anyhow::Ok((first, second))
    };
    match both.await {
        Ok((reference, ours)) => Verdict::compare(scenario, &reference, &ours, known),
        Err(error) => Verdict::broken(scenario, &error),
    }
}

async fn take(scenario: &Scenario, binary: &Path, out: &Path, side: &str) -> Result<Snapshot> {
    let raw = play::play(scenario, binary, out).await.with_context(|| format!("{side} side"))?;
    let snapshot = Snapshot::of(scenario, &raw)?;
    let folder = out.join("snapshots");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.{side}.json", scenario.name));
    std::fs::write(&path, snapshot.pretty()?).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(snapshot)
}

fn find_reference(arguments: &Arguments, layout: &Layout) -> Option<PathBuf> {
    let installed = [
        "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
        "node_modules/@openai/codex-linux-arm64/vendor/aarch64-unknown-linux-musl/bin/codex",
    ];
    let given = arguments.oracle.clone().or_else(|| std::env::var_os("QUIRE_ORACLE").map(PathBuf::from));
    match given {
        Some(path) => path.is_file().then_some(path),
        None => {
            installed.iter().map(|part| layout.repo.join(".oracle").join(part)).find(|path| path.is_file())
        }
    }
}

fn find_ours(arguments: &Arguments, layout: &Layout) -> Result<PathBuf> {
    let candidates = match &arguments.ours {
        Some(path) => vec![path.clone()],
        None => ["target/release/quire", "target/debug/quire"].map(|part| layout.repo.join(part)).into(),
    };
    candidates
        .into_iter()
        .find(|path| path.is_file())
        .context("our binary is not built; run `cargo build --release -p quire-cli`, or give --ours PATH")
}
