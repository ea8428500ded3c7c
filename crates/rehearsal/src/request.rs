//! What the server was asked: one [`RecordedRequest`] per HTTP request, kept for assertions.
//!
//! Headers keep the order in which they arrived; repeated names appear once per value, next to the first.

use bytes::Bytes;
use serde_json::Value;

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// `POST`, `GET`, …
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Query string without the question mark.
    pub query: Option<String>,
    /// Header names in lower case with their values, in order of arrival. Bytes that are no UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body as it arrived (still compressed if the client compressed it).
    pub body: Bytes,
}

impl RecordedRequest {
    /// The first value of a header; the name is compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Value::Null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The `output` of the tool result with this call id, if the request's `input` carries one.
    pub fn output_of(&self, call_id: &str) -> Option<Value> {
        output_of(&self.json(), call_id).cloned()
    }

    /// Whether this is a sampling request (`POST …/responses`).
    pub fn is_sampling(&self) -> bool {
        self.method == "POST" && self.path.ends_with("/responses")
    }
}

/// Finds the tool result of `call_id` in a request body.
pub(crate) fn output_of<'a>(body: &'a Value, call_id: &str) -> Option<&'a Value> {
    body.get("input")?.as_array()?.iter().find_map(|item| {
        let kind = item.get("type")?.as_str()?;
        let ours = kind.ends_with("_output") && item.get("call_id")?.as_str()? == call_id;
        ours.then(|| item.get("output")).flatten()
    })
}
