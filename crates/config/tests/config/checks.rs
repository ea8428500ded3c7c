//! Values that their types let through.

use crate::world::World;

#[test]
fn a_model_catalog_must_be_one() {
    for (content, expected) in [
        (None, "Error: failed to read model_catalog_json @/home/cat.json: "),
        (Some("{"), "Error: failed to parse model_catalog_json path `@/home/cat.json` as JSON: "),
        (
            Some("{\"models\": []}"),
            "Error: model_catalog_json path `@/home/cat.json` must contain at least one model",
        ),
        (Some("[]"), "Error: model_catalog_json path `@/home/cat.json` must contain at least one model"),
    ] {
        let world = World::with("model_catalog_json = 'cat.json'");
        let world = if let Some(content) = content { world.file("home/cat.json", content) } else { world };
        assert!(world.error().starts_with(expected), "{content:?}: {}", world.error());
    }
    World::with("model_catalog_json = 'cat.json'").file("home/cat.json", "{\"models\": [{}]}").load();
}

#[test]
fn roles_that_cannot_be_used_are_told_about() {
    let world = World::with(
        "[agents.a]\nnickname_candidates = ['x']\n[agents.b]\ndescription = ' '\n[agents.c]\ndescription = 'd'\n\
         nickname_candidates = []\n[agents.d]\ndescription = 'd'\nconfig_file = 'nope.toml'\n[agents.e]\n\
         description = 'd'\nconfig_file = 'e.toml'\n[agents.f]\ndescription = 'd'\nconfig_file = '.'\n",
    )
    .file("home/e.toml", "");
    let warnings: Vec<_> = world.load().warnings.iter().map(|warning| world.tidy(warning)).collect();
    let expected = [
        "agent role `a` must define a description",
        "agents.b.description cannot be blank",
        "agents.c.nickname_candidates must contain at least one name",
        "agents.d.config_file must point to an existing file at @/home/nope.toml: ",
        "agents.f.config_file must point to an existing file at @/home: ",
    ];
    assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
    for (ours, expected) in warnings.iter().zip(expected) {
        let text = ours.strip_prefix("Ignoring malformed agent role definition: ").unwrap();
        assert!(text.starts_with(expected), "{ours}");
    }
}

#[test]
fn memories_out_of_range_are_no_error() {
    World::with("[memories]\nmax_unused_days = -5\nmax_raw_memories_for_consolidation = 99999\n").load();
}
