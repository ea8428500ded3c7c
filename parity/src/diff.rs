//! Structural comparison of two JSON values.
//!
//! In come the reference's value and ours, out comes a list of [`Difference`]s with JSON pointers. The order of
//! object keys counts. Lists of different length are aligned by the kind of their elements first, so that one
//! missing line does not make all later ones different.

use serde_json::{Map, Value, json};

/// One place where the two sides differ.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// JSON pointer; `#order` at its end means that the keys are the same in another order.
    pub(crate) pointer: String,
    /// The reference's value; `None` when only ours has something there.
    pub(crate) reference: Option<Value>,
    /// Our value; `None` when only the reference has something there.
    pub(crate) ours: Option<Value>,
}

/// Compares two values.
pub(crate) fn diff(reference: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", reference, ours, &mut found);
    found
}

fn compare(pointer: &str, reference: &Value, ours: &Value, found: &mut Vec<Difference>) {
    match (reference, ours) {
        (Value::Object(a), Value::Object(b)) => compare_objects(pointer, a, b, found),
        (Value::Array(a), Value::Array(b)) => compare_lists(pointer, a, b, found),
        _ if reference == ours => {}
        _ => found.push(Difference {
            pointer: pointer.to_owned(),
            reference: Some(reference.clone()),
            ours: Some(ours.clone()),
        }),
    }
}

fn compare_objects(
    pointer: &str,
    a: &Map<String, Value>,
    b: &Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    for (key, value) in a {
        let place = format!("{pointer}/{}", escape(key));
        match b.get(key) {
            Some(other) => compare(&place, value, other, found),
            None => found.push(Difference { pointer: place, reference: Some(value.clone()), ours: None }),
        }
    }
    for (key, value) in b {
        if !a.contains_key(key) {
            let place = format!("{pointer}/{}", escape(key));
            found.push(Difference { pointer: place, reference: None, ours: Some(value.clone()) });
        }
    }
    let shared = |from: &Map<String, Value>, other: &Map<String, Value>| -> Vec<String> {
        from.keys().filter(|key| other.contains_key(*key)).cloned().collect()
    };
    let (order_a, order_b) = (shared(a, b), shared(b, a));
    if order_a != order_b {
        found.push(Difference {
            pointer: format!("{pointer}/#order"),
            reference: Some(json!(order_a)),
            ours: Some(json!(order_b)),
        });
    }
}

fn compare_lists(pointer: &str, a: &[Value], b: &[Value], found: &mut Vec<Difference>) {
    if a.len() == b.len() {
        for (index, (left, right)) in a.iter().zip(b).enumerate() {
            compare(&format!("{pointer}/{index}"), left, right, found);
        }
        return;
    }
    for pair in align(a, b) {
        match pair {
            (Some(i), Some(j)) => compare(&format!("{pointer}/{i}"), &a[i], &b[j], found),
            (Some(i), None) => found.push(Difference {
                pointer: format!("{pointer}/{i}"),
                reference: Some(a[i].clone()),
                ours: None,
            }),
            (None, Some(j)) => found.push(Difference {
                pointer: format!("{pointer}/{j}"),
                reference: None,
                ours: Some(b[j].clone()),
            }),
            (None, None) => {}
        }
    }
}

/// Pairs of indices: a longest common subsequence of the elements' kinds, and the rest unpaired.
fn align(a: &[Value], b: &[Value]) -> Vec<(Option<usize>, Option<usize>)> {
    let (kinds_a, kinds_b): (Vec<_>, Vec<_>) = (a.iter().map(kind).collect(), b.iter().map(kind).collect());
    // longest[i][j]: the longest common subsequence of a[i..] and b[j..].
    let mut longest = vec![vec![0_usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = if kinds_a[i] == kinds_b[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && kinds_a[i] == kinds_b[j] {
            pairs.push((Some(i), Some(j)));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && longest[i + 1][j] >= longest[i][j + 1]) {
            pairs.push((Some(i), None));
            i += 1;
        } else {
            pairs.push((None, Some(j)));
            j += 1;
        }
    }
    pairs
}

/// What makes two elements the same kind of thing: their type and name, or the whole of a plain value.
fn kind(value: &Value) -> String {
    let Value::Object(map) = value else { return value.to_string() };
    let mut parts = Vec::new();
    for pointer in ["/type", "/payload/type", "/item/type", "/name", "/role", "/path", "/method"] {
        if let Some(text) = value.pointer(pointer).and_then(Value::as_str) {
            parts.push(text);
        }
    }
    if parts.is_empty() { map.keys().cloned().collect::<Vec<_>>().join(",") } else { parts.join("|") }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(a: &Value, b: &Value) -> Vec<String> {
        diff(a, b).into_iter().map(|difference| difference.pointer).collect()
    }

    #[test]
    fn equal_values_have_no_difference() {
        let value = json!({"a": [1, {"b": null}], "c": "x"});
        assert!(diff(&value, &value).is_empty());
    }

    #[test]
    fn places_are_named() {
        assert_eq!(pointers(&json!({"a": [1, 2]}), &json!({"a": [1, 3]})), ["/a/1"]);
        assert_eq!(pointers(&json!({"a/b": 1}), &json!({"c": 1})), ["/a~1b", "/c"]);
        assert_eq!(pointers(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1})), ["/#order"]);
        assert_eq!(pointers(&json!({"a": {}}), &json!({"a": []})), ["/a"]);
    }

    #[test]
    fn a_missing_element_does_not_shift_the_rest() {
        let a = json!([{"type": "x", "n": 1}, {"type": "y", "n": 2}, {"type": "z", "n": 3}]);
        let b = json!([{"type": "x", "n": 1}, {"type": "z", "n": 4}]);
        let found = diff(&a, &b);
        assert_eq!(found.iter().map(|one| one.pointer.as_str()).collect::<Vec<_>>(), ["/1", "/2/n"]);
        assert_eq!(found[0].ours, None);
        assert_eq!(pointers(&b, &a), ["/1", "/1/n"]);
    }
}
