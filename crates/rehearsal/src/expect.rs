//! Expectations of a script on the request it answers.
//!
//! In come the request and an [`Expectation`], out comes `Ok` or a sentence that names the place, what was
//! expected and what was there. Pointers are JSON pointers with one extension: a negative index counts from
//! the end of a list (`/input/-1` is the last item).

use serde_json::Value;

use crate::parse::{At, Mismatch, describe};
use crate::request::{RecordedRequest, output_of};

/// Which part of the request is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A place in the JSON body.
    Pointer(String),
    /// A request header.
    Header(String),
    /// The output of the tool call with this id.
    OutputOf(String),
}

/// What must be true of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It is there and equal to this value.
    Equals(Value),
    /// It is there and its text (strings as they are, anything else as compact JSON) contains this.
    Contains(String),
    /// It is there (`false`) or is not there (`true`).
    Absent(bool),
}

/// One assertion on a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Where to look.
    pub subject: Subject,
    /// What to find there.
    pub test: Test,
}

impl Expectation {
    pub(crate) fn parse(at: &At<'_>) -> Result<Self, Mismatch> {
        at.only(&["pointer", "header", "output_of", "equals", "contains", "absent"])?;
        let subject = match (at.get("pointer")?, at.get("header")?, at.get("output_of")?) {
            (Some(pointer), None, None) => Subject::Pointer(pointer_text(&pointer)?),
            (None, Some(header), None) => Subject::Header(header.string()?.to_ascii_lowercase()),
            (None, None, Some(call)) => Subject::OutputOf(call.string()?.to_owned()),
            _ => return Err(at.mismatch("exactly one of `pointer`, `header`, `output_of`")),
        };
        let test = match (at.get("equals")?, at.get("contains")?, at.get("absent")?) {
            (Some(value), None, None) => Test::Equals(value.value.clone()),
            (None, Some(text), None) => Test::Contains(text.string()?.to_owned()),
            (None, None, Some(flag)) => Test::Absent(flag.boolean()?),
            _ => return Err(at.mismatch("exactly one of `equals`, `contains`, `absent`")),
        };
        Ok(Self { subject, test })
    }

    /// Checks one request; the error is a sentence for people.
    pub fn check(&self, request: &RecordedRequest) -> Result<(), String> {
        let body = request.json();
        let found = match &self.subject {
            Subject::Pointer(pointer) => resolve(&body, pointer).cloned(),
            Subject::Header(name) => request.header(name).map(|value| Value::String(value.to_owned())),
            Subject::OutputOf(call_id) => output_of(&body, call_id).cloned(),
        };
        let place = match &self.subject {
            Subject::Pointer(pointer) => format!("pointer {pointer}"),
            Subject::Header(name) => format!("header {name}"),
            Subject::OutputOf(call_id) => format!("output of call {call_id}"),
        };
        match (&self.test, found) {
            (Test::Absent(true), None) | (Test::Absent(false), Some(_)) => Ok(()),
            (Test::Absent(true), Some(value)) => {
                Err(format!("{place}: expected nothing there, found {}", describe(&value)))
            }
            (Test::Equals(wanted), Some(value)) if *wanted == value => Ok(()),
            (Test::Equals(wanted), Some(value)) => {
                Err(format!("{place}: expected {}, found {}", describe(wanted), describe(&value)))
            }
            (Test::Contains(part), Some(value)) if text_of(&value).contains(part) => Ok(()),
            (Test::Contains(part), Some(value)) => {
                Err(format!("{place}: expected a text containing {part:?}, found {}", describe(&value)))
            }
            (_, None) => Err(format!("{place}: is not in the request")),
        }
    }
}

/// Takes a piece of the request as a placeholder for this turn and the later ones.
///
/// Meant for values that the client makes up and the model must repeat, such as the id of a running command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Name of the placeholder.
    pub name: String,
    /// Tool call whose output is searched.
    pub output_of: String,
    /// The text just before the wanted word; the word ends at the next blank.
    pub after: String,
}

impl Capture {
    pub(crate) fn parse(at: &At<'_>) -> Result<Self, Mismatch> {
        at.only(&["name", "output_of", "after"])?;
        Ok(Self {
            name: at.need("name")?.string()?.to_owned(),
            output_of: at.need("output_of")?.string()?.to_owned(),
            after: at.need("after")?.string()?.to_owned(),
        })
    }

