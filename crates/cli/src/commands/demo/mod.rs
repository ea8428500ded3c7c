//! `quire demo`: a whole session that needs no key and no network.
//!
//! A small project with a failing test is made in a temporary folder; a scripted model on the loopback interface plays
//! its side of the session; app server, engine, HTTP, sandbox, patch and session file are the real ones. The demo
//! succeeds only if the test, run once more from outside, really passes.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, ValueHint};
use quire_appserver_protocol::initialize::ClientInfo;
use quire_appserver_protocol::thread::ThreadStartParams;
use quire_config::home::CodexHome;
use quire_exec::human::Reasoning;
use quire_exec::signals::Stop;
use quire_exec::{Finish, HumanStyle, Plan, Report, Style, Target};
use quire_protocol::{
    ApprovalPolicy, REFERENCE_VERSION, SandboxMode, SessionSource, ThreadSource, UserInput,
};
use quire_rehearsal::{Outcome, Rehearsal, Script};
use tempfile::TempDir;

use crate::commands::runtime;
use crate::exit::{Exit, say};
use crate::program::Program;
use crate::startup::Startup;

const SESSION: &str = include_str!("session.json");
const PROMPT: &str = "The test of this calculator fails. Find out why, fix it, and show that it passes.";
const MODEL: &str = "gpt-5.5";

const CALCULATOR: &str = "\
# A calculator for whole numbers.
add() {
    echo $(($1 + $2))
}

multiply() {
    echo $(($1 + $2))
}
";

const TEST: &str = "\
#!/bin/sh
# Tests the calculator. Ends with 0 if all is well.
. ./calc.sh
failed=0

check() {
    if [ \"$2\" != \"$3\" ]; then
        echo \"FAIL: $1 should be $3, got $2\"
        failed=1
    fi
}

check '6 + 7' \"$(add 6 7)\" 13
check '6 x 7' \"$(multiply 6 7)\" 42
[ $failed -eq 0 ] && echo 'all tests pass'
exit $failed
";

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Keep the project and the session file afterwards.
    #[arg(long)]
    keep: bool,
    /// Put the session into this home instead of a temporary one.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    home: Option<PathBuf>,
}

/// Where the demo plays.
struct Stage {
    folder: TempDir,
    home: CodexHome,
    project: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: DemoArgs, program: Program) -> Exit {
    let stage = match Stage::set(args.home.as_deref()) {
        Ok(stage) => stage,
        Err(error) => return Exit::error(format_args!("the demo's project cannot be made: {error}")),
    };
    let startup = match Startup::in_folder(stage.home.clone(), stage.project.clone()) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    let (report, outcome) = match play(&startup) {
        Ok(played) => played,
        Err(error) => return Exit::error(error),
    };
    if let Finish::Stopped(stop @ (Stop::Terminate | Stop::HangUp)) = report.finish {
        return Exit::Signal(stop.signal());
    }
    let passes = test_passes(&stage.project);
    let as_rehearsed = report.finish == Finish::Completed && outcome.is_success();
    if passes && as_rehearsed {
        say(epilogue(&stage, &report, &args, program));
    } else {
        say(verdict(report.finish, &outcome, passes));
    }
    if args.keep {
        let _kept = stage.folder.keep();
    }
    if passes && as_rehearsed { Exit::SUCCESS } else { Exit::FAILURE }
}

impl Stage {
    /// Makes the project and the home.
    fn set(home: Option<&Path>) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("quire-demo-").tempdir()?;
        let project = folder.path().join("calculator");
        fs::create_dir(&project)?;
        fs::write(project.join("calc.sh"), CALCULATOR)?;
        fs::write(project.join("test.sh"), TEST)?;
        make_repository(&project);
        let home = match home {
            Some(home) => home.canonicalize()?,
            None => folder.path().join("home"),
        };
        fs::create_dir_all(&home)?;
        Ok(Self { home: CodexHome::at(home), project: project.canonicalize()?, folder })
    }
}

/// Makes the project a repository with one commit. Without git on the machine it stays a plain folder.
fn make_repository(project: &Path) {
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=demo", "-c", "user.email=demo@example.invalid"];
        let quiet = Command::new("git")
            .args(identity)
            .args(args)
            .current_dir(project)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        quiet.is_ok_and(|status| status.success())
    };
    let _committed = git(&["init", "--quiet"])
        && git(&["add", "."])
        && git(&["commit", "--quiet", "--message", "A calculator"]);
}

