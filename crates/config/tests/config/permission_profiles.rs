//! What commands may touch: profiles line by line, as the reference writes them.
//!
//! A line is written `access path`; `<name>` is a special path, `*` in front a pattern.

use std::path::PathBuf;

use quire_config::Config;
use quire_protocol::{
    Access, FileSystemEntry, FileSystemPath, FileSystemPolicy, NetworkAccess, PermissionProfile, SandboxMode,
    SandboxPolicy, SpecialPath,
};

use crate::world::World;

fn line(world: &World, entry: &FileSystemEntry) -> String {
    let access = match entry.access {
        Access::Read => "r",
        Access::Write => "w",
        Access::Deny => "-",
    };
    let path = match &entry.path {
        FileSystemPath::Path { path } => path.display().to_string(),
        FileSystemPath::GlobPattern { pattern } => format!("*{pattern}"),
        FileSystemPath::Special { value: SpecialPath::Unknown { path, subpath } } => {
            format!(
                "<{path}{}>",
                subpath.as_ref().map(|sub| format!(" {}", sub.display())).unwrap_or_default()
            )
        }
        FileSystemPath::Special { value } => format!("<{value:?}>").to_lowercase(),
    };
    world.tidy(&format!("{access} {path}"))
}

fn lines(world: &World, config: &Config) -> Vec<String> {
    match &config.permission_profile {
        PermissionProfile::Managed { file_system: FileSystemPolicy::Restricted { entries, .. }, .. } => {
            entries.iter().map(|entry| line(world, entry)).collect()
        }
        other => vec![format!("{other:?}")],
    }
}

fn policy(world: &World, config: &Config) -> String {
    let list =
        |roots: &[PathBuf]| roots.iter().map(|root| root.display().to_string()).collect::<Vec<_>>().join(" ");
    world.tidy(&match &config.sandbox_policy {
        SandboxPolicy::DangerFullAccess => "full".to_owned(),
        SandboxPolicy::ReadOnly { network_access } => format!("read net={network_access}"),
        SandboxPolicy::ExternalSandbox { network_access } => format!("external {network_access:?}"),
        SandboxPolicy::WorkspaceWrite {
            writable_roots,
            network_access,
            exclude_tmpdir_env_var,
            exclude_slash_tmp,
        } => {
            format!(
                "write [{}] net={network_access} notmpdir={exclude_tmpdir_env_var} notmp={exclude_slash_tmp}",
                list(writable_roots)
            )
        }
    })
}

#[track_caller]
fn check(world: &World, expected_policy: &str, expected_lines: &[&str]) -> Config {
    let config = world.load();
    assert_eq!(lines(world, &config), expected_lines);
    assert_eq!(policy(world, &config), expected_policy);
    config
}

const READ: &str = "r <root>";

#[test]
fn the_three_modes() {
    check(&World::new(), "read net=false", &[READ]);
    let read = World::with("sandbox_mode = 'read-only'\n[sandbox_workspace_write]\nnetwork_access = true\n");
    check(&read, "read net=false", &[READ]);
    let write =
        World::new().options(|options| options.typed.sandbox_mode = Some(SandboxMode::WorkspaceWrite));
    check(
        &write,
        "write [] net=false notmpdir=false notmp=false",
        &[READ, "w @/w", "w <slashtmp>", "w <tmpdir>", "r @/w/.git", "r @/w/.agents", "r @/w/.codex"],
    );
    let full = World::with("sandbox_mode = 'danger-full-access'\n");
    check(&full, "full", &["Disabled"]);
    let bypass = World::with("default_permissions = ':read-only'\n");
    let bypass = bypass.options(|options| options.typed.bypass_approvals_and_sandbox = true);
    let config = check(&bypass, "full", &["Disabled"]);
    assert_eq!(config.approval_policy, quire_protocol::ApprovalPolicy::Never);
}

