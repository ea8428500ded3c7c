//! Where a value sits in a config file: `model_providers.p.name`, `skills.config.0.path`.
//!
//! In come the paths that serde's path tracker and unknown-key tracker report; out goes one value that can be shown,
//! compared and looked up in a file. What a newcomer would get wrong: a type error names only the *keys* on the way
//! ([`KeyPath::keys_only`]), while an unknown key inside a list names the index too.

use std::fmt;

/// One step of a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A key of a table.
    Key(String),
    /// An element of an array, counted from 0.
    Index(usize),
    /// A key that chooses among forms of a value (`granular` in `approval_policy.granular`). It helps to find the place, but
    /// is not shown: the reference names the value alone.
    Variant(String),
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) | Self::Variant(key) => f.write_str(key),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// A place in a config table. Shown with dots and without quoting, as the reference does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath(Vec<Segment>);

impl KeyPath {
    /// The root table.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// A path made of keys alone.
    pub fn of<S: Into<String>>(keys: impl IntoIterator<Item = S>) -> Self {
        Self(keys.into_iter().map(|key| Segment::Key(key.into())).collect())
    }

    /// This path and one more key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.join(Segment::Key(key.to_owned()))
    }

    /// This path and one more index.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.join(Segment::Index(index))
    }

    fn join(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// The steps, outermost first.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    fn shown(&self) -> impl Iterator<Item = &Segment> {
        self.0.iter().filter(|segment| !matches!(segment, Segment::Variant(_)))
    }

    /// The path without its indices.
    #[must_use]
    pub fn keys_only(&self) -> Self {
        Self(self.0.iter().filter(|segment| matches!(segment, Segment::Key(_))).cloned().collect())
    }

    /// Whether the path is below (or at) a table named by dotted keys. `*` stands for any key.
    pub fn is_within(&self, pattern: &str) -> bool {
        let mut segments = self.shown();
        pattern.split('.').all(|wanted| match segments.next() {
            Some(Segment::Key(key)) => wanted == "*" || wanted == key,
            Some(Segment::Index(_)) => wanted == "*",
            Some(Segment::Variant(_)) | None => false,
        })
    }

    /// The path of serde's error tracker.
    pub(crate) fn from_error(path: &serde_path_to_error::Path) -> Self {
        Self(
            path.iter()
                .filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Map { key } => Some(Segment::Key(key.clone())),
                    serde_path_to_error::Segment::Seq { index } => Some(Segment::Index(*index)),
                    serde_path_to_error::Segment::Enum { variant } => Some(Segment::Variant(variant.clone())),
                    serde_path_to_error::Segment::Unknown => None,
                })
                .collect(),
        )
    }

    /// The path of serde's unknown-key tracker.
    pub(crate) fn from_ignored(path: &serde_ignored::Path<'_>) -> Self {
        use serde_ignored::Path;
        match path {
            Path::Root => Self::root(),
            Path::Map { parent, key } => Self::from_ignored(parent).key(key),
            Path::Seq { parent, index } => Self::from_ignored(parent).index(*index),
            Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
                Self::from_ignored(parent)
            }
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.shown().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            segment.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_dots_and_drops_indices_on_demand() {
        let path = KeyPath::of(["skills", "config"]).index(2).key("path");
        assert_eq!(path.to_string(), "skills.config.2.path");
        assert_eq!(path.keys_only().to_string(), "skills.config.path");
    }

    #[test]
    fn a_pattern_covers_everything_below_it() {
        let path = KeyPath::of(["apps", "mail", "tools"]);
        assert!(path.is_within("apps"));
        assert!(path.is_within("apps.*"));
        assert!(!path.is_within("apps.cal"));
        assert!(!path.is_within("apps.mail.tools.x"));
    }
}
