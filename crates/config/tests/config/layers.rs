//! Which layer wins, and who is told.

use quire_config::{DisabledReason, Feature, LayerSource};

use crate::world::World;

/// A world in which every layer sets `model` to its own name, plus one key nobody else sets.
fn every_layer() -> World {
    World::with("model = 'user'\nreview_model = 'user'\n[projects.'@/w']\ntrust_level = 'trusted'\n")
        .file("etc/config.toml", "model = 'system'\ninstructions = 'system'\n")
        .file("etc/managed_config.toml", "model = 'managed'\noss_provider = 'managed'\n")
        .file("home/p.config.toml", "model = 'profile'\nservice_tier = 'profile'\n")
        .file("w/.git/HEAD", "")
        .file("w/.codex/config.toml", "model = 'root'\ndeveloper_instructions = 'root'\n")
        .file("w/sub/.codex/config.toml", "model = 'sub'\ncompact_prompt = 'sub'\n")
        .flags(&["model=flags", "log_dir=logs"])
        .options(|options| {
            options.profile = Some("p".parse().unwrap());
            options.cwd = options.cwd.join("sub");
        })
}

#[test]
fn the_stack_from_the_highest_down() {
    let world = every_layer();
    let config = world.load();
    let listed: Vec<_> = config
        .layers
        .iter()
        .map(|layer| match &layer.source {
            LayerSource::System { file } => format!("system {}", world.relative(file)),
            LayerSource::User { file, profile } => format!("user {profile:?} {}", world.relative(file)),
            LayerSource::Project { dot_codex_folder } => {
                format!("project {}", world.relative(dot_codex_folder))
            }
            LayerSource::SessionFlags => "flags".to_owned(),
            LayerSource::LegacyManagedFile { file } => format!("managed {}", world.relative(file)),
        })
        .collect();
    assert_eq!(
        listed,
        [
            "managed etc/managed_config.toml",
            "flags",
            "project w/sub/.codex",
            "project w/.codex",
            "user Some(\"p\") home/p.config.toml",
            "user None home/config.toml",
            "system etc/config.toml",
        ]
    );
    assert_eq!(config.model.as_deref(), Some("managed"));
    for (value, expected) in [
        (config.review_model, "user"),
        (config.base_instructions, "system"),
        (config.oss_provider, "managed"),
        (config.service_tier, "profile"),
        (config.developer_instructions, "root"),
        (config.compact_prompt, "sub"),
    ] {
        assert_eq!(value.as_deref(), Some(expected));
    }
    assert_eq!(config.log_dir, world.path("w/sub/logs"));
}

#[test]
fn taking_the_top_away_lets_the_next_win() {
    let mut world = every_layer();
    let model = |world: &World| world.load().model.unwrap();
    std::fs::remove_file(world.path("etc/managed_config.toml")).unwrap();
    assert_eq!(model(&world), "flags");
    world.options.typed.model = Some("typed".to_owned());
    assert_eq!(model(&world), "typed");
    world.options.typed.model = None;
    world.options.cli_overrides.clear();
    assert_eq!(model(&world), "sub");
    std::fs::remove_dir_all(world.path("w/sub/.codex")).unwrap();
    assert_eq!(model(&world), "root");
    std::fs::remove_dir_all(world.path("w/.codex")).unwrap();
    assert_eq!(model(&world), "profile");
    world.options.profile = Some("missing".parse().unwrap());
    assert_eq!(model(&world), "user");
    world.options.ignore_user_config = true;
    assert_eq!(model(&world), "system");
}

#[test]
fn tables_merge_and_everything_else_is_replaced() {
    let world = World::with("notify = ['a', 'b']\n[shell_environment_policy]\ninherit = 'core'\nexclude = ['x']\nset = {A = '1', B = '1'}\n")
        .flags(&["notify=[\"c\"]", "shell_environment_policy.set={B=\"2\"}", "shell_environment_policy.exclude=[]"]);
    let config = world.load();
    assert_eq!(config.notify, ["c"]);
    let policy = &config.shell_environment_policy;
    assert_eq!((policy.r#set["A"].as_str(), policy.r#set["B"].as_str()), ("1", "2"));
    assert!(policy.exclude.is_empty());
}

#[test]
fn origins_name_the_layer_of_each_leaf() {
    let world = World::with("model = 'm'\nnotify = ['a', 'b']\n[tui]\ntheme = 'x'\nvim = true\n")
        .file("etc/config.toml", "model = 's'\nreview_model = 's'\nnotify = ['1', '2', '3']\n")
        .flags(&["tui.theme=y"]);
    let user = LayerSource::User { file: world.path("home/config.toml"), profile: None };
    let system = LayerSource::System { file: world.path("etc/config.toml") };
    let origins: Vec<_> = world.load().origins().into_iter().collect();
    let expected = [
        ("model", &user),
        ("notify.0", &user),
        ("notify.1", &user),
        ("review_model", &system),
        ("tui.theme", &LayerSource::SessionFlags),
        ("tui.vim", &user),
    ];
    let expected: Vec<_> =
        expected.into_iter().map(|(path, source)| (path.to_owned(), source.clone())).collect();
    assert_eq!(origins, expected);
}

#[test]
fn old_spellings_are_the_same_key_in_every_layer() {
    let world = World::with("[memories]\nno_memories_if_mcp_or_web_search = true\n")
        .file("etc/config.toml", "[memories]\ndisable_on_external_context = false\n")
        .flags(&["use_legacy_landlock=true"]);
    let config = world.load();
    assert_eq!(config.merged["memories"].to_string(), "{ disable_on_external_context = true }");
    assert!(config.features.enabled(Feature::UseLegacyLandlock));
    assert_eq!(config.warnings, Vec::<String>::new());
    let both = "[memories]\nno_memories_if_mcp_or_web_search = true\ndisable_on_external_context = false\n";
    assert_eq!(
        World::with(both).load().merged["memories"].to_string(),
        "{ disable_on_external_context = false }"
    );
}

#[test]
fn feature_flags_of_the_command_line() {
    let enabled = |config: &str, overrides: &[&str], enable: &[&str], disable: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let world = World::with(config).flags(overrides).options(|options| {
            options.enable = owned(enable);
            options.disable = owned(disable);
        });
        world.load().features.enabled(Feature::Goals)
    };
    assert!(enabled("", &[], &[], &[]));
    assert!(!enabled("[features]\ngoals = false\n", &[], &[], &[]));
    assert!(enabled("[features]\ngoals = false\n", &["features.goals=true"], &[], &[]));
    assert!(enabled("", &["features.goals=false"], &["goals"], &[]));
    assert!(!enabled("", &["features.goals=true"], &["goals"], &["goals"]));
    let aliased = World::new().options(|options| options.enable = vec!["collab".to_owned()]).load();
    assert_eq!(aliased.deprecations.len(), 1);
}

#[test]
fn layers_that_do_not_count_are_listed_with_the_reason() {
    let world = World::with("[projects.'@/w']\ntrust_level = 'untrusted'\n")
        .file("w/.codex/config.toml", "model = 3");
    let config = world.load();
    let layer = config.layers.iter().find(|layer| layer.disabled.is_some()).unwrap();
    assert_eq!(layer.disabled, Some(DisabledReason::Untrusted));
    assert_eq!(layer.table["model"].as_integer(), Some(3));
    assert_eq!(config.model, None);
}
