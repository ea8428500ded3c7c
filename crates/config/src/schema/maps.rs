//! Tables whose keys are the user's, read by hand for the sake of two things derives do not give: an error that names the
//! table (`expected struct FeaturesToml`) and one that points at the entry, not at the table around it.

/// Reads `$name(BTreeMap<String, $value>)` under a name for messages.
macro_rules! named_map {
    ($name:ident, $shown:literal, $value:ty) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Entries;
                impl<'de> serde::de::Visitor<'de> for Entries {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("struct ", $shown))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut entries = std::collections::BTreeMap::new();
                        while let Some((key, value)) = map.next_entry::<String, $value>()? {
                            entries.insert(key, value);
                        }
                        Ok($name(entries))
                    }
                }
                deserializer.deserialize_struct($shown, &[], Entries)
            }
        }
    };
}

pub(crate) use named_map;
