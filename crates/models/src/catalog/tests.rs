use super::*;

fn known(slug: &str) -> Option<String> {
    match Catalog::bundled().lookup(slug) {
        Lookup::Known(info) => Some(info.slug.clone()),
        Lookup::Fallback(info) => {
            assert_eq!((info.slug.as_str(), info.display_name.as_str()), (slug, slug));
            None
        }
    }
}

#[test]
fn the_bundled_catalog_is_complete() {
    let catalog = Catalog::bundled();
    let slugs: Vec<_> = catalog.models().iter().map(|model| model.slug.as_str()).collect();
    assert_eq!(
        slugs,
        ["gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.3-codex", "gpt-5.2", "codex-auto-review"]
    );
    assert_eq!(catalog.default_model().unwrap().slug, "gpt-5.5");
    let listed: Vec<_> = catalog.listed().iter().map(|model| model.priority).collect();
    assert_eq!(listed, [0, 2, 4, 6, 10]);
    let info = &catalog.models()[0];
    assert_eq!(info.truncation_policy, TruncationPolicy::Tokens(10_000));
    assert_eq!(info.usable_context_tokens(), Some(258_400));
    assert_eq!(info.auto_compact_tokens(), Some(244_800));
    assert_eq!(info.default_reasoning_summary, ReasoningSummary::None);
    assert_eq!(info.default_verbosity, Some(Verbosity::Low));
    assert_eq!(catalog.models()[4].truncation_policy, TruncationPolicy::Bytes(10_000));
    assert!(catalog.models().iter().all(|model| model.sees_images()));
}

#[test]
fn the_longest_prefix_wins() {
    assert_eq!(known("gpt-5.5").as_deref(), Some("gpt-5.5"));
    assert_eq!(known("gpt-5.5-2026-01-01").as_deref(), Some("gpt-5.5"));
    assert_eq!(known("gpt-5.4-mini-2026").as_deref(), Some("gpt-5.4-mini"));
    assert_eq!(known("gpt-5.4-max").as_deref(), Some("gpt-5.4"));
    assert_eq!(known("gpt-5"), None);
    assert_eq!(known("GPT-5.5"), None);
}

#[test]
fn one_namespace_is_looked_through() {
    assert_eq!(known("openai/gpt-5.5").as_deref(), Some("gpt-5.5"));
    assert_eq!(known("my_own-1/gpt-5.2-x").as_deref(), Some("gpt-5.2"));
    for slug in ["a/b/gpt-5.5", "/gpt-5.5", "a.b/gpt-5.5", "openai/other", "gemini"] {
        assert_eq!(known(slug), None, "{slug}");
    }
}

#[test]
fn unknown_models_get_cautious_facts() {
    let lookup = Catalog::bundled().lookup("gemma");
    let info = lookup.info();
    assert!(
        !info.supports_reasoning_summaries && !info.support_verbosity && !info.supports_parallel_tool_calls
    );
    assert_eq!(info.truncation_policy, TruncationPolicy::Bytes(10_000));
    assert_eq!((info.apply_patch_tool_type, info.context_window), (None, Some(272_000)));
}

#[test]
fn settings_replace_facts_within_bounds() {
    let info = |slug: &str| ModelInfo::clone(Catalog::bundled().lookup(slug).info());
    let overrides = ModelOverrides {
        context_window: Some(900_000),
        auto_compact_token_limit: Some(10),
        tool_output_limit: Some(7),
        supports_reasoning_summaries: true,
    };
    let changed = info("gpt-5.5").with_overrides(&overrides);
    assert_eq!(changed.context_window, Some(272_000), "clamped to the catalog's bound");
    assert_eq!(changed.auto_compact_tokens(), Some(10));
    assert_eq!(changed.truncation_policy, TruncationPolicy::Tokens(7));
    assert_eq!(info("gpt-5.4").with_overrides(&overrides).context_window, Some(900_000));
    assert!(info("x").with_overrides(&overrides).supports_reasoning_summaries);
    assert_eq!(info("gpt-5.5").with_overrides(&ModelOverrides::default()), info("gpt-5.5"));
    let late = ModelOverrides { auto_compact_token_limit: Some(999_999), ..ModelOverrides::default() };
    assert_eq!(info("gpt-5.5").with_overrides(&late).auto_compact_tokens(), Some(244_800));
}

#[test]
fn tiers_are_sent_only_where_they_exist() {
    let catalog = Catalog::bundled();
    assert_eq!(catalog.lookup("gpt-5.5").info().service_tier("fast"), Some("priority"));
    assert_eq!(catalog.lookup("gpt-5.5").info().service_tier("priority"), Some("priority"));
    assert_eq!(catalog.lookup("gpt-5.5").info().service_tier("flex"), None);
    assert_eq!(catalog.lookup("gpt-5.2").info().service_tier("fast"), None);
}

#[test]
fn other_catalogs_lose_only_their_bad_entries() {
    let good = r#"{"slug":"m","display_name":"M","supported_reasoning_levels":[{"effort":"ultra"}],"shell_type":"default",
        "visibility":"list","supported_in_api":true,"priority":1,"supports_reasoning_summaries":false,
        "support_verbosity":false,"truncation_policy":{"mode":"bytes","limit":5},"supports_parallel_tool_calls":false,
        "experimental_supported_tools":[],"a_novelty":{}}"#;
    let bad = r#"{"slug":"broken","shell_type":"quantum"}"#;
    let catalog = Catalog::from_json(&format!(r#"{{"models":[{bad},{good}]}}"#)).unwrap();
    assert_eq!(catalog.models().len(), 1);
    assert_eq!(catalog.models()[0].supported_reasoning_levels[0].effort, "ultra");
    assert_eq!(catalog.models()[0].effective_context_window_percent, 95);
    assert!(matches!(Catalog::from_json(&format!(r#"{{"models":[{bad}]}}"#)), Err(CatalogError::Empty)));
    assert!(matches!(Catalog::from_json("{}"), Err(CatalogError::Json(_))));
}

#[test]
fn entries_are_written_with_the_keys_and_order_of_a_catalog() {
    let written = serde_json::to_value(&Catalog::bundled().models()[0]).unwrap();
    let keys: Vec<_> = written.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "slug",
            "display_name",
            "description",
            "default_reasoning_level",
            "supported_reasoning_levels",
            "shell_type",
            "visibility",
            "supported_in_api",
            "priority",
            "additional_speed_tiers",
            "service_tiers",
            "availability_nux",
            "upgrade",
            "supports_reasoning_summaries",
            "default_reasoning_summary",
            "support_verbosity",
            "default_verbosity",
            "apply_patch_tool_type",
            "web_search_tool_type",
            "truncation_policy",
            "supports_parallel_tool_calls",
            "supports_image_detail_original",
            "context_window",
            "max_context_window",
            "effective_context_window_percent",
            "experimental_supported_tools",
            "input_modalities",
            "supports_search_tool",
        ]
    );
    let again = serde_json::json!({"models": Catalog::bundled().models()}).to_string();
    let again = Catalog::from_json(&again).unwrap();
    // Whether there is a place for a personality is a fact of ours, which no catalog file holds.
    assert!(
        again
            .models()
            .iter()
            .zip(Catalog::bundled().models())
            .all(|(one, other)| { **one == ModelInfo { supports_personality: false, ..(**other).clone() } })
    );
}
