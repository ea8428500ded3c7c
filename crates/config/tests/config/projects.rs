//! Trust, project roots, and what a project may set.

use std::path::PathBuf;
use std::sync::Arc;

use quire_config::TrustLevel;
use quire_protocol::{ApprovalPolicy, SandboxPolicy};

use crate::world::World;

/// `w/` is a repository with config in `.`, `sub` and `sub/deep`; we work in the deepest.
fn nested(user: &str) -> World {
    World::with(user)
        .file("w/.git/HEAD", "")
        .file("w/.codex/config.toml", "model = 'root'\n")
        .file("w/sub/.codex/config.toml", "model = 'sub'\n")
        .file("w/sub/deep/.codex/config.toml", "model = 'deep'\n")
        .options(|options| {
            let repository = options.cwd.clone();
            options.git_root =
                Arc::new(move |folder| folder.starts_with(&repository).then(|| repository.clone()));
            options.cwd = options.cwd.join("sub/deep");
        })
}

/// Which of the three layers count, outermost first.
fn enabled(world: &World) -> Vec<String> {
    let config = world.load();
    let project = config.layers.iter().rev().filter(|layer| layer.disabled.is_none());
    project
        .filter_map(|layer| match &layer.source {
            quire_config::LayerSource::Project { .. } => {
                Some(layer.table["model"].as_str().unwrap().to_owned())
            }
            _ => None,
        })
        .collect()
}

fn trust(entries: &[(&str, &str)]) -> String {
    entries.iter().map(|(path, level)| format!("[projects.'@/{path}']\ntrust_level = '{level}'\n")).collect()
}

#[test]
fn trust_reaches_down_until_a_folder_says_otherwise() {
    for (entries, expected) in [
        (vec![], vec![]),
        (vec![("w", "trusted")], vec!["root", "sub", "deep"]),
        (vec![("w", "untrusted")], vec![]),
        (vec![("w", "trusted"), ("w/sub", "untrusted")], vec!["root", "deep"]),
        (vec![("w/sub/deep", "trusted")], vec!["deep"]),
        (vec![("w/sub", "trusted")], vec!["sub"]),
        (vec![("w/", "trusted")], vec![]),
        (vec![("", "trusted")], vec![]),
    ] {
        assert_eq!(enabled(&nested(&trust(&entries))), expected, "{entries:?}");
    }
}

#[test]
fn trust_comes_from_any_layer_but_the_projects() {
    let flag = nested("").flags(&["projects={\"@/w\"={trust_level=\"trusted\"}}"]);
    assert_eq!(enabled(&flag), ["root", "sub", "deep"]);
    let system = nested("").file("etc/config.toml", &trust(&[("w", "trusted")]));
    assert_eq!(enabled(&system), ["root", "sub", "deep"]);
    let own =
        nested("").file("w/.codex/config.toml", &format!("model = 'root'\n{}", trust(&[("w", "trusted")])));
    assert_eq!(enabled(&own), Vec::<String>::new());
    let dotted = nested("").flags(&["projects.@/w.trust_level=trusted"]);
    // The path holds dots only if the temporary folder does, and then the flag names something else.
    assert_eq!(enabled(&dotted).len(), if dotted.path("w").to_string_lossy().contains('.') { 0 } else { 3 });
}

#[test]
fn a_worktree_is_trusted_through_its_main_repository() {
    let world = nested(&trust(&[("main", "trusted")])).folder("main");
    let main = world.path("main");
    let world = world.options(|options| options.git_root = Arc::new(move |_| Some(main.clone())));
    assert_eq!(enabled(&world), ["root", "sub", "deep"]);
    assert_eq!(world.load().project.trust_key, world.path("main"));
    let undone = nested(&trust(&[("main", "trusted"), ("w", "untrusted")]));
    let main = undone.path("main");
    assert_eq!(
        enabled(&undone.options(|options| options.git_root = Arc::new(move |_| Some(main.clone())))),
        Vec::<String>::new()
    );
}

#[cfg(unix)]
#[test]
fn a_symlinked_folder_is_trusted_under_both_names() {
    for entry in ["w", "link"] {
        let world =
            World::with(&trust(&[(entry, "trusted")])).file("w/.codex/config.toml", "model = 'root'\n");
        std::os::unix::fs::symlink(world.path("w"), world.path("link")).unwrap();
        let link = world.path("link");
        assert_eq!(enabled(&world.options(|options| options.cwd = link)), ["root"], "{entry}");
    }
}

#[test]
fn markers_decide_where_a_project_begins() {
    let root = |user: &str, extra: Option<&str>| {
        let mut world = nested(user);
        if let Some(file) = extra {
            world = world.file(file, "");
        }
        let found = world.load().project.root;
        world.relative(&found).to_owned()
    };
    assert_eq!(root("", None), "w");
    assert_eq!(root("project_root_markers = []\n", None), "w/sub/deep");
    assert_eq!(root("project_root_markers = ['Makefile', '.git']\n", Some("w/sub/Makefile")), "w/sub");
    assert_eq!(root("project_root_markers = ['none']\n", None), "w/sub/deep");
    let inner = nested(&format!("project_root_markers = ['Makefile']\n{}", trust(&[("w/sub", "trusted")])));
    assert_eq!(enabled(&inner.file("w/sub/Makefile", "")), ["sub", "deep"]);
}

