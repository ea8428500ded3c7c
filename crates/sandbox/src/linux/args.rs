//! The helper's command line (sandbox sheet §5.2).
//!
//! A newcomer's trap: everything behind `--` is the command, whatever it looks like; options end there and only there.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use quire_protocol::PermissionProfile;

use crate::error::SandboxError;

/// What the helper is asked to do.
#[derive(Debug)]
pub(super) struct HelperCall {
    /// What `project_roots` stands for.
    pub policy_cwd: PathBuf,
    /// Where the command starts.
    pub command_cwd: PathBuf,
    /// What is allowed.
    pub profile: PermissionProfile,
    /// The program and its arguments; never empty.
    pub command: Vec<CString>,
}

impl HelperCall {
    /// Reads the arguments (without the program's name).
    pub(super) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, SandboxError> {
        let usage = |text: String| SandboxError::Usage(text);
        let (mut policy_cwd, mut command_cwd, mut profile) = (None, None, None);
        let mut args = args.into_iter();
        loop {
            let Some(option) = args.next() else {
                return Err(usage("the command is missing".into()));
            };
            if option == "--" {
                break;
            }
            let option = option.to_string_lossy().into_owned();
            let mut value = || args.next().ok_or_else(|| usage(format!("`{option}` needs a value")));
            match option.as_str() {
                "--sandbox-policy-cwd" => policy_cwd = Some(PathBuf::from(value()?)),
                "--command-cwd" => command_cwd = Some(PathBuf::from(value()?)),
                "--permission-profile" => profile = Some(parse_profile(&value()?)?),
                _ => return Err(usage(format!("unknown option `{option}`"))),
            }
        }
        let missing = |name: &str| usage(format!("`{name}` is missing"));
        let command: Result<Vec<CString>, _> = args.map(|arg| CString::new(arg.into_vec())).collect();
        let command = command.map_err(|_| usage("an argument contains a NUL byte".into()))?;
        if command.is_empty() {
            return Err(usage("the command is missing".into()));
        }
        let policy_cwd = policy_cwd.ok_or_else(|| missing("--sandbox-policy-cwd"))?;
        Ok(Self {
            command_cwd: command_cwd.unwrap_or_else(|| policy_cwd.clone()),
            policy_cwd,
            profile: profile.ok_or_else(|| missing("--permission-profile"))?,
            command,
        })
    }
}

fn parse_profile(json: &OsString) -> Result<PermissionProfile, SandboxError> {
    serde_json::from_str(&json.to_string_lossy())
        .map_err(|error| SandboxError::Usage(format!("the permission profile cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<HelperCall, SandboxError> {
        HelperCall::parse(args.iter().map(OsString::from))
    }

    #[test]
    fn reads_the_contract_order_and_leaves_the_command_alone() {
        let json = r#"{"type":"disabled"}"#;
        let call = parse(&[
            "--sandbox-policy-cwd",
            "/a",
            "--command-cwd",
            "/b",
            "--permission-profile",
            json,
            "--",
            "ls",
            "--",
            "-x",
        ])
        .unwrap();
        assert_eq!(call.policy_cwd, PathBuf::from("/a"));
        assert_eq!(call.command_cwd, PathBuf::from("/b"));
        assert_eq!(call.profile, PermissionProfile::Disabled);
        assert_eq!(call.command, [c"ls".to_owned(), c"--".to_owned(), c"-x".to_owned()]);
    }

    #[test]
    fn bad_calls_are_usage_errors() {
        for args in [
            &[][..],
            &["--"],
            &["--sandbox-policy-cwd"],
            &["--bogus", "x", "--", "ls"],
            &["--sandbox-policy-cwd", "/a", "--", "ls"],
            &["--sandbox-policy-cwd", "/a", "--permission-profile", "{}", "--", "ls"],
            &["--sandbox-policy-cwd", "/a", "--permission-profile", r#"{"type":"disabled"}"#, "--"],
        ] {
            assert!(matches!(parse(args), Err(SandboxError::Usage(_))), "{args:?}");
        }
    }
}
