//! Every key with every kind of value, against what the reference says.

use std::collections::BTreeMap;

use crate::world::World;

type Matrix = BTreeMap<String, BTreeMap<String, Option<String>>>;

fn matrix() -> Matrix {
    serde_json::from_str(include_str!("../data/key-matrix.json")).unwrap()
}

const KINDS: [(&str, &str); 6] =
    [("int", "3"), ("float", "1.5"), ("str", "\"x\""), ("list", "[]"), ("table", "{}"), ("bool", "true")];

/// Where our message says more: the reference names its own types there.
fn words_differ(reference: &str) -> bool {
    reference.contains("untagged enum")
        || reference.contains("with 1 element")
        || reference.contains("elements")
}

#[test]
fn all_keys_are_known_and_refuse_what_the_reference_refuses() {
    let matrix = matrix();
    assert_eq!(matrix.len(), 95);
    let mut wrong = Vec::new();
    for (key, kinds) in &matrix {
        for (kind, text) in KINDS {
            // Errors without a place are about more than this key.
            let world = World::with(&format!("{key} = {text}\n")).strict();
            let ours = world.try_load().err().filter(|error| error.location().is_some());
            let ours = ours.map(|error| error.message());
            let theirs = &kinds[kind];
            let same = match (&ours, theirs) {
                (None, None) => true,
                (Some(ours), Some(theirs)) => ours == theirs || words_differ(theirs),
                // A list in place of a table is read by position in the reference; never by us.
                (Some(_), None) => kind == "list",
                (None, Some(_)) => false,
            };
            if !same {
                wrong.push(format!("{key} = {text}: ours {ours:?}, reference {theirs:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_type_points_at_the_value() {
    for key in matrix().into_keys().filter(|key| key != "model_auto_compact_token_limit_scope") {
        let world = World::with(&format!("{key} = 1979-05-27T07:32:00Z\n")).strict();
        if let Err(error) = world.try_load()
            && let Some(location) = error.location()
        {
            assert_eq!((location.line, location.column), (1, key.len() + 4), "{error}");
        }
    }
}

#[test]
fn strict_mode_names_the_first_unknown_key_and_its_place() {
    for (text, key, line, column) in [
        ("foo = 3\nmodel = 'a'\n", "foo", 1, 1),
        ("model = 'a'\n[model_providers.p]\nname = 'x'\nfoo = 3\n", "model_providers.p.foo", 4, 1),
        (
            "[model_providers.p]\nname='x'\n[model_providers.p.auth]\ncommand='x'\nfoo=1\n",
            "model_providers.p.auth.foo",
            5,
            1,
        ),
        ("[features]\nfoo = true\n", "features.foo", 2, 1),
        ("[features]\nfoo = true\n[zzz]\n", "zzz", 3, 2),
        ("[tools]\nb = 1\n", "tools.b", 2, 1),
        ("tools.foo=1\n", "tools.foo", 1, 7),
        ("tools={foo=1}\n", "tools.foo", 1, 8),
        ("\"a.b\"=1\n", "a.b", 1, 1),
        ("[[foo]]\nx = 1\n", "foo", 1, 3),
        ("[foo]\nx = 1\n", "foo", 1, 2),
        ("[history]\nfoo=1\n", "history.foo", 2, 1),
        ("[shell_environment_policy]\nfoo=1\n", "shell_environment_policy.foo", 2, 1),
        ("[sandbox_workspace_write]\nfoo=1\n", "sandbox_workspace_write.foo", 2, 1),
        ("[projects.'/x']\nfoo=1\n", "projects./x.foo", 2, 1),
    ] {
        let error = World::with(text).strict().try_load().unwrap_err();
        assert_eq!(error.message(), format!("unknown configuration field `{key}`"), "{text}");
        let location = error.location().unwrap();
        assert_eq!((location.line, location.column), (line, column), "{text}");
        assert_eq!(error.key().unwrap().to_string(), key);
    }
}

#[test]
fn strict_mode_leaves_open_tables_and_our_own_alone() {
    World::with(
        "[tui]\nfoo = 1\n[hooks]\nfoo = 1\n[apps.x]\nfoo = 1\n[agents.x]\nfoo = 1\n[tools.web_search]\nfoo = 1\n\
         [desktop]\nfoo = 1\n[quire]\nfoo = 1\n[permissions.p]\nfoo = 1\n",
    )
    .strict()
    .flags(&["sandbox_mode=read-only"])
    .load();
}

#[test]
fn strict_mode_checks_the_command_line_first_and_profiles_too() {
    let world = World::with("z = 1\n").strict().flags(&["model=3", "foo.bar=1"]);
    assert_eq!(
        world.error(),
        "Error loading config.toml:\n@/home/config.toml:1:1: unknown configuration field `z`\n  |\n1 | z = 1\n  | ^"
    );
    let world = World::with("z = 1\n").strict().flags(&["tools.foo=3"]);
    assert_eq!(
        world.error(),
        "Error loading config.toml: unknown configuration field `tools.foo` in -c/--config override"
    );
    let world = World::new().strict().flags(&["..=1"]);
    assert_eq!(
        world.error(),
        "Error loading config.toml: unknown configuration field `` in -c/--config override"
    );
    let world = World::new().file("home/x.config.toml", "foo = 3\n").strict();
    let world = world.options(|options| options.profile = Some("x".parse().unwrap()));
    assert!(world.error().starts_with("Error loading config.toml:\n@/home/x.config.toml:1:1: unknown"));
}

#[test]
fn without_strict_mode_unknown_keys_are_listed_apart_from_warnings() {
    let config = World::with("foo = 1\n[features]\nbar = true\n[tools]\nbaz = 1\n").load();
    let names: Vec<_> = config.unknown_keys.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["foo", "tools.baz", "features.bar"]);
    assert_eq!(config.warnings, Vec::<String>::new());
    let line = config.unknown_keys_warning().unwrap();
    assert!(names.iter().all(|name| line.contains(&format!("`{name}`"))), "{line}");
    let known = World::with("model = 'm'\n[tui]\nx = 1\n").load();
    assert_eq!(known.unknown_keys_warning(), None);
}