/// Plays the session and tells how it went.
fn play(startup: &Startup) -> Result<(Report, Outcome), String> {
    let script = Script::from_json(SESSION, "demo").map_err(|error| error.to_string())?;
    let runtime = runtime().map_err(|error| format!("cannot start threads: {error}"))?;
    let played = runtime.block_on(async {
        let model = Rehearsal::start(script).await.map_err(|error| error.to_string())?;
        let mut config = startup.load_options();
        config.ignore_user_config = true;
        config.cli_overrides = vec![
            "model_provider=\"demo\"".to_owned(),
            format!("model_providers.demo={{name=\"Scripted model\", base_url=\"{}\"}}", model.base_url()),
        ];
        let server = startup.app_server(config, SessionSource::exec(), None);
        let report = quire_exec::run(plan(), server).await.map_err(|error| error.to_string())?;
        Ok((report, model.shutdown().await))
    });
    runtime.shutdown_background();
    played
}

/// The working folder is the server's own, not one the request chose: a demo leaves no trust entry behind.
fn plan() -> Plan {
    let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
    Plan {
        client: ClientInfo {
            name: "codex_exec".to_owned(),
            title: None,
            version: REFERENCE_VERSION.to_owned(),
        },
        target: Target::New(Box::new(ThreadStartParams {
            model: Some(MODEL.to_owned()),
            approval_policy: Some(ApprovalPolicy::Never),
            sandbox: Some(SandboxMode::WorkspaceWrite),
            thread_source: Some(ThreadSource::User),
            ..ThreadStartParams::default()
        })),
        input: vec![UserInput::Text { text: PROMPT.to_owned() }],
        output_schema: None,
        style: Style::Human(HumanStyle {
            title: Program::title(),
            coloured: err,
            reasoning: Reasoning::Summary,
            summary: None,
            prompt: PROMPT.to_owned(),
            notes: Vec::new(),
            repeats_answer: !(out && err),
        }),
        last_message_file: None,
        warnings: Vec::new(),
    }
}

/// Runs the test from outside: what the session says about it does not count.
fn test_passes(project: &Path) -> bool {
    let run = Command::new("sh").arg("./test.sh").current_dir(project).stdin(Stdio::null()).output();
    run.is_ok_and(|output| output.status.success())
}

fn epilogue(stage: &Stage, report: &Report, args: &DemoArgs, program: Program) -> String {
    let name = program.command();
    let session =
        report.session_file.as_deref().map_or_else(|| "none".to_owned(), |file| file.display().to_string());
    let place = match (args.keep, &args.home) {
        (true, _) => format!("Session file: {session}\nProject: {}\n", stage.project.display()),
        (false, Some(_)) => {
            format!("Session file: {session}\nThe project is deleted now; --keep keeps it.\n")
        }
        (false, None) => {
            format!("Session file: {session}\nIt and the project are deleted now; --keep keeps them.\n")
        }
    };
    format!(
        "
--------
That was a scripted model and a real everything else: HTTP and event stream, agent loop, sandboxed
commands, patch, session file. The test was run once more from outside the session, and it passes.

{place}
The same with a real model, in a repository of yours:
  CODEX_API_KEY=… {name} exec --sandbox workspace-write \"fix the failing test\"
or any server that speaks the Responses protocol:
  {name} exec -c model_provider=mine -c 'model_providers.mine={{name=\"Mine\", base_url=\"http://localhost:8000/v1\"}}' …"
    )
}

fn verdict(finish: Finish, outcome: &Outcome, passes: bool) -> String {
    let mut text = String::from("\nThe demo did not go as rehearsed.");
    // What follows the first failure mostly follows from it.
    let lines = outcome.failures.iter().take(1).map(|failure| format!("the scripted model, {failure}"));
    let played =
        (outcome.unplayed > 0).then(|| format!("{} model answers were never asked for", outcome.unplayed));
    let turn = (finish != Finish::Completed).then(|| "the turn did not complete".to_owned());
    let test = (!passes).then(|| "the test still fails".to_owned());
    for line in lines.chain(played).chain(turn).chain(test) {
        text.push_str("\n- ");
        text.push_str(&line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_can_be_played() {
        assert_eq!(Script::from_json(SESSION, "demo").unwrap().len(), 5);
    }

    #[test]
    fn the_test_fails_with_the_bug_and_passes_with_the_fix() {
        let stage = Stage::set(None).unwrap();
        assert!(!test_passes(&stage.project));
        let fixed =
            CALCULATOR.replace("multiply() {\n    echo $(($1 + $2))", "multiply() {\n    echo $(($1 * $2))");
        fs::write(stage.project.join("calc.sh"), fixed).unwrap();
        assert!(test_passes(&stage.project));
    }
}
