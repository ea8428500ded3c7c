//! What to say when an account's limit is used up (model-api sheet §7).
//!
//! Programs match on the beginning, `You've hit your usage limit`, and on the end, `try again at …` or
//! `try again later.`; the advice between them is ours. What a newcomer would get wrong: the time comes from the body
//! alone. The headers describe all limits, the one that was hit among them, but not which window counts.

use jiff::{Timestamp, Zoned};
use quire_protocol::RateLimitSnapshot;

use crate::error::UsageLimit;
use crate::rate_limits::DEFAULT_LIMIT;

const PLUS_URL: &str = "https://chatgpt.com/explore/plus";
const CREDITS_URL: &str = "https://chatgpt.com/codex/settings/usage";

/// What the provider told about a limit that was hit.
pub(crate) struct Facts<'a> {
    /// The account's plan.
    pub(crate) plan: Option<&'a str>,
    /// Unix seconds at which the limit starts anew.
    pub(crate) resets_at: Option<i64>,
    /// Advice in the provider's own words.
    pub(crate) promo: Option<&'a str>,
    /// The limit that was hit.
    pub(crate) rate_limits: RateLimitSnapshot,
    /// The present, in the user's time zone.
    pub(crate) now: &'a Zoned,
}

/// The error that tells the user.
pub(crate) fn describe(facts: Facts<'_>) -> UsageLimit {
    let when = facts.resets_at.and_then(|at| wall_time(at, facts.now));
    let opening = match other_limit(&facts.rate_limits) {
        Some(name) => format!("You've hit your usage limit for {name}."),
        None => "You've hit your usage limit.".to_owned(),
    };
    let closing = when.map_or_else(|| "try again later.".to_owned(), |time| format!("try again at {time}."));
    let message = match advice(&facts) {
        Some(advice) => format!("{opening} {advice}, or {closing}"),
        None => format!("{opening} T{}", closing.strip_prefix('t').unwrap_or(&closing)),
    };
    UsageLimit { message, resets_at: facts.resets_at, rate_limits: facts.rate_limits }
}

/// The name of the limit, if it is not the usual one.
fn other_limit(limits: &RateLimitSnapshot) -> Option<&str> {
    let usual = limits.limit_id.as_deref().is_none_or(|id| id == DEFAULT_LIMIT);
    if usual { None } else { limits.limit_name.as_deref() }
}

fn advice(facts: &Facts<'_>) -> Option<String> {
    if let Some(advice) = facts.rate_limits.rate_limit_reached_type.as_deref().and_then(workspace_advice) {
        return Some(advice.to_owned());
    }
    if other_limit(&facts.rate_limits).is_some() {
        return Some("Work with another model".to_owned());
    }
    if let Some(promo) = facts.promo {
        return Some(promo.trim_end_matches('.').to_owned());
    }
    match facts.plan? {
        "free" | "go" => Some(format!("Upgrade to Plus for more ({PLUS_URL})")),
        "plus" => Some(format!("Upgrade to Pro or buy credits ({CREDITS_URL})")),
        "pro" | "prolite" => Some(format!("Buy credits ({CREDITS_URL})")),
        "team" | "business" | "self_serve_business_usage_based" | "enterprise_cbp_usage_based" => {
            Some("Ask an admin of your workspace for more".to_owned())
        }
        _ => None,
    }
}

fn workspace_advice(reached: &str) -> Option<&'static str> {
    Some(match reached {
        "workspace_owner_credits_depleted" => "Your workspace has no credits left: add some",
        "workspace_member_credits_depleted" => {
            "Your workspace has no credits left: ask its owner to add some"
        }
        "workspace_owner_usage_limit_reached" => {
            "Your workspace reached its limit: raise it in the workspace settings"
        }
        "workspace_member_usage_limit_reached" => {
            "Your workspace reached its limit: ask its owner to raise it"
        }
        _ => return None,
    })
}

