//! Rate limits in answer headers (model-api sheet §10).
//!
//! A provider describes any number of buckets: `x-codex-primary-used-percent` belongs to the bucket `codex`,
//! `x-codex-other-primary-used-percent` to `codex_other`. What a newcomer would get wrong: an answer without any such
//! header still makes one snapshot, an empty one for `codex`; listeners expect it with every answer.

use std::sync::{Mutex, PoisonError};

use quire_protocol::{Credits, RateLimitSnapshot, RateLimitWindow};
use reqwest::header::HeaderMap;

/// The usual bucket.
pub(crate) const DEFAULT_LIMIT: &str = "codex";
/// More buckets than this are not read from one answer.
const MAX_BUCKETS: usize = 16;
/// Endings of header names by which a bucket is noticed.
const MARKS: [&str; 3] = ["-primary-used-percent", "-secondary-used-percent", "-limit-name"];
/// The kinds of exhausted limits that programs know.
const REACHED_TYPES: [&str; 5] = [
    "rate_limit_reached",
    "workspace_owner_credits_depleted",
    "workspace_member_credits_depleted",
    "workspace_owner_usage_limit_reached",
    "workspace_member_usage_limit_reached",
];

/// All buckets of an answer: `codex` first, then the others in the order of their headers.
pub(crate) fn all(headers: &HeaderMap) -> Vec<RateLimitSnapshot> {
    let mut buckets = vec![DEFAULT_LIMIT];
    for name in headers.keys().filter_map(|name| bucket_of(name.as_str())) {
        if !buckets.contains(&name) && buckets.len() < MAX_BUCKETS {
            buckets.push(name);
        }
    }
    buckets.into_iter().map(|bucket| snapshot(headers, bucket)).collect()
}

/// The bucket that `x-codex-active-limit` names, or the usual one.
pub(crate) fn active(headers: &HeaderMap) -> RateLimitSnapshot {
    let name = text(headers, "x-codex-active-limit").map(|name| name.to_ascii_lowercase().replace('_', "-"));
    snapshot(headers, name.as_deref().unwrap_or(DEFAULT_LIMIT))
}

/// The bucket, with dashes as in header names.
fn bucket_of(header: &str) -> Option<&str> {
    let rest = header.strip_prefix("x-")?;
    let bucket = MARKS.iter().find_map(|mark| rest.strip_suffix(mark))?;
    bucket.starts_with(DEFAULT_LIMIT).then_some(bucket)
}

fn snapshot(headers: &HeaderMap, bucket: &str) -> RateLimitSnapshot {
    let reached = text(headers, "x-codex-rate-limit-reached-type");
    RateLimitSnapshot {
        limit_id: Some(bucket.replace('-', "_")),
        limit_name: text(headers, &format!("x-{bucket}-limit-name")).map(str::to_owned),
        primary: window(headers, bucket, "primary"),
        secondary: window(headers, bucket, "secondary"),
        credits: credits(headers),
        plan_type: None,
        rate_limit_reached_type: reached.filter(|kind| REACHED_TYPES.contains(kind)).map(str::to_owned),
    }
}

/// A window that tells nothing but "0 % used" is not there.
fn window(headers: &HeaderMap, bucket: &str, which: &str) -> Option<RateLimitWindow> {
    let field = |name: &str| text(headers, &format!("x-{bucket}-{which}-{name}"));
    let used_percent: f64 =
        field("used-percent")?.parse().ok().filter(|percent: &f64| percent.is_finite())?;
    let window_minutes = field("window-minutes").and_then(|value| value.parse().ok());
    let resets_at = field("reset-at").and_then(|value| value.parse().ok());
    let telling = used_percent != 0.0 || window_minutes.is_some() || resets_at.is_some();
    telling.then_some(RateLimitWindow { used_percent, window_minutes, resets_at })
}

