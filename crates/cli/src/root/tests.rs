//! The parsing matrix of `exec`.

use std::path::PathBuf;

use clap::error::ErrorKind;
use quire_exec::args::{ExecCommand, Sandbox};

use super::*;

fn try_parse(line: &str) -> Result<Root, clap::Error> {
    let words = line.split('|').map(|word| OsString::from(word.trim())).collect::<Vec<_>>();
    parse(Program::Quire, [vec![OsString::from("quire")], words].concat())
}

/// Parses words separated by `|` and gives the arguments of `exec` with the root's handed down.
fn exec(line: &str) -> (ExecArgs, OverrideArgs) {
    let root = try_parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let Some(RootCommand::Exec(mut args)) = root.command else { panic!("{line} is not exec") };
    args.shared.inherit(&root.flags.shared);
    (*args, root.overrides)
}

fn images(line: &str) -> Vec<PathBuf> {
    exec(line).0.shared.images
}

fn paths(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

#[test]
fn the_tree_is_consistent() {
    command(Program::Quire).debug_assert();
    command(Program::Codex).debug_assert();
}

#[test]
fn every_flag_is_read() {
    let (args, overrides) = exec(
        "exec | -m | M | -s | workspace-write | -p | work | -C | /d | --add-dir | a | --add-dir | b | --json \
         | -o | out | --output-schema | schema | --color | never | --ephemeral | --skip-git-repo-check \
         | --ignore-user-config | --ignore-rules | --oss | --local-provider | ollama | --strict-config \
         | --dangerously-bypass-hook-trust | -c | a=1 | -c | b=2 | --enable | f | --disable | g | --record | r | do it",
    );
    assert_eq!(args.shared.model.as_deref(), Some("M"));
    assert_eq!(args.shared.sandbox, Some(Sandbox::WorkspaceWrite));
    assert_eq!(args.shared.profile.unwrap().as_str(), "work");
    assert_eq!(args.shared.cd, Some("/d".into()));
    assert_eq!(args.shared.add_dir, paths(&["a", "b"]));
    assert_eq!(args.output_last_message, Some("out".into()));
    assert_eq!(args.output_schema, Some("schema".into()));
    assert_eq!(args.color, quire_exec::args::Color::Never);
    assert!(
        args.json
            && args.ephemeral
            && args.skip_git_repo_check
            && args.ignore_user_config
            && args.ignore_rules
    );
    assert!(args.shared.oss && args.shared.strict_config && args.shared.bypass_hook_trust);
    assert_eq!(args.shared.local_provider.as_deref(), Some("ollama"));
    assert_eq!(args.record, Some("r".into()));
    assert_eq!(args.prompt.as_deref(), Some("do it"));
    assert_eq!(overrides.config, ["a=1", "b=2"]);
    assert_eq!((overrides.enable, overrides.disable), (vec!["f".to_owned()], vec!["g".to_owned()]));
}

#[test]
fn aliases() {
    assert!(exec("e | --experimental-json | x").0.json);
    assert!(exec("exec | --yolo | x").0.shared.bypass_sandbox);
    assert!(exec("exec | --dangerously-bypass-approvals-and-sandbox | x").0.shared.bypass_sandbox);
    assert!(exec("exec | --full-auto | x").0.full_auto);
}

#[test]
fn mistakes_are_usage_errors() {
    for (line, kind) in [
        ("exec | --full-auto | --yolo | x", ErrorKind::ArgumentConflict),
        ("exec | --json | --json | x", ErrorKind::ArgumentConflict),
        ("exec | -s | nope | x", ErrorKind::InvalidValue),
        ("exec | --color | blue | x", ErrorKind::InvalidValue),
        ("exec | -p | a.b | x", ErrorKind::ValueValidation),
        ("exec | --bogus", ErrorKind::UnknownArgument),
        ("exec | -a | never", ErrorKind::UnknownArgument),
        ("exec | resume | --json | -s | read-only | x", ErrorKind::UnknownArgument),
        ("exec | resume | a | b | c", ErrorKind::UnknownArgument),
        ("exec | resume | --version", ErrorKind::UnknownArgument),
        ("exec | review | --base | a | --commit | b", ErrorKind::ArgumentConflict),
        ("exec | review | x | --uncommitted", ErrorKind::ArgumentConflict),
        ("exec | review | --title | x", ErrorKind::MissingRequiredArgument),
    ] {
        let error = try_parse(line).unwrap_err();
        assert_eq!((error.kind(), error.exit_code()), (kind, 2), "{line}: {error}");
    }
}

#[test]
fn images_are_greedy_up_to_an_option_or_a_subcommand() {
    assert_eq!(images("exec | -i | a.png | b.png | -- | prompt"), paths(&["a.png", "b.png"]));
    assert_eq!(images("exec | -i | a.png,b.png | --json | prompt"), paths(&["a.png", "b.png"]));
    assert_eq!(images("exec | prompt | -i | a.png | c.png"), paths(&["a.png", "c.png"]));
    assert_eq!(images("exec | -i | a.png | -i | b.png"), paths(&["a.png", "b.png"]));
    assert_eq!(images("exec | --image=a.png | prompt"), paths(&["a.png"]));
    assert_eq!(
        exec("exec | -i | a.png | prompt").0.prompt,
        None,
        "the prompt is taken for a picture, as ever"
    );

    let (args, _) = exec("exec | --experimental-json | --image | a.png | b.png | resume | ID | go on");
    assert_eq!(args.shared.images, paths(&["a.png", "b.png"]));
    let Some(ExecCommand::Resume(resume)) = args.command else { panic!("no resume") };
    assert_eq!((resume.session.as_deref(), resume.prompt.as_deref()), (Some("ID"), Some("go on")));

    assert_eq!(images("exec | -i | resume"), paths(&["resume"]), "the first word is always a picture");
    assert_eq!(images("exec | -i | a.png | -- | resume"), paths(&["a.png"]));
}

#[test]
fn the_command_line_of_another_program_is_left_alone() {
    let root = try_parse("mcp | add | box | docker | exec | -i | container | resume").unwrap();
    let Some(RootCommand::Mcp(args)) = root.command else { panic!("no mcp") };
    let commands::mcp::McpCommand::Add(add) = args.command else { panic!("no add") };
    assert_eq!(add.command, ["docker", "exec", "-i", "container", "resume"]);
}

#[test]
fn flags_may_stand_before_or_behind_resume() {
    for line in [
        "exec | --json | -m | M | --ephemeral | -o | F | --skip-git-repo-check | --yolo | resume | ID",
        "exec | resume | --json | -m | M | --ephemeral | -o | F | --skip-git-repo-check | --yolo | ID",
        "exec | resume | ID | --json | -m | M | --ephemeral | -o | F | --skip-git-repo-check | --yolo",
    ] {
        let (args, _) = exec(line);
        assert!(
            args.json && args.ephemeral && args.skip_git_repo_check && args.shared.bypass_sandbox,
            "{line}"
        );
        assert_eq!(
            (args.shared.model.as_deref(), args.output_last_message),
            (Some("M"), Some("F".into())),
            "{line}"
        );
    }
    let (args, _) = exec("exec | -m | outer | resume | -m | inner | ID");
    assert_eq!(args.shared.model.as_deref(), Some("inner"));
}

#[test]
fn images_of_resume_take_one_word_each() {
    let (args, _) = exec("exec | resume | ID | -i | a.png | -i | b.png,c.png | go on");
    let Some(ExecCommand::Resume(resume)) = args.command else { panic!("no resume") };
    assert_eq!(resume.images, paths(&["a.png", "b.png", "c.png"]));
    assert_eq!(resume.prompt.as_deref(), Some("go on"));
}

#[test]
fn the_root_hands_its_flags_down() {
    let (args, _) = exec("-m | M | -s | read-only | -C | d | --add-dir | x | exec | prompt");
    assert_eq!(args.shared.model.as_deref(), Some("M"));
    assert_eq!((args.shared.sandbox, args.shared.cd), (Some(Sandbox::ReadOnly), Some("d".into())));
    assert_eq!(args.shared.add_dir, paths(&["x"]));
    let (args, _) = exec("-m | outer | exec | -m | inner | prompt");
    assert_eq!(args.shared.model.as_deref(), Some("inner"));
}

#[test]
fn overrides_of_a_deeper_level_replace_those_of_an_outer_one() {
    let overrides = |line: &str| exec(line).1;
    assert_eq!(overrides("-c | a=1 | exec | -c | b=2 | x").config, ["b=2"]);
    assert_eq!(overrides("-c | a=1 | exec | x").config, ["a=1"]);
    assert_eq!(overrides("exec | -c | a=1 | resume | -c | b=2 | ID").config, ["b=2"]);
    let archive = |line: &str| try_parse(line).unwrap().overrides.config;
    assert_eq!(
        archive("-c | a=1 | archive | -c | b=2 | x"),
        ["b=2"],
        "a command that declares the flag itself"
    );
    assert_eq!(archive("-c | a=1 | archive | x"), ["a=1"]);
    let mixed = overrides("--enable | f | exec | --disable | g | x");
    assert_eq!((mixed.enable, mixed.disable), (vec!["f".to_owned()], vec!["g".to_owned()]));
}

#[test]
fn versions() {
    let version = |program, line: &str| {
        let argv = line.split(' ').map(OsString::from).collect();
        parse(program, argv).unwrap_err().to_string()
    };
    assert_eq!(version(Program::Codex, "codex --version"), "codex-cli 0.136.0\n");
    assert_eq!(version(Program::Codex, "codex exec -V"), "codex-cli-exec 0.136.0\n");
    assert_eq!(version(Program::Quire, "quire -V"), format!("quire {}\n", crate::program::VERSION));
    assert_eq!(
        version(Program::Quire, "quire exec --version"),
        format!("quire-exec {}\n", crate::program::VERSION)
    );
}

#[test]
fn usage_lines_carry_the_program_s_name() {
    let usage = |program, line: &str| {
        let argv = line.split(' ').map(OsString::from).collect();
        parse(program, argv).unwrap_err().to_string()
    };
    let text = usage(Program::Codex, "codex exec --bogus");
    assert!(
        text.contains("Usage: codex exec [OPTIONS] [PROMPT]\n       codex exec [OPTIONS] <COMMAND> [ARGS]"),
        "{text}"
    );
    let text = usage(Program::Quire, "quire exec resume --bogus");
    assert!(text.contains("Usage: quire exec resume [OPTIONS] [SESSION_ID] [PROMPT]"), "{text}");
}

#[test]
fn the_whole_tree_is_parsed() {
    use ErrorKind::{
        ArgumentConflict, DisplayHelpOnMissingArgumentOrSubcommand as HelpOnMissing, InvalidSubcommand,
        InvalidValue, MissingRequiredArgument, UnknownArgument, ValueValidation,
    };
    for (line, mistake) in [
        ("hello", None),
        ("-- | exec", None),
        ("foo | exce", Some(InvalidSubcommand)),
        ("foo | zzzzq", Some(UnknownArgument)),
        ("-a | never | --yolo", Some(ArgumentConflict)),
        ("-a | never | --yolo | resume", Some(ArgumentConflict)),
        ("resume | --last | --all | --include-non-interactive | -a | on-request", None),
        ("fork | --last | x", Some(ArgumentConflict)),
        ("fork | --include-non-interactive", Some(UnknownArgument)),
        ("archive", Some(MissingRequiredArgument)),
        ("unarchive | -C | d | --oss | -c | a=1 | x", None),
        ("archive | x | -a | never", Some(UnknownArgument)),
        ("review | --title | t", Some(MissingRequiredArgument)),
        ("review | --uncommitted | words", Some(ArgumentConflict)),
        ("login | --api-key", None),
        ("login | --with-api-key | --with-access-token", None),
        ("mcp", Some(HelpOnMissing)),
        ("mcp | add | x", Some(MissingRequiredArgument)),
        ("mcp | add | x | --url | u | cmd", Some(ArgumentConflict)),
        ("mcp | add | x | cmd | --url | u", None),
        ("mcp | add | x | --env | K | -- | cmd", Some(ValueValidation)),
        ("mcp | add | x | --bearer-token-env-var | T | -- | cmd", Some(MissingRequiredArgument)),
        ("plugin | marketplace | add | s | --sparse | a | --sparse | b", None),
        ("app-server | --listen | ws://localhost:1", Some(ValueValidation)),
        ("app-server | --listen | off | --stdio", Some(ArgumentConflict)),
        ("app-server | daemon", Some(HelpOnMissing)),
        ("app-server | generate-ts", Some(MissingRequiredArgument)),
        ("completion | tcsh", Some(InvalidValue)),
        ("sandbox | ls | --help", None),
        ("sandbox | -C | d | ls", Some(MissingRequiredArgument)),
        ("execpolicy | check | -r | f | ls | --pretty", None),
        ("cloud-tasks | list | --limit | 21", Some(ValueValidation)),
        ("cloud | exec | --env | e | --attempts | 4 | q", None),
        ("responses-api-proxy | --port | 65536", Some(ValueValidation)),
        ("exec-server | --remote | u", Some(MissingRequiredArgument)),
        ("exec-server | --remote | u | --environment-id | e | --listen | l", Some(ArgumentConflict)),
        ("features | lst", Some(InvalidSubcommand)),
        ("doctor | --json | --summary | --all | --no-color | --ascii", None),
    ] {
        assert_eq!(try_parse(line).err().map(|error| error.kind()), mistake, "{line}");
    }
}

#[test]
fn what_only_we_have_is_hidden_from_those_who_call_us_codex() {
    let help = |program, line: &str| {
        let argv = line.split(' ').map(OsString::from).collect();
        parse(program, argv).unwrap_err().to_string()
    };
    for (line, word) in [
        ("x --help", "  demo "),
        ("x --help", "  config "),
        ("x exec --help", "--record"),
        ("x features list --help", "--changed"),
    ] {
        assert!(help(Program::Quire, line).contains(word), "{line}: {word}");
        assert!(!help(Program::Codex, line).contains(word), "{line}: {word}");
    }
    assert!(try_parse("demo").is_ok());
}

#[test]
fn the_flags_of_the_root_reach_resume() {
    let root = try_parse("-m | outer | --remote | ws://h:1 | --search | resume | -m | inner | x").unwrap();
    let Some(RootCommand::Resume(mut args)) = root.command else { panic!("no resume") };
    args.flags.inherit(&root.flags);
    assert_eq!(args.flags.shared.model.as_deref(), Some("inner"));
    assert_eq!(args.flags.remote.remote.as_deref(), Some("ws://h:1"));
    assert!(args.flags.search);
}