#[test]
fn writable_roots_of_config_and_command_line() {
    let world = World::with(
        "sandbox_mode = 'workspace-write'\n[sandbox_workspace_write]\nwritable_roots = ['rel', '/abs/']\n\
         exclude_slash_tmp = true\nnetwork_access = true\n",
    )
    .options(|options| options.typed.additional_writable_roots = vec!["../o".into(), ".".into()]);
    let config = check(
        &world,
        "write [@/o @/home/rel /abs] net=true notmpdir=false notmp=true",
        &[
            READ,
            "w @/w",
            "w @/o",
            "w @/home/rel",
            "w /abs",
            "w <tmpdir>",
            "w @/home/rel",
            "w /abs",
            "r @/w/.git",
            "r @/o/.git",
            "r @/home/rel/.git",
            "r /abs/.git",
            "r @/w/.agents",
            "r @/o/.agents",
            "r @/home/rel/.agents",
            "r /abs/.agents",
            "r @/w/.codex",
            "r @/o/.codex",
            "r @/home/rel/.codex",
            "r /abs/.codex",
        ],
    );
    assert_eq!(config.permission_profile.network(), NetworkAccess::Enabled);
    assert_eq!(config.workspace_roots.len(), 4);
}

#[test]
fn metadata_of_configured_roots_is_named_twice_when_it_exists() {
    let world = World::with(
        "sandbox_mode = 'workspace-write'\n[sandbox_workspace_write]\nwritable_roots = ['@/r']\n",
    )
    .file("r/.git", "gitdir: /x")
    .folder("r/.agents")
    .file("r/.codex", "a file");
    let config = world.load();
    let all = lines(&world, &config);
    assert_eq!(all[all.len() - 2..], ["r @/r/.git", "r @/r/.agents"]);
}

#[test]
fn a_named_profile_with_everything() {
    let world = World::with(
        "default_permissions = 't'\n[permissions.t]\nextends = ':workspace'\n\
         [permissions.t.workspace_roots]\n'/srv/lib' = true\n'/srv/no' = false\n'rel' = true\n\
         [permissions.t.filesystem]\nglob_scan_max_depth = 4\n'/srv/data' = 'read'\n':tmpdir' = 'write'\n\
         '/a/**' = 'read'\n'/g/*.x' = 'deny'\n'~/h' = 'none'\n':foo' = 'read'\n\
         [permissions.t.filesystem.':workspace_roots']\n'.' = 'write'\n'**/*.env' = 'deny'\n'secrets' = 'deny'\n\
         'sub/**' = 'read'\n[permissions.t.network]\nenabled = true\n",
    )
    .env(&[("HOME", "/u")]);
    let config = check(
        &world,
        "write [/srv/lib @/w/rel] net=true notmpdir=false notmp=false",
        &[
            READ,
            "w @/w",
            "w <slashtmp>",
            "w <tmpdir>",
            "r @/w/.git",
            "r @/w/.agents",
            "r @/w/.codex",
            "r /a",
            "- */g/*.x",
            "r /srv/data",
            "r <:foo>",
            "w <tmpdir>",
            "- *@/w/**/*.env",
            "w @/w",
            "- @/w/secrets",
            "r @/w/sub",
            "- /u/h",
            "w /srv/lib",
            "w @/w/rel",
            "r /srv/lib/.git",
            "r @/w/rel/.git",
            "r /srv/lib/.agents",
            "r @/w/rel/.agents",
            "r /srv/lib/.codex",
            "r @/w/rel/.codex",
            "- */srv/lib/**/*.env",
            "- *@/w/rel/**/*.env",
            "- /srv/lib/secrets",
            "- @/w/rel/secrets",
            "r /srv/lib/sub",
            "r @/w/rel/sub",
        ],
    );
    assert_eq!(config.warnings.len(), 1, "only the unknown name: {:?}", config.warnings);
    assert_eq!(config.active_permission_profile.as_deref(), Some("t"));
}

