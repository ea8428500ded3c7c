//! What a person sees when the config is wrong. `@` stands for a folder.

use std::fmt::Write;

use quire_config::{FileKind, LocalModels};

use crate::world::World;

#[test]
fn the_text_of_every_error() {
    for (text, expected) in [
        (
            "model = \"a\"\nmodel = = 3\n",
            "Error loading config.toml:\n@/home/config.toml:2:9: extra `=`, expected nothing\n  |\n2 | model = = 3\n  |         ^",
        ),
        (
            "a = [1,\n",
            "Error loading config.toml:\n@/home/config.toml:1:8: unclosed array, expected `]`\n  |\n1 | a = [1,\n  |        ^",
        ),
        (
            "model = \"a\"\nmodel = \"b\"\n",
            "Error loading config.toml:\n@/home/config.toml:2:1: duplicate key\n  |\n2 | model = \"b\"\n  | ^^^^^",
        ),
        (
            "model = 3\n",
            "Error loading config.toml: invalid type: integer `3`, expected a string\nin `model`",
        ),
        (
            "sandbox_mode = \"x\"\n",
            "Error loading config.toml: unknown variant `x`, expected one of `read-only`, `workspace-write`, `danger-full-access`\nin `sandbox_mode`",
        ),
        (
            "approval_policy = \"x\"\n",
            "Error loading config.toml: unknown variant `x`, expected one of `untrusted`, `on-failure`, `on-request`, `granular`, `never`\nin `approval_policy`",
        ),
        (
            "approval_policy = 3\n",
            "Error loading config.toml: invalid type: unit variant, expected string only\nin `approval_policy`",
        ),
        (
            "[approval_policy.granular]\nrules = true\n",
            "Error loading config.toml: missing field `sandbox_approval`\nin `approval_policy`",
        ),
        // The first one in the file.
        (
            "sandbox_mode = 3\nmodel = 3\napproval_policy = \"x\"\n",
            "Error loading config.toml: invalid type: unit variant, expected string only\nin `sandbox_mode`",
        ),
        (
            "features = 3\n",
            "Error loading config.toml: invalid type: integer `3`, expected struct FeaturesToml\nin `features`",
        ),
        (
            "[features]\ngoals = 3\n",
            "Error loading config.toml: invalid type: integer `3`, expected a boolean\nin `features.goals`",
        ),
        (
            "[sandbox_workspace_write]\nwritable_roots = [3]\n",
            "Error loading config.toml: invalid type: integer `3`, expected path string\nin `sandbox_workspace_write.writable_roots`",
        ),
        (
            "[shell_environment_policy]\nset = {a = 1}\n",
            "Error loading config.toml: invalid type: integer `1`, expected a string\nin `shell_environment_policy.set.a`",
        ),
        (
            "tool_output_token_limit = -1\n",
            "Error loading config.toml: invalid value: integer `-1`, expected usize\nin `tool_output_token_limit`",
        ),
        // What decides about projects is shown in its file.
        (
            "[projects.'/x']\ntrust_level = 'y'\n",
            "Error loading config.toml:\n@/home/config.toml:2:15: unknown variant `y`, expected `trusted` or `untrusted`\n  |\n2 | trust_level = 'y'\n  |               ^^^",
        ),
        (
            "project_root_markers=[3]\n",
            "Error loading config.toml:\n@/home/config.toml:1:23: invalid type: integer `3`, expected a string\n  |\n1 | project_root_markers=[3]\n  |                       ^",
        ),
        (
            "[model_providers.p]\nname = 'x'\nwire_api = 'zzz'\n",
            "Error loading config.toml: unknown variant `zzz`, expected `responses`\nin `model_providers.p.wire_api`",
        ),
        (
            "[model_providers.p]\nbase_url = 'x'\n",
            "Error loading config.toml: model_providers.p: provider name must not be empty\nin `model_providers`",
        ),
        (
            "[model_providers.p]\nname = 'x'\naws = {profile = 'x'}\n",
            "Error loading config.toml: model_providers.p: provider aws is only supported for `amazon-bedrock`\nin `model_providers`",
        ),
        (
            "[model_providers.p]\nname = 'x'\nauth = {command = ' '}\n",
            "Error loading config.toml: model_providers.p: provider auth.command must not be empty\nin `model_providers`",
        ),
        (
            "[model_providers.p]\nname='x'\nenv_key='x'\nrequires_openai_auth=true\nexperimental_bearer_token='x'\nauth={command='x'}\n",
            "Error loading config.toml: model_providers.p: provider auth cannot be combined with env_key, experimental_bearer_token, requires_openai_auth\nin `model_providers`",
        ),
        (
            "[model_providers.p]\nname = 'x'\nauth = {command = 'x', timeout_ms = 0}\n",
            "Error loading config.toml: invalid value: integer `0`, expected a nonzero u64\nin `model_providers.p.auth.timeout_ms`",
        ),
        ("model_provider = 'x'\n", "Error: Model provider `x` not found"),
        (
            "[model_providers.amazon-bedrock]\nname = 'x'\n",
            "Error: model_providers.amazon-bedrock only supports changing `aws.profile` and `aws.region`; other non-default provider fields are not supported",
        ),
        (
            "profile = 'x'\n",
            "Error: legacy `profile = \"x\"` config is no longer supported; use `--profile x` with `x.config.toml` instead",
        ),
        (
            "experimental_thread_store_endpoint = 'x'\n",
            "Error: `experimental_thread_store_endpoint` is no longer supported; remove it from config.toml",
        ),
        (
            "model_instructions_file = 'nope.md'\n",
            "Error: failed to read model instructions file @/home/nope.md: No such file or directory (os error 2)",
        ),
        (
            "experimental_compact_prompt_file = 'nope'\n",
            "Error: failed to read experimental compact prompt file @/home/nope: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(without_place(&World::with(text).error()), expected, "{text}");
    }
}

/// Where a value stands is a line of its own; see `a_value_tells_its_file_and_line`.
fn without_place(error: &str) -> &str {
    error.split("\nat @/").next().unwrap()
}

#[test]
fn advice_is_ours_but_the_cause_comes_first() {
    for (text, start, end) in [
        (
            "[model_providers.p]\nname = 'x'\nwire_api = 'chat'\n",
            "Error loading config.toml: `wire_api = \"chat\"` is no longer supported.\n",
            "\nin `model_providers.p.wire_api`",
        ),
        (
            "[model_providers.openai]\nname = 'x'\n[model_providers.ollama]\nname = 'x'\n",
            "Error loading config.toml: model_providers contains reserved built-in provider IDs: `ollama`, `openai`. ",
            "\nin `model_providers`",
        ),
        (
            "model_provider = 'ollama-chat'\n",
            "Error: `ollama-chat` is no longer supported.\n",
            "`--local-provider`.",
        ),
    ] {
        let error = World::with(text).error();
        assert!(error.starts_with(start) && without_place(&error).ends_with(end), "{error}");
    }
}

#[test]
fn files_that_are_no_text() {
    let world = World::new();
    std::fs::write(world.path("home/config.toml"), b"model = \"\xff\"\n").unwrap();
    assert_eq!(
        world.error(),
        "Error loading config.toml: Failed to read config file @/home/config.toml: invalid utf-8 sequence of 1 bytes from index 9"
    );
    let world = World::new().folder("home/config.toml");
    let expected = "Error loading config.toml: Failed to read config file @/home/config.toml: Is a directory (os error 21)";
    assert_eq!(world.error(), expected);
    assert!(matches!(world.try_load(), Err(quire_config::ConfigError::Read { kind: FileKind::Config, .. })));
}

#[test]
fn the_command_line() {
    for (flags, expected) in [
        (["foo"], "Error parsing -c overrides: Invalid override (missing '='): foo"),
        (["=x"], "Error parsing -c overrides: Empty key in override: =x"),
        (["model=3"], "Error loading config.toml: invalid type: integer `3`, expected a string\nin `model`"),
        (["model.x=1"], "Error loading config.toml: invalid type: map, expected a string\nin `model`"),
        (
            ["projects=3"],
            "Error loading config.toml: invalid type: integer `3`, expected a map\nin `projects`",
        ),
        (
            ["projects={\"/x\"={trust_level=\"z\"}}"],
            "Error loading config.toml: unknown variant `z`, expected `trusted` or `untrusted`\nin `projects./x.trust_level`",
        ),
        (
            ["profile=x"],
            "Error: legacy `profile = \"x\"` config is no longer supported; use `--profile x` with `x.config.toml` instead",
        ),
    ] {
        assert_eq!(World::new().flags(&flags).error(), expected, "{flags:?}");
    }
    let unknown = World::with("model = = ").flags(&["bad"]);
    let unknown = unknown.options(|options| options.disable = vec!["goals".to_owned(), "foo".to_owned()]);
    assert_eq!(unknown.error(), "Error: Unknown feature flag: foo");
}

#[test]
fn a_value_tells_its_file_and_line() {
    let world = World::with("model = 'm'\nsandbox_mode = 3\n");
    let error = world.try_load().unwrap_err();
    let location = error.location().unwrap();
    assert_eq!(
        world.tidy(&format!("{location}: {}", error.message())),
        "@/home/config.toml:2:16: invalid type: unit variant, expected string only"
    );
    assert!(world.error().ends_with("\nin `sandbox_mode`\nat @/home/config.toml:2:16"), "{}", world.error());
    assert_eq!(World::new().flags(&["model=3"]).try_load().unwrap_err().location(), None);
    // A wrong value that a higher layer hides is no error.
    assert_eq!(World::with("model = 3\n").flags(&["model=m"]).load().model.as_deref(), Some("m"));
}

#[test]
fn profiles_of_the_old_kind_exclude_profile_files() {
    let with_profile = |text: &str, name: &str| {
        World::with(text).options(|options| options.profile = Some(name.parse().unwrap()))
    };
    let error = with_profile("[profiles.x]\nmodel = 1\n", "x").error();
    let mut start =
        String::from("Error loading config.toml: --profile `x` cannot be used while @/home/config.toml ");
    write!(start, "contains legacy `profile = \"x\"` or `[profiles.x]` config; move those settings ")
        .unwrap();
    assert!(error.starts_with(&start) && error.contains("@/home/x.config.toml"), "{error}");
    let other = with_profile("profile = 'y'\n", "x").error();
    assert!(other.starts_with("Error: legacy `profile = \"y\"`"), "{other}");
    with_profile("[profiles.zz]\nfoo = 1\n", "x").load();
}

#[test]
fn local_models_need_a_provider() {
    let oss = |text: &str, provider: Option<&str>| {
        let provider = provider.map(str::to_owned);
        World::with(text).options(|options| options.typed.local_models = Some(LocalModels { provider }))
    };
    assert!(
        oss("", None).error().starts_with("Error: No default OSS provider configured. Use --local-provider=")
    );
    assert_eq!(oss("oss_provider = 'foo'\n", None).error(), "Error: Model provider `foo` not found");
    let config = oss("oss_provider = 'foo'\nmodel = 'm'\n", Some("ollama")).load();
    assert_eq!((config.model_provider_id.as_str(), config.model.as_deref()), ("ollama", Some("gpt-oss:20b")));
    let config =
        oss("oss_provider = 'lmstudio'\n", None).options(|o| o.typed.model = Some("k".into())).load();
    assert_eq!((config.model_provider_id.as_str(), config.model.as_deref()), ("lmstudio", Some("k")));
}