#[test]
fn the_home_is_no_project() {
    let world = World::with("").folder("w/.codex").options(|options| {
        options.home = quire_config::CodexHome::at(options.cwd.join(".codex"));
    });
    let config = world.file("w/.codex/config.toml", "[projects.'@/w']\ntrust_level = 'trusted'\n").load();
    assert!(
        config.layers.iter().all(|layer| !matches!(layer.source, quire_config::LayerSource::Project { .. }))
    );
    assert_eq!(config.project.trust, Some(TrustLevel::Trusted));
}

#[test]
fn defaults_follow_the_decision() {
    for (level, writes, policy) in [
        (None, false, ApprovalPolicy::OnRequest),
        (Some("trusted"), true, ApprovalPolicy::OnRequest),
        (Some("untrusted"), true, ApprovalPolicy::Untrusted),
    ] {
        let entries: Vec<_> = level.map(|level| ("w", level)).into_iter().collect();
        let config = World::with(&trust(&entries)).load();
        assert_eq!(
            matches!(config.sandbox_policy, SandboxPolicy::WorkspaceWrite { .. }),
            writes,
            "{level:?}"
        );
        assert_eq!(config.approval_policy, policy, "{level:?}");
    }
}

#[test]
fn the_decision_is_recorded_for_the_repository_or_the_folder() {
    let world = nested("");
    assert_eq!(world.load().project.trust_key, world.path("w"));
    let outside = World::new();
    assert_eq!(outside.load().project.trust_key, outside.path("w"));
    assert_eq!(outside.load().project.trust, None);
}

#[test]
fn what_a_project_must_not_set_is_dropped_with_a_warning() {
    let text = "apps_mcp_product_sku = 'x'\nchatgpt_base_url = 'x'\nexperimental_realtime_ws_base_url = 'x'\n\
                model_provider = 'x'\nnotify = ['x']\nopenai_base_url = 'x'\nprofile = 'x'\nmodel = 'ok'\n\
                [model_providers.z]\nname = 'z'\n[otel]\n[profiles.x]\nmodel = 3\n";
    let world = World::with(&trust(&[("w", "trusted")])).file("w/.codex/config.toml", text);
    let config = world.load();
    assert_eq!(config.model.as_deref(), Some("ok"));
    assert_eq!((config.model_provider_id.as_str(), config.notify.len()), ("openai", 0));
    let [warning] = config.warnings.as_slice() else { panic!("{:?}", config.warnings) };
    let expected = "Ignored unsupported project-local config keys in @/w/.codex/config.toml: openai_base_url, \
                    chatgpt_base_url, apps_mcp_product_sku, model_provider, model_providers, notify, profile, \
                    profiles, experimental_realtime_ws_base_url, otel. ";
    assert!(world.tidy(warning).starts_with(expected), "{warning}");
}

#[test]
fn errors_in_project_files() {
    let broken =
        |level: &str, text: &str| World::with(&trust(&[("w", level)])).file("w/.codex/config.toml", text);
    assert_eq!(
        broken("trusted", "foo = = 3\n").error(),
        "Error loading config.toml: Error parsing project config file @/w/.codex/config.toml: TOML parse error at line 1, column 7\n  |\n1 | foo = = 3\n  |       ^\nextra `=`, expected nothing"
    );
    broken("untrusted", "foo = = 3\n").load();
    assert_eq!(
        broken("trusted", "model = 3\n").error(),
        "Error loading config.toml: invalid type: integer `3`, expected a string\nin `model`\nat @/w/.codex/config.toml:1:9"
    );
    assert_eq!(
        broken("trusted", "[projects]\nx = 3\n").error(),
        "Error loading config.toml: invalid type: integer `3`, expected struct ProjectConfig\nin `projects.x`\nat @/w/.codex/config.toml:2:5"
    );
    let folder = World::with(&trust(&[("w", "trusted")])).folder("w/.codex/config.toml");
    assert_eq!(
        folder.error(),
        "Error loading config.toml: Failed to read project config file @/w/.codex/config.toml: Is a directory (os error 21)"
    );
    let strict = broken("trusted", "foo = 3\n").strict();
    assert!(strict.error().contains("@/w/.codex/config.toml:1:1: unknown configuration field `foo`"));
    broken("untrusted", "foo = 3\n").strict().load();
}

#[test]
fn relative_paths_count_from_their_file() {
    let world =
        World::with(&format!("log_dir = 'a/../logs'\nsqlite_home = '~/db'\n{}", trust(&[("w", "trusted")])))
            .file("w/.codex/config.toml", "[sandbox_workspace_write]\nwritable_roots = ['out', '~x', '~']\n")
            .env(&[("HOME", "@/u")]);
    let config = world.load();
    assert_eq!(config.log_dir, world.path("home/logs"));
    assert_eq!(config.sqlite_home, world.path("u/db"));
    let roots: Vec<PathBuf> =
        ["w", "w/.codex/out", "w/.codex/~x", "u"].iter().map(|path| world.path(path)).collect();
    assert_eq!(config.workspace_roots, roots);
}
