//! `quire doctor`: what is wrong with this machine, this home and this configuration.
//!
//! A newcomer's trap: a configuration that cannot be loaded is a finding, not an error; only a home that cannot be used
//! ends the command early.

use std::io::{IsTerminal as _, Write as _};
use std::time::SystemTime;

use clap::Args;
use quire_doctor::{Host, Length, Network, Report, Status, Streams, Style};

use super::Outer;
use crate::exit::{Exit, print};
use crate::startup::Startup;
use crate::voice::Voice;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The report as JSON, without secrets.
    #[arg(long)]
    pub(crate) json: bool,
    /// One line per check, no details.
    #[arg(long)]
    pub(crate) summary: bool,
    /// Long lists in full.
    #[arg(long)]
    pub(crate) all: bool,
    /// No colours.
    #[arg(long)]
    pub(crate) no_color: bool,
    /// Plain ASCII marks.
    #[arg(long)]
    pub(crate) ascii: bool,
    /// Contact the model provider and MCP servers too.
    #[arg(long)]
    pub(crate) online: bool,
}

/// Runs the command.
pub(crate) fn run(args: &DoctorArgs, outer: &Outer) -> Exit {
    let startup = match Startup::begin(Voice::Plain) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    let config = quire_config::load(startup.options_with(&outer.overrides));
    let host = host(args, outer, &startup);
    let network = if args.online { Network::Allowed } else { Network::Forbidden };
    let mut progress = Progress { shown: host.streams.stderr && !args.json };
    let report = match quire_doctor::run(&host, &config, network, |label| progress.show(label)) {
        Ok(report) => report,
        Err(error) => return Exit::error(error),
    };
    progress.clear();
    let told = print(&show(args, &host, &report));
    match report.status() {
        Status::Fail => Exit::FAILURE,
        Status::Ok | Status::Warning => told,
    }
}

fn host(args: &DoctorArgs, outer: &Outer, startup: &Startup) -> Host {
    let size = terminal_size::terminal_size();
    Host {
        program: outer.program.command().to_owned(),
        version: outer.program.version().to_owned(),
        home: startup.home.as_path().to_owned(),
        cwd: startup.cwd.clone(),
        executable: startup.executable().to_owned(),
        helper_folder: startup.helper_folder().map(ToOwned::to_owned),
        sandbox_helper: Some(startup.executable().to_owned()),
        env: startup.env().to_vec(),
        streams: Streams {
            stdin: std::io::stdin().is_terminal(),
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
        },
        terminal_size: size.map(|(width, height)| (width.0, height.0)),
        no_color: args.no_color,
        now: SystemTime::now(),
    }
}

fn show(args: &DoctorArgs, host: &Host, report: &Report) -> String {
    if args.json {
        return format!("{:#}\n", quire_doctor::json(report));
    }
    let length = match (args.summary, args.all) {
        (true, _) => Length::Summary,
        (false, true) => Length::All,
        (false, false) => Length::Normal,
    };
    let plain = args.no_color || host.var_os("NO_COLOR").is_some() || host.var("TERM") == Some("dumb");
    let style = Style {
        length,
        ascii: args.ascii,
        color: host.streams.stdout && !plain,
        user_home: host.filled_var("HOME").map(ToOwned::to_owned),
    };
    quire_doctor::text(report, &style)
}

/// A line that says what is being looked at, and goes away.
struct Progress {
    shown: bool,
}

impl Progress {
    fn show(&mut self, label: &str) {
        self.write(&format!("\r\u{1b}[2KChecking {label}..."));
    }

    fn clear(&mut self) {
        self.write("\r\u{1b}[2K");
    }

    fn write(&mut self, text: &str) {
        if self.shown {
            let mut stream = std::io::stderr();
            self.shown = stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok();
        }
    }
}
