//! From the bytes of a line to a [`RolloutItem`], doing as little as possible for lines nobody asked for.
//!
//! In: one line. Out: a glance (what kind is it, without parsing) or the parsed item. Every line stands alone: what is
//! broken or unknown is skipped and never spoils its neighbours (rollout sheet §7).
//!
//! A newcomer's trap: a glance proves nothing. It may only be used to *dismiss* a line, never to believe it.

use std::borrow::Cow;

use quire_protocol::{Compacted, ResponseItem, RolloutEvent, RolloutItem, SessionMeta, TurnContext};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a line seems to be, judged by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Glance<'a> {
    /// The envelope's `type`.
    pub(crate) kind: &'a [u8],
    /// The payload's `type`, when it is the payload's first key.
    pub(crate) payload: Option<&'a [u8]>,
    /// The payload's `role`, when it is the second key.
    pub(crate) role: Option<&'a [u8]>,
}

impl<'a> Glance<'a> {
    /// Looks at a line written in the usual key order; `None` for any other.
    pub(crate) fn at(line: &'a [u8]) -> Option<Self> {
        let rest = line.strip_prefix(b"{\"timestamp\":\"")?;
        let (_, rest) = simple_string(rest)?;
        let (kind, rest) = simple_string(rest.strip_prefix(b",\"type\":\"")?)?;
        let rest = rest.strip_prefix(b",\"payload\":{")?;
        let mut glance = Self { kind, payload: None, role: None };
        if let Some((payload, rest)) = rest.strip_prefix(b"\"type\":\"").and_then(simple_string) {
            glance.payload = Some(payload);
            glance.role = rest.strip_prefix(b",\"role\":\"").and_then(simple_string).map(|(role, _)| role);
        }
        Some(glance)
    }
}

/// A short string without escapes, up to its closing quote.
fn simple_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().take(64).position(|byte| matches!(byte, b'"' | b'\\'))?;
    (bytes[end] == b'"').then(|| (&bytes[..end], &bytes[end + 1..]))
}

/// Why a line gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// A kind of line, event or item that this version does not know. Normal in files of other versions.
    Unknown,
    /// Not a rollout line: cut short, garbage, or a required key missing.
    Broken,
    /// Not UTF-8.
    NotUtf8,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    /// Any text will do as a time, but it must be there (rollout sheet §7).
    #[serde(borrow, rename = "timestamp")]
    _timestamp: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
}

/// Parses a line. Kinds that are known but of no meaning to this version come back as [`Skipped::Unknown`].
pub(crate) fn parse(line: &[u8]) -> Result<RolloutItem, Skipped> {
    let text = std::str::from_utf8(line).map_err(|_| Skipped::NotUtf8)?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| Skipped::Broken)?;
    let payload = envelope.payload;
    match envelope.kind.as_ref() {
        "session_meta" => typed::<SessionMeta>(payload).map(RolloutItem::SessionMeta),
        "response_item" => match typed::<ResponseItem>(payload)? {
            ResponseItem::Other => Err(Skipped::Unknown),
            item => Ok(RolloutItem::ResponseItem(item)),
        },
        "compacted" => typed::<Compacted>(payload).map(RolloutItem::Compacted),
        "turn_context" => typed::<TurnContext>(payload).map(RolloutItem::TurnContext),
        "event_msg" => match typed::<RolloutEvent>(payload)? {
            RolloutEvent::Other => Err(Skipped::Unknown),
            event => Ok(RolloutItem::EventMsg(event)),
        },
        _ => Err(Skipped::Unknown),
    }
}

fn typed<'a, T: Deserialize<'a>>(payload: &'a RawValue) -> Result<T, Skipped> {
    serde_json::from_str(payload.get()).map_err(|_| Skipped::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_sees_the_usual_order_only() {
        let line = br#"{"timestamp":"t","type":"response_item","payload":{"type":"message","role":"user","content":[]}}"#;
        assert_eq!(
            Glance::at(line),
            Some(Glance { kind: b"response_item", payload: Some(b"message"), role: Some(b"user") })
        );
        let meta = br#"{"timestamp":"t","type":"session_meta","payload":{"id":"x"}}"#;
        assert_eq!(Glance::at(meta), Some(Glance { kind: b"session_meta", payload: None, role: None }));
        for other in [
            br#"{"type":"response_item","timestamp":"t","payload":{}}"#.as_slice(),
            br#"{"timestamp":"t","ordinal":1,"type":"response_item","payload":{}}"#,
            br#"{"timestamp":"t","type":"resp\u006fnse_item","payload":{}}"#,
            br#"{"timestamp":"t","type":"response_item"#,
            b"garbage",
            b"",
        ] {
            assert_eq!(Glance::at(other), None, "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn each_line_is_judged_alone() {
        let ok = r#"{"timestamp":"t","type":"event_msg","payload":{"type":"context_compacted"}}"#;
        assert!(parse(ok.as_bytes()).is_ok());
        // Other key orders, extra keys and any text as time are fine.
        assert!(
            parse(br#"{"x":1,"payload":{"type":"context_compacted"},"type":"event_msg","timestamp":""}"#)
                .is_ok()
        );
        for (line, why) in [
            (r#"{"timestamp":"t","type":"world_state","payload":{}}"#, Skipped::Unknown),
            (r#"{"timestamp":"t","type":"event_msg","payload":{"type":"new"}}"#, Skipped::Unknown),
            (
                r#"{"timestamp":"t","type":"response_item","payload":{"type":"ghost_snapshot"}}"#,
                Skipped::Unknown,
            ),
            (r#"{"type":"event_msg","payload":{"type":"context_compacted"}}"#, Skipped::Broken),
            (r#"{"timestamp":3,"type":"event_msg","payload":{"type":"context_compacted"}}"#, Skipped::Broken),
            (r#"{"timestamp":"t","type":"event_msg","payload":{"type":"con"#, Skipped::Broken),
            ("\0\0", Skipped::Broken),
        ] {
            assert_eq!(parse(line.as_bytes()), Err(why), "{line}");
        }
        assert_eq!(parse(b"\xff"), Err(Skipped::NotUtf8));
    }
}