#[test]
fn profiles_without_a_built_in_parent() {
    let profile = |text: &str| World::with(&format!("default_permissions = 't'\n{text}"));
    check(
        &profile(
            "[permissions.t.filesystem]\n':root' = 'read'\n':minimal' = 'read'\n\
             [permissions.t.filesystem.':workspace_roots']\n'.' = 'read'\nout = 'write'\n\
             [permissions.t.filesystem.'/x']\n'.' = 'read'\ny = 'write'\n'*.k' = 'deny'\n",
        ),
        "write [/x/y @/w/out] net=false notmpdir=true notmp=true",
        &["- */x/*.k", "r /x", "w /x/y", "r <minimal>", READ, "r @/w", "w @/w/out"],
    );
    check(&profile("[permissions.t.filesystem]\n':root' = 'write'\n"), "external Restricted", &["w <root>"]);
    check(
        &profile("[permissions.t.filesystem]\n':root' = 'write'\n[permissions.t.network]\nenabled = true\n"),
        "full",
        &["w <root>"],
    );
    check(
        &profile("[permissions.t.filesystem]\n':root' = 'write'\n'/a' = 'deny'\n"),
        "write [/] net=false notmpdir=true notmp=false",
        &["- /a", "w <root>"],
    );
    check(
        &profile("[permissions.t]\nextends = ':read-only'\n[permissions.t.network]\nenabled = true\n"),
        "read net=true",
        &[READ],
    );
    let empty = profile("[permissions.t]\n");
    let empty = empty.options(|options| options.typed.additional_readable_roots = vec!["/helpers".into()]);
    assert_eq!(check(&empty, "read net=false", &["r /helpers"]).warnings.len(), 1);
}

#[test]
fn children_replace_lines_of_their_parents() {
    let world = World::with(
        "default_permissions = 't'\n[permissions.t]\nextends = 'u'\n\
         [permissions.t.filesystem]\n'/b' = 'read'\n'/a' = 'write'\n':workspace_roots' = {a = 'read'}\n\
         [permissions.u]\nextends = ':read-only'\n[permissions.u.workspace_roots]\n'/z' = true\n\
         [permissions.u.filesystem]\n'/a' = 'read'\n'/c' = 'deny'\n':workspace_roots' = {'.' = 'write', a = 'deny'}\n\
         [permissions.u.network]\nenabled = true\n",
    );
    check(
        &world,
        "write [/a /z] net=true notmpdir=true notmp=true",
        &[READ, "w /a", "r /b", "- /c", "w @/w", "r @/w/a", "w /z", "r /z/a"],
    );
    let scalar_over_table = World::with(
        "default_permissions = 't'\n[permissions.t]\nextends = 'u'\n[permissions.t.filesystem]\n\
         ':workspace_roots' = 'read'\n[permissions.u.filesystem]\n':root' = 'read'\n\
         ':workspace_roots' = {'.' = 'write', a = 'deny'}\n",
    );
    check(&scalar_over_table, "read net=false", &[READ, "r @/w"]);
    let table_over_scalar = World::with(
        "default_permissions = 't'\n[permissions.t]\nextends = 'u'\n[permissions.t.filesystem.'/a']\nb = 'deny'\n\
         [permissions.u.filesystem]\n':root' = 'read'\n'/a' = 'write'\n",
    );
    check(&table_over_scalar, "read net=false", &["- /a/b", READ]);
}

#[test]
fn paths_are_cleaned_and_globs_without_depth_are_reported() {
    let world = World::with(
        "default_permissions = 't'\n[permissions.t.filesystem]\n':root' = 'read'\n'/a//b/../c/' = 'write'\n\
         '/x/y?' = 'deny'\n'/x/[z' = 'deny'\n'~' = 'write'\n'/k/*/**' = 'deny'\n'/k/./l' = 'read'\n\
         [permissions.t.filesystem.':workspace_roots']\n'a/' = 'write'\n'b//c' = 'write'\n'd/**' = 'deny'\n",
    )
    .env(&[("HOME", "/u")]);
    let config = check(
        &world,
        "write [/a/c @/w/a @/w/b/c /u] net=false notmpdir=true notmp=true",
        &[
            "w /a/c",
            "- */k/*/**",
            "r /k/l",
            "- */x/[z",
            "- */x/y?",
            READ,
            "w @/w/a",
            "w @/w/b/c",
            "- *@/w/d/**",
            "w /u",
        ],
    );
    assert_eq!(config.warnings.len(), 2);
    assert!(config.warnings[1].contains("`:workspace_roots/d/**`"), "{}", config.warnings[1]);
}