fn credits(headers: &HeaderMap) -> Option<Credits> {
    let flag = |name: &str| match text(headers, name)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    };
    Some(Credits {
        has_credits: flag("x-codex-credits-has-credits")?,
        unlimited: flag("x-codex-credits-unlimited")?,
        balance: text(headers, "x-codex-credits-balance").map(str::to_owned),
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

/// Remembers what later answers leave out.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    credits: Option<Credits>,
    plan_type: Option<String>,
}

impl Memory {
    /// The snapshot with missing credits and plan taken from the one before.
    pub(crate) fn complete(&self, mut snapshot: RateLimitSnapshot) -> RateLimitSnapshot {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &snapshot.credits {
            Some(credits) => memory.credits = Some(credits.clone()),
            None => snapshot.credits.clone_from(&memory.credits),
        }
        match &snapshot.plan_type {
            Some(plan) => memory.plan_type = Some(plan.clone()),
            None => snapshot.plan_type.clone_from(&memory.plan_type),
        }
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn no_headers_make_one_empty_snapshot() {
        assert_eq!(all(&HeaderMap::new()), [RateLimitSnapshot::default()]);
    }

    #[test]
    fn buckets_windows_and_credits() {
        let found = all(&headers(&[
            ("x-codex-other-primary-used-percent", "7"),
            ("x-codex-other-limit-name", "Other"),
            ("x-codex-primary-used-percent", "12.5"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-at", "1795200000"),
            ("x-codex-credits-has-credits", "true"),
            ("x-codex-credits-unlimited", "False"),
            ("x-codex-credits-balance", "12.50"),
            ("x-codex-rate-limit-reached-type", "novelty"),
            ("x-foreign-primary-used-percent", "9"),
        ]));
        let credits = Some(Credits { has_credits: true, unlimited: false, balance: Some("12.50".into()) });
        let usual = RateLimitSnapshot {
            primary: Some(RateLimitWindow {
                used_percent: 12.5,
                window_minutes: Some(300),
                resets_at: Some(1_795_200_000),
            }),
            credits: credits.clone(),
            ..RateLimitSnapshot::default()
        };
        let other = RateLimitSnapshot {
            limit_id: Some("codex_other".into()),
            limit_name: Some("Other".into()),
            primary: Some(RateLimitWindow { used_percent: 7.0, window_minutes: None, resets_at: None }),
            credits,
            ..RateLimitSnapshot::default()
        };
        assert_eq!(found, [usual, other]);
    }

    #[test]
    fn windows_need_something_to_tell() {
        let shown = |pairs| all(&headers(pairs))[0].primary.clone();
        assert_eq!(shown(&[("x-codex-primary-used-percent", "0")]), None);
        assert_eq!(
            shown(&[("x-codex-primary-used-percent", "abc"), ("x-codex-primary-window-minutes", "3")]),
            None
        );
        assert_eq!(shown(&[("x-codex-primary-used-percent", "NaN")]), None);
        assert!(shown(&[("x-codex-primary-used-percent", "0"), ("x-codex-primary-reset-at", "0")]).is_some());
    }

    #[test]
    fn the_active_bucket_is_found_by_either_spelling() {
        for spelling in ["codex_other", "codex-other"] {
            let found =
                active(&headers(&[("x-codex-active-limit", spelling), ("x-codex-other-limit-name", "NAME")]));
            assert_eq!(found.limit_id.as_deref(), Some("codex_other"));
            assert_eq!(found.limit_name.as_deref(), Some("NAME"));
        }
        assert_eq!(active(&HeaderMap::new()), RateLimitSnapshot::default());
    }

    #[test]
    fn credits_and_plan_are_carried_over() {
        let memory = Memory::default();
        let credits = Some(Credits { has_credits: true, unlimited: true, balance: None });
        let full = RateLimitSnapshot {
            credits: credits.clone(),
            plan_type: Some("plus".into()),
            ..RateLimitSnapshot::default()
        };
        assert_eq!(memory.complete(full.clone()), full);
        assert_eq!(memory.complete(RateLimitSnapshot::default()), full);
        let newer = Some(Credits { has_credits: false, unlimited: false, balance: None });
        let update = RateLimitSnapshot { credits: newer.clone(), ..RateLimitSnapshot::default() };
        assert_eq!(memory.complete(update).credits, newer);
        assert_eq!(memory.complete(RateLimitSnapshot::default()).credits, newer);
    }
}
