//! When to try again (model-api sheet §6.1).
//!
//! Two loops share this schedule: the one inside [`crate::ModelClient::stream`], silent, for requests that got no
//! proper answer, and the caller's, for streams that broke. A newcomer's trap: a request may so be made
//! (1 + request retries) × (1 + stream retries) times.

use std::time::Duration;

use rand::Rng as _;

/// Whether the caller should sample again after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail the same way.
    Never,
    /// Yes, while stream retries are left.
    Stream {
        /// The provider's wish, which replaces the usual delay.
        delay: Option<Duration>,
    },
}

/// Delays that double from retry to retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Delay before the first retry, without jitter.
    pub first: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(200) }
    }
}

/// After so many doublings the delay stays (at about three and a half minutes).
const MAX_DOUBLINGS: u32 = 10;

impl Backoff {
    /// Delay before retry `n`, the first being 1, with a jitter of ±10 %.
    pub fn delay(self, n: u32) -> Duration {
        let factor = 1_u32 << n.saturating_sub(1).min(MAX_DOUBLINGS);
        self.first.saturating_mul(factor).mul_f64(rand::rng().random_range(0.9..1.1))
    }
}

/// The usual delay before retry `n`, the first being 1.
pub fn backoff(n: u32) -> Duration {
    Backoff::default().delay(n)
}

/// The delay a rate-limit message asks for: `try again in 1.5s`, `… 300 ms`, `… 2 seconds`.
pub(crate) fn delay_from_message(message: &str) -> Option<Duration> {
    const PHRASE: &str = "try again in";
    let lower = message.to_ascii_lowercase();
    let rest = lower[lower.find(PHRASE)? + PHRASE.len()..].trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let number: f64 = rest[..end].parse().ok()?;
    let unit = rest[end..].trim_start();
    let seconds = if unit.starts_with("ms") {
        number / 1000.0
    } else if unit.starts_with('s') {
        number
    } else {
        return None;
    };
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_within_the_jitter() {
        for (n, base) in [(1, 200), (2, 400), (3, 800), (4, 1600), (5, 3200)] {
            let millis = backoff(n).as_millis() as u64;
            assert!((base * 9 / 10..=base * 11 / 10).contains(&millis), "retry {n}: {millis} ms");
        }
        assert!(backoff(u32::MAX) < Duration::from_mins(4));
        assert_eq!(Backoff { first: Duration::ZERO }.delay(3), Duration::ZERO);
    }

    #[test]
    fn delays_are_read_from_messages() {
        let read = |message| delay_from_message(message).map(|delay| delay.as_millis());
        assert_eq!(read("Please try again in 700ms. Visit the page"), Some(700));
        assert_eq!(read("Try again in 1.5 seconds."), Some(1500));
        assert_eq!(read("try again in 300 ms"), Some(300));
        assert_eq!(read("İ TRY AGAIN IN 2s"), Some(2000));
        assert_eq!(read("try again in 1 second"), Some(1000));
        assert_eq!(read("please try again in 2minutes"), None);
        assert_eq!(read("try again in a while"), None);
        assert_eq!(read("try again in 1.2.3s"), None);
        assert_eq!(read("slow down"), None);
    }
}