#[test]
fn the_highest_layer_that_decides_wins() {
    let profile = "[permissions.t.filesystem]\n':root' = 'write'\n";
    let world = |top: &str, flags: &[&str]| World::with(&format!("{top}\n{profile}")).flags(flags);
    for (top, flags, expected) in [
        ("default_permissions = 't'\nsandbox_mode = 'read-only'", vec![], "external Restricted"),
        ("default_permissions = 't'", vec!["sandbox_mode=\"read-only\""], "read net=false"),
        ("sandbox_mode = 'read-only'", vec!["default_permissions=\"t\""], "external Restricted"),
        ("", vec!["sandbox_mode=read-only", "default_permissions=t"], "external Restricted"),
    ] {
        let world = world(top, &flags);
        assert_eq!(policy(&world, &world.load()), expected, "{top} {flags:?}");
    }
    let typed = world("default_permissions = 't'", &["default_permissions=t"]);
    let typed = typed.options(|options| options.typed.sandbox_mode = Some(SandboxMode::ReadOnly));
    assert_eq!(policy(&typed, &typed.load()), "read net=false");
    // Named, `:workspace` does not look at the details of the mode; implied by trust, it does.
    let details = "[sandbox_workspace_write]\nwritable_roots = ['/q']\n";
    let named = World::with(&format!("default_permissions = ':workspace'\n{details}"));
    assert_eq!(policy(&named, &named.load()), "write [] net=false notmpdir=false notmp=false");
    let implied = World::with(&format!("[projects.'@/w']\ntrust_level = 'untrusted'\n{details}"));
    assert_eq!(policy(&implied, &implied.load()), "write [/q] net=false notmpdir=false notmp=false");
}

#[test]
fn what_is_wrong_with_profiles() {
    for (text, expected) in [
        (
            "[permissions.t]\n",
            "config defines `[permissions]` profiles but does not set `default_permissions`",
        ),
        ("default_permissions='t'\n", "default_permissions requires a `[permissions]` table"),
        ("default_permissions='u'\n[permissions.t]\n", "default_permissions refers to undefined profile `u`"),
        ("default_permissions=':foo'\n", "default_permissions refers to unknown built-in profile `:foo`"),
        (
            "default_permissions=':read-only'\n[permissions.':x']\n",
            "permissions profile `:x` uses a reserved built-in profile prefix",
        ),
        (
            "default_permissions='t'\n[permissions.t]\nextends='zz'\n",
            "permissions profile `t` extends undefined profile `zz`",
        ),
        (
            "default_permissions='t'\n[permissions.t]\nextends='u'\n[permissions.u]\nextends='t'\n",
            "permissions profile inheritance cycle detected: t -> u -> t",
        ),
        (
            "default_permissions='t'\n[permissions.t]\nextends=':danger-full-access'\n",
            "permissions profile `t` cannot extend unsupported built-in profile `:danger-full-access`",
        ),
    ] {
        assert_eq!(World::with(text).error(), format!("Error: {expected}"), "{text}");
    }
    for (lines, expected) in [
        ("'rel' = 'read'", "filesystem path `rel` must be absolute, use `~/...`, or start with `:`"),
        ("'/**' = 'read'", "filesystem path `` must be absolute, use `~/...`, or start with `:`"),
        (
            "'/a' = {'../x' = 'read'}",
            "filesystem subpath `../x` must be a descendant path without `.` or `..` components",
        ),
        (
            "'/a' = {'/x' = 'read'}",
            "filesystem subpath `/x` must be a descendant path without `.` or `..` components",
        ),
        (
            "'/a' = {'./b' = 'read'}",
            "filesystem subpath `./b` must be a descendant path without `.` or `..` components",
        ),
        (
            "'/a' = {'' = 'read'}",
            "filesystem subpath `` must be a descendant path without `.` or `..` components",
        ),
        (
            "'/a/*.x' = 'read'",
            "filesystem glob path `/a/*.x` only supports `deny` access; use an exact path or trailing `/**` for `read` subtree access",
        ),
        (
            "'/a' = {'*.x' = 'write'}",
            "filesystem glob path `*.x` only supports `deny` access; use an exact path or trailing `/**` for `write` subtree access",
        ),
        ("glob_scan_max_depth = 0", "glob_scan_max_depth must be at least 1"),
        ("':tmpdir' = {x = 'read'}", "filesystem path `:tmpdir` does not support nested entries"),
    ] {
        let text = format!("default_permissions='t'\n[permissions.t.filesystem]\n{lines}\n");
        assert_eq!(World::with(&text).error(), format!("Error: {expected}"), "{lines}");
    }
    // What is not selected is not looked at, and an empty table is no profile.
    World::with("sandbox_mode='read-only'\n[permissions.t.filesystem]\nrel='read'\n").load();
    World::with("[permissions]\n").load();
}
