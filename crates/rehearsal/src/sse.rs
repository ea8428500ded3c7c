//! Server-sent events on the wire: from event values to bytes.
//!
//! One event becomes `event: TYPE`, `data: JSON` and an empty line. Clients of this protocol read only the
//! data lines, so that the `event:` line is a courtesy that torture scripts may leave out with a `wire` step.

use bytes::Bytes;
use serde_json::Value;

use crate::script::Delivery;

/// The wire form of one event.
pub(crate) fn encode(event: &Value, delivery: &Delivery) -> String {
    let end = if delivery.crlf { "\r\n" } else { "\n" };
    let data = event.to_string();
    match event.get("type").and_then(Value::as_str) {
        Some(kind) if !kind.contains(['\r', '\n']) => format!("event: {kind}{end}data: {data}{end}{end}"),
        _ => format!("data: {data}{end}{end}"),
    }
}

/// Cuts `bytes` into the pieces that are sent one by one; one piece when no size is asked for.
pub(crate) fn split(bytes: Bytes, delivery: &Delivery) -> Vec<Bytes> {
    let Some(size) = delivery.chunk_bytes else { return vec![bytes] };
    (0..bytes.len()).step_by(size.get()).map(|at| bytes.slice(at..bytes.len().min(at + size.get()))).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A reader by the book of the event-stream format, written independently of the writer.
    fn decode(wire: &str) -> Vec<(Option<String>, String)> {
        let mut events = Vec::new();
        let (mut name, mut data) = (None, Vec::new());
        for line in wire.replace("\r\n", "\n").split('\n') {
            if let Some(value) = line.strip_prefix("data:") {
                data.push(value.strip_prefix(' ').unwrap_or(value).to_owned());
            } else if let Some(value) = line.strip_prefix("event:") {
                name = Some(value.strip_prefix(' ').unwrap_or(value).to_owned());
            } else if line.is_empty() && !data.is_empty() {
                events.push((name.take(), std::mem::take(&mut data).join("\n")));
            }
        }
        events
    }

    proptest! {
        #[test]
        fn what_is_encoded_and_split_reads_back(
            texts in proptest::collection::vec((any::<String>(), any::<String>()), 1..6),
            crlf in any::<bool>(),
            size in 1_usize..40,
        ) {
            let delivery = Delivery { crlf, chunk_bytes: NonZeroUsize::new(size), ..Delivery::default() };
            let events: Vec<Value> =
                texts.iter().map(|(kind, text)| json!({"type": kind, "delta": text})).collect();
            let wire: String = events.iter().map(|event| encode(event, &delivery)).collect();
            let pieces = split(Bytes::from(wire.clone()), &delivery);
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= size));
            let joined = String::from_utf8(pieces.concat()).unwrap();
            prop_assert_eq!(&joined, &wire);
            let read: Vec<Value> =
                decode(&joined).iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect();
            prop_assert_eq!(read, events);
        }
    }

    #[test]
    fn events_carry_their_type_as_name() {
        let wire = encode(&json!({"type": "response.created"}), &Delivery::default());
        assert_eq!(wire, "event: response.created\ndata: {\"type\":\"response.created\"}\n\n");
        let odd = encode(&json!({"type": "a\nb"}), &Delivery::default());
        assert_eq!(odd, "data: {\"type\":\"a\\nb\"}\n\n");
    }
}