/// `6:40 PM` for today, else `Nov 25th, 2026 6:40 PM`.
fn wall_time(unix_seconds: i64, now: &Zoned) -> Option<String> {
    let at = Timestamp::from_second(unix_seconds).ok()?.to_zoned(now.time_zone().clone());
    let clock = at.strftime("%-I:%M %p");
    if at.date() == now.date() {
        return Some(clock.to_string());
    }
    let ordinal = match at.day() {
        11..=13 => "th",
        day => match day % 10 {
            1 => "st",
            2 => "nd",
            3 => "rd",
            _ => "th",
        },
    };
    Some(format!("{}{ordinal}, {} {clock}", at.strftime("%b %-d"), at.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Zoned {
        "2026-11-20T10:00:00[UTC]".parse().unwrap()
    }

    fn unix(time: &str) -> Option<i64> {
        Some(time.parse::<Timestamp>().unwrap().as_second())
    }

    fn message(
        plan: Option<&str>,
        resets_at: Option<i64>,
        promo: Option<&str>,
        limits: RateLimitSnapshot,
    ) -> String {
        describe(Facts { plan, resets_at, promo, rate_limits: limits, now: &now() }).message
    }

    fn plain(plan: &str, resets_at: Option<i64>) -> String {
        message(Some(plan), resets_at, None, RateLimitSnapshot::default())
    }

    #[test]
    fn times_are_short_today_and_long_otherwise() {
        for (time, shown) in [
            ("2026-11-20T18:40:00Z", "6:40 PM"),
            ("2026-11-20T00:05:00Z", "12:05 AM"),
            ("2026-11-25T18:40:00Z", "Nov 25th, 2026 6:40 PM"),
            ("2026-12-01T09:00:00Z", "Dec 1st, 2026 9:00 AM"),
            ("2026-12-02T12:00:00Z", "Dec 2nd, 2026 12:00 PM"),
            ("2027-01-23T12:00:00Z", "Jan 23rd, 2027 12:00 PM"),
            ("2027-01-12T12:00:00Z", "Jan 12th, 2027 12:00 PM"),
        ] {
            assert_eq!(
                plain("edu", unix(time)),
                format!("You've hit your usage limit. Try again at {shown}.")
            );
        }
        assert_eq!(plain("edu", None), "You've hit your usage limit. Try again later.");
        assert_eq!(plain("edu", Some(i64::MAX)), "You've hit your usage limit. Try again later.");
    }

    #[test]
    fn the_day_is_the_users() {
        let now: Zoned = "2026-11-20T23:00:00[America/New_York]".parse().unwrap();
        // Already the 21st in UTC.
        let text = wall_time(unix("2026-11-21T04:30:00Z").unwrap(), &now).unwrap();
        assert_eq!(text, "11:30 PM");
    }

    #[test]
    fn advice_fits_the_plan() {
        for (plan, mark) in [
            ("free", "https://chatgpt.com/explore/plus"),
            ("go", "https://chatgpt.com/explore/plus"),
            ("plus", "https://chatgpt.com/codex/settings/usage"),
            ("pro", "https://chatgpt.com/codex/settings/usage"),
            ("prolite", "https://chatgpt.com/codex/settings/usage"),
            ("team", "admin"),
            ("business", "admin"),
            ("self_serve_business_usage_based", "admin"),
            ("enterprise_cbp_usage_based", "admin"),
        ] {
            let text = plain(plan, None);
            assert!(text.starts_with("You've hit your usage limit. ") && text.contains(mark), "{text}");
            assert!(text.ends_with(", or try again later."), "{text}");
        }
    }

    #[test]
    fn a_promotion_replaces_the_advice() {
        let text =
            message(Some("plus"), unix("2026-11-20T18:40:00Z"), Some("PROMO"), RateLimitSnapshot::default());
        assert_eq!(text, "You've hit your usage limit. PROMO, or try again at 6:40 PM.");
    }

    #[test]
    fn another_limit_is_named_and_beats_the_promotion() {
        let limits = RateLimitSnapshot {
            limit_id: Some("codex_other".into()),
            limit_name: Some("NAME".into()),
            ..RateLimitSnapshot::default()
        };
        let text = message(Some("plus"), None, Some("PROMO"), limits.clone());
        assert!(text.starts_with("You've hit your usage limit for NAME. "), "{text}");
        assert!(
            !text.contains("PROMO")
                && text.contains("another model")
                && text.ends_with(", or try again later.")
        );
        let nameless = RateLimitSnapshot { limit_name: None, ..limits };
        assert!(message(None, None, None, nameless).starts_with("You've hit your usage limit. "));
    }

    #[test]
    fn workspaces_have_their_own_advice() {
        let mut seen = std::collections::BTreeSet::new();
        for reached in [
            "workspace_owner_credits_depleted",
            "workspace_member_credits_depleted",
            "workspace_owner_usage_limit_reached",
            "workspace_member_usage_limit_reached",
        ] {
            let limits = RateLimitSnapshot {
                rate_limit_reached_type: Some(reached.into()),
                ..RateLimitSnapshot::default()
            };
            let text = message(Some("team"), None, None, limits);
            assert!(text.starts_with("You've hit your usage limit. Your workspace "), "{text}");
            assert!(text.ends_with("try again later."), "{text}");
            seen.insert(text);
        }
        assert_eq!(seen.len(), 4);
    }
}
