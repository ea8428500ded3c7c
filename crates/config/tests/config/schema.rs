//! Nested keys against what the reference says: which values it refuses, in which words, where; and how clients read back
//! what was written.

use std::collections::BTreeMap;

use quire_config::ConfigError;
use serde_json::{Map, Value};

use crate::world::World;

/// A config with `@` for a value, and by kinds of value what the reference says: place and message.
type Case = (String, BTreeMap<String, Option<String>>);

/// Letter, value, and how messages call it.
const KINDS: [(char, &str, &str); 6] = [
    ('i', "3", "integer `3`"),
    ('f', "1.5", "floating point `1.5`"),
    ('s', "\"x\"", "string \"x\""),
    ('l', "[]", "sequence"),
    ('t', "{}", "map"),
    ('b', "true", "boolean `true`"),
];

/// Where our message says more than the reference's, which only names a type of its own.
fn says_more(reference: &str) -> bool {
    let vague = ["untagged enum", "elements", "1 element", "string or map", "map with a single key"];
    vague.iter().any(|words| reference.contains(words))
}

/// Where we point at the value, the reference at the table around it.
fn points_closer(config: &str) -> bool {
    let places = [
        "permissions",
        "profiles.x.features",
        "otlp-grpc.tls.foo",
        "protocol='json'
foo",
        "mcp_elicitations=true
foo",
        "exporter=\"otlp",
    ];
    places.iter().any(|place| config.contains(place))
}

#[test]
fn nested_keys_refuse_what_the_reference_refuses() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/nested-keys.json")).unwrap();
    assert_eq!(cases.len(), 649);
    let world = World::new().strict();
    let mut wrong = Vec::new();
    for (template, answers) in cases {
        for (kinds, answer) in answers {
            for kind in kinds.chars() {
                let (config, theirs) = match KINDS.iter().find(|(letter, ..)| *letter == kind) {
                    Some((_, value, called)) => {
                        (template.replace('@', value), answer.as_ref().map(|text| text.replace("{}", called)))
                    }
                    None => (template.clone(), answer.clone()),
                };
                if let Some(difference) = difference(&world, &config, theirs.as_deref()) {
                    wrong.push(difference);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Compares one config; the reference's answer is `line:column message`, or a message without a place.
fn difference(world: &World, config: &str, theirs: Option<&str>) -> Option<String> {
    std::fs::write(world.path("home/config.toml"), config).unwrap();
    let error = world.try_load().err();
    let place =
        error.as_ref().and_then(|error| error.location()).map(|at| format!("{}:{}", at.line, at.column));
    let ours = error.as_ref().map(ConfigError::message);
    let report = || Some(format!("{config:?}\n  ours {place:?} {ours:?}\n  reference {theirs:?}"));
    // A list in place of a table is read by position in the reference; never by us.
    if ours.as_ref().is_some_and(|text| text.starts_with("invalid length")) {
        return None;
    }
    let (Some(message), Some(theirs)) = (&ours, theirs) else {
        return if ours.is_none() && theirs.is_none() { None } else { report() };
    };
    let (their_place, their_message) = match theirs.split_once(' ') {
        Some((place, message)) if place.starts_with(|c: char| c.is_ascii_digit()) => (Some(place), message),
        _ => (None, theirs),
    };
    let same_words = message == their_message || says_more(their_message);
    let same_place = place.as_deref() == their_place || says_more(their_message) || points_closer(config);
    if same_words && same_place { None } else { report() }
}

/// Drops what is not set and sorts.
fn tidy(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.into_iter().map(|(key, value)| (key, tidy(value))).collect();
            Value::Object(Map::from_iter(sorted))
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(tidy).collect()),
        other => other,
    }
}

fn read_back(world: &World) -> Value {
    let text = serde_json::to_string(&*world.load().written).unwrap();
    let home = world.path("home").to_string_lossy().into_owned();
    tidy(serde_json::from_str(&world.tidy(&text.replace(&home, "@"))).unwrap())
}

#[test]
fn clients_read_every_key_as_with_the_reference() {
    let world = World::with("")
        .file("home/instr.md", "i")
        .file("home/cp.md", "c")
        .file("home/role.toml", "")
        .file("home/cat.json", "{\"models\":[{}]}")
        .env(&[("HOME", "@/home")]);
    std::fs::write(world.path("home/config.toml"), include_str!("../data/every-key.toml")).unwrap();
    let theirs: Value = serde_json::from_str(include_str!("../data/every-key.json")).unwrap();
    let ours = read_back(&world);
    for (key, value) in theirs.as_object().unwrap() {
        assert_eq!(&ours[key], value, "{key}");
    }
    assert_eq!(ours.as_object().unwrap().len(), theirs.as_object().unwrap().len());
}

#[test]
fn clients_read_bare_tables_as_with_the_reference() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../data/bare-tables.json")).unwrap();
    for case in cases {
        let config = case["config"].as_str().unwrap();
        let ours = read_back(&World::with(config));
        let mut theirs = case["read"].clone();
        for (key, value) in ours.as_object().unwrap() {
            let expected = theirs.as_object_mut().unwrap().remove(key).unwrap_or(Value::Null);
            // The app-server fills in the flags that can be set at run time.
            if key == "features" && value.is_null() {
                continue;
            }
            let text = serde_json::to_string(&tidy(expected)).unwrap().replace("@cwd", "@/w");
            assert_eq!(serde_json::to_string(value).unwrap(), text, "{key} of {config}");
        }
        assert_eq!(theirs, Value::Object(Map::new()), "{config}");
    }
}
