//! Which variables a command sees (config sheet §8).
//!
//! In comes the environment of the process, out goes that of the command. What a newcomer would get wrong: the filter of
//! secret-looking names is *off* unless `ignore_default_excludes = false`, and `include_only` is applied last, so it also
//! drops what `set` added.

use std::collections::BTreeMap;

use crate::schema::{Inherit, ShellEnvironmentPolicyToml};

/// Names that `inherit = "core"` keeps.
const CORE: [&str; 11] =
    ["HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TEMP", "TMP", "USER"];
/// Patterns of names that look like secrets.
const SECRETS: [&str; 3] = ["*KEY*", "*SECRET*", "*TOKEN*"];

/// `[shell_environment_policy]` with its defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellEnvironmentPolicy {
    /// What to start from.
    pub inherit: Inherit,
    /// Keeps names that look like secrets. True unless the user says otherwise.
    pub ignore_default_excludes: bool,
    /// Patterns of names to drop.
    pub exclude: Vec<String>,
    /// Variables to set.
    pub r#set: BTreeMap<String, String>,
    /// Patterns of the only names to keep; empty keeps all.
    pub include_only: Vec<String>,
    /// Runs commands with the user's profile.
    pub use_profile: bool,
}

impl Default for ShellEnvironmentPolicy {
    fn default() -> Self {
        Self {
            inherit: Inherit::All,
            ignore_default_excludes: true,
            exclude: Vec::new(),
            r#set: BTreeMap::new(),
            include_only: Vec::new(),
            use_profile: false,
        }
    }
}

impl From<ShellEnvironmentPolicyToml> for ShellEnvironmentPolicy {
    fn from(written: ShellEnvironmentPolicyToml) -> Self {
        Self {
            inherit: written.inherit.unwrap_or_default(),
            ignore_default_excludes: written.ignore_default_excludes.unwrap_or(true),
            exclude: written.exclude.unwrap_or_default(),
            r#set: written.r#set.unwrap_or_default(),
            include_only: written.include_only.unwrap_or_default(),
            use_profile: written.experimental_use_profile.unwrap_or(false),
        }
    }
}

impl ShellEnvironmentPolicy {
    /// The environment of a command, given ours.
    pub fn apply(&self, ours: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
        let inherited = |name: &str| match self.inherit {
            Inherit::All => true,
            Inherit::None => false,
            Inherit::Core => CORE.iter().any(|core| core.eq_ignore_ascii_case(name)),
        };
        let excluded = |name: &str| {
            (!self.ignore_default_excludes && any_matches(SECRETS, name)) || any_matches(&self.exclude, name)
        };
        let mut environment: BTreeMap<_, _> =
            ours.into_iter().filter(|(name, _)| inherited(name) && !excluded(name)).collect();
        environment.extend(self.r#set.clone());
        if !self.include_only.is_empty() {
            environment.retain(|name, _| any_matches(&self.include_only, name));
        }
        environment
    }
}

pub(crate) fn any_matches<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>, name: &str) -> bool {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    patterns.into_iter().any(|pattern| {
        let pattern: Vec<char> = pattern.as_ref().to_lowercase().chars().collect();
        glob_matches(&pattern, &name)
    })
}

/// `*` is any run of characters, `?` any one. Linear in memory; backs up to the last star alone.
fn glob_matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(policy: &str, ours: &[&str]) -> Vec<String> {
        let written: ShellEnvironmentPolicyToml = toml::from_str(policy).unwrap();
        let ours = ours.iter().map(|name| ((*name).to_owned(), "v".to_owned()));
        ShellEnvironmentPolicy::from(written).apply(ours).into_keys().collect()
    }

    #[test]
    fn each_step_in_its_order() {
        let ours = ["PATH", "HOME", "API_KEY", "my_secret_x", "TOKENS", "FOO", "FOOD"];
        for (policy, expected) in [
            ("", vec!["API_KEY", "FOO", "FOOD", "HOME", "PATH", "TOKENS", "my_secret_x"]),
            ("ignore_default_excludes = false", vec!["FOO", "FOOD", "HOME", "PATH"]),
            ("inherit = 'core'", vec!["HOME", "PATH"]),
            ("inherit = 'none'", vec![]),
            ("exclude = ['foo?', '*_*']", vec!["FOO", "HOME", "PATH", "TOKENS"]),
            ("inherit = 'none'\nignore_default_excludes = false\nset = {A_KEY = '1'}", vec!["A_KEY"]),
            ("inherit = 'none'\nexclude = ['X']\nset = {X = '1'}", vec!["X"]),
            ("include_only = ['F*']\nset = {X = '1', F2 = '2'}", vec!["F2", "FOO", "FOOD"]),
            ("include_only = ['fo?']", vec!["FOO"]),
        ] {
            assert_eq!(names(policy, &ours), expected, "{policy}");
        }
    }

    #[test]
    fn set_replaces_what_was_inherited() {
        let policy = ShellEnvironmentPolicy {
            r#set: BTreeMap::from([("A".to_owned(), "new".to_owned())]),
            ..ShellEnvironmentPolicy::default()
        };
        assert_eq!(policy.apply([("A".to_owned(), "old".to_owned())])["A"], "new");
    }

    #[test]
    fn globs() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("??", "ab", true),
            ("??", "abc", false),
            ("[a]", "a", false),
            ("*KEY*", "monkeys", true),
        ] {
            assert_eq!(any_matches([pattern], name), expected, "{pattern} {name}");
        }
    }
}