    /// The captured word, or a sentence saying why there is none.
    pub fn take(&self, request: &RecordedRequest) -> Result<String, String> {
        let Self { name, output_of: call_id, after } = self;
        let body = request.json();
        let output = output_of(&body, call_id).map(text_of);
        let Some(output) = output else {
            return Err(format!("capture {name}: output of call {call_id} is not in the request"));
        };
        let word = output.split_once(after.as_str()).and_then(|(_, rest)| rest.split_whitespace().next());
        word.map(str::to_owned)
            .ok_or_else(|| format!("capture {name}: no word after {after:?} in the output of call {call_id}"))
    }
}

fn pointer_text(at: &At<'_>) -> Result<String, Mismatch> {
    let text = at.string()?;
    if text.is_empty() || text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(at.mismatch("a JSON pointer (starts with `/`)"))
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// JSON pointer look-up in which negative list indices count from the end.
fn resolve<'a>(root: &'a Value, pointer: &str) -> Option<&'a Value> {
    if pointer.is_empty() {
        return Some(root);
    }
    pointer.split('/').skip(1).try_fold(root, |value, token| match value {
        Value::Object(map) => map.get(&token.replace("~1", "/").replace("~0", "~")),
        Value::Array(items) => match token.strip_prefix('-') {
            Some(back) => items.len().checked_sub(back.parse().ok()?).and_then(|index| items.get(index)),
            None => items.get(token.parse::<usize>().ok()?),
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn request(body: &Value) -> RecordedRequest {
        RecordedRequest {
            method: "POST".into(),
            path: "/v1/responses".into(),
            query: None,
            headers: vec![("session-id".into(), "s1".into())],
            body: Bytes::from(body.to_string()),
        }
    }

    fn check(expectation: &Value, body: &Value) -> Result<(), String> {
        Expectation::parse(&At::new(expectation, "expect[0]"))
            .map_err(|mismatch| format!("script: {}: expected {}", mismatch.place, mismatch.expected))?
            .check(&request(body))
    }

    #[test]
    fn looks_at_pointers_headers_and_outputs() {
        let body = json!({"a": [1, {"b/c": "x"}], "input": [
            {"type": "function_call", "call_id": "c1"},
            {"type": "function_call_output", "call_id": "c1", "output": "hello there"}]});
        assert_eq!(check(&json!({"pointer": "/a/-1/b~1c", "equals": "x"}), &body), Ok(()));
        assert_eq!(check(&json!({"pointer": "/a/-3", "absent": true}), &body), Ok(()));
        assert_eq!(check(&json!({"header": "Session-Id", "equals": "s1"}), &body), Ok(()));
        assert_eq!(check(&json!({"output_of": "c1", "contains": "lo th"}), &body), Ok(()));
        assert_eq!(
            check(&json!({"pointer": "/a/0", "equals": 2}), &body),
            Err("pointer /a/0: expected 2, found 1".into())
        );
        assert_eq!(
            check(&json!({"output_of": "c2", "contains": "x"}), &body),
            Err("output of call c2: is not in the request".into())
        );
        assert!(check(&json!({"header": "session-id", "absent": true}), &body).is_err());
    }

    #[test]
    fn captures_a_word_of_an_output() {
        let output =
            json!({"type": "function_call_output", "call_id": "c1", "output": "session ID 77\nOutput:"});
        let request = request(&json!({"input": [output]}));
        let capture = |call: &str, after: &str| {
            let value = json!({"name": "sid", "output_of": call, "after": after});
            Capture::parse(&At::new(&value, "capture[0]")).unwrap().take(&request)
        };
        assert_eq!(capture("c1", "session ID ").as_deref(), Ok("77"));
        assert!(capture("c1", "Output:").unwrap_err().contains("no word after"));
        assert!(capture("c2", "x").unwrap_err().contains("is not in the request"));
    }

    #[test]
    fn refuses_unclear_expectations() {
        let body = json!({});
        for bad in [
            json!({"pointer": "a", "equals": 1}),
            json!({"pointer": "/a"}),
            json!({"pointer": "/a", "header": "b", "equals": 1}),
            json!({"pointer": "/a", "equal": 1}),
        ] {
            assert!(check(&bad, &body).unwrap_err().starts_with("script: expect[0]"), "{bad}");
        }
    }
}
