//! Chores of this repository, as a program: `cargo xtask test`, `cargo xtask parity`, `cargo xtask bench`.
//!
//! In comes the chore and its arguments, out come the commands it runs (printed first) and their exit code. What
//! needs the reference binary installs it with npm into `.oracle/`, which git ignores; where npm is missing or
//! cannot install, the chore says that the comparison was skipped and succeeds.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

/// The reference, in the version we are compatible with.
const REFERENCE: &str = "@openai/codex@0.136.0";

const USAGE: &str = "usage: cargo xtask CHORE [ARGUMENTS]

  test             all tests of the workspace, then the comparison with the reference if it can be had
  parity [ARGS…]   build the release binary, compare it with the reference, write docs/PARITY.md
  bench [ARGS…]    build the release binary, measure it beside the reference

ARGS go to the comparison or the benchmark (`--help` lists them).";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let chore = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let result = match chore.as_str() {
        "test" => test(&rest),
        "parity" => parity(&rest),
        "bench" => bench(&rest),
        "" | "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(anyhow::anyhow!("unknown chore {other:?}\n\n{USAGE}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn test(arguments: &[String]) -> Result<()> {
    if works("cargo", &["nextest", "--version"]) {
        run(cargo(&["nextest", "run", "--workspace"]).args(arguments))?;
        // Nextest does not run the examples in documentation.
        run(&mut cargo(&["test", "--workspace", "--doc"]))?;
    } else {
        run(cargo(&["test", "--workspace"]).args(arguments))?;
    }
    parity(&[])
}

fn parity(arguments: &[String]) -> Result<()> {
    let Some(oracle) = reference(arguments)? else {
        println!("parity skipped: the reference binary is not there and could not be installed with npm");
        return Ok(());
    };
    build()?;
    let filtered = arguments.iter().any(|argument| argument.starts_with("--filter") || argument == "--list");
    let mut command = with_default_signals(&["run", "--quiet", "--package", "quire-parity", "--"]);
    command.args(oracle.as_arguments()).args(["--ours", "target/release/quire"]);
    if !filtered {
        command.arg("--write-docs");
    }
    run(command.args(arguments))
}

fn bench(arguments: &[String]) -> Result<()> {
    let oracle = reference(arguments)?;
    build()?;
    let mut command = cargo(&["run", "--quiet", "--release", "--package", "quire-bench", "--"]);
    match oracle {
        Some(oracle) => command.args(oracle.as_arguments()),
        None => {
            println!(
                "comparison skipped: the reference binary is not there and could not be installed with npm"
            );
            &mut command
        }
    };
    run(command.args(arguments))
}

/// Cargo with the signals that scenarios send set back to what they do by default: a background job of a script
/// inherits them ignored, and the scenarios would see that instead of the programs they compare.
fn with_default_signals(arguments: &[&str]) -> Command {
    const RESET: &str = "--default-signal=INT,QUIT,HUP,TERM";
    let plain = cargo(arguments);
    if !works("env", &[RESET, "true"]) {
        return plain;
    }
    let mut command = Command::new("env");
    command.arg(RESET).arg(plain.get_program()).args(plain.get_args());
    command
}

fn build() -> Result<()> {
    run(&mut cargo(&["build", "--release", "--package", "quire-cli"]))
}

/// Where the reference binary comes from.
enum Oracle {
    /// The caller names it (argument or environment); the suite finds it by itself.
    Given,
    /// Installed in this checkout.
    Installed(PathBuf),
}

impl Oracle {
    fn as_arguments(&self) -> Vec<PathBuf> {
        match self {
            Self::Given => Vec::new(),
            Self::Installed(path) => vec!["--oracle".into(), path.clone()],
        }
    }
}

/// Finds or installs the reference binary; `None` when it cannot be had.
fn reference(arguments: &[String]) -> Result<Option<Oracle>> {
    if arguments.iter().any(|argument| argument.starts_with("--oracle"))
        || std::env::var_os("QUIRE_ORACLE").is_some()
    {
        return Ok(Some(Oracle::Given));
    }
    let folder = root()?.join(".oracle");
    if let Some(path) = installed(&folder) {
        return Ok(Some(Oracle::Installed(path)));
    }
    if !works("npm", &["--version"]) {
        return Ok(None);
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg(REFERENCE);
    if let Err(error) = run(&mut npm) {
        println!("{error:#}");
        return Ok(None);
    }
    Ok(installed(&folder).map(Oracle::Installed))
}

/// The native binary inside an npm installation of the reference.
fn installed(folder: &Path) -> Option<PathBuf> {
    [("x64", "x86_64"), ("arm64", "aarch64")]
        .into_iter()
        .map(|(npm, target)| {
            folder.join(format!(
                "node_modules/@openai/codex-linux-{npm}/vendor/{target}-unknown-linux-musl/bin/codex"
            ))
        })
        .find(|path| path.is_file())
}

fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("xtask has no parent folder")?.to_owned())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Whether a command can be run at all; its output is of no interest.
fn works(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Runs a command in the root of the checkout; anything but success is an error.
fn run(command: &mut Command) -> Result<()> {
    let line: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let line = line.join(" ");
    println!("$ {line}");
    let status = command.current_dir(root()?).status().with_context(|| format!("cannot run {line}"))?;
    if status.code().is_none() {
        bail!("{line}: ended by a signal ({status})");
    }
    ensure!(status.success(), "{line}: {status}");
    Ok(())
}
