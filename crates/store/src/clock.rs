//! Time, as a value. The store never asks the operating system for it: tests and replays hand in their own.
//!
//! A newcomer's trap: a rollout's *path* carries local time, everything *inside* the file is UTC (rollout sheet §1).

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use quire_protocol::ThreadId;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC.
    fn unix_ms(&self) -> i64;
    /// The zone that paths are named in.
    fn zone(&self) -> TimeZone;
}

/// The clock of the machine, in the zone of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn unix_ms(&self) -> i64 {
        Timestamp::now().as_millisecond()
    }

    fn zone(&self) -> TimeZone {
        TimeZone::system()
    }
}

/// Writes a time as rollouts do: UTC, exactly three sub-second digits, `Z`.
///
/// Times outside the years -9999 to 9999 are written as the nearest one inside.
pub fn utc_timestamp(unix_ms: i64) -> String {
    timestamp(unix_ms).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Where the rollout of a thread lives that begins at `unix_ms`.
pub fn rollout_path(home: &Path, id: ThreadId, unix_ms: i64, zone: &TimeZone) -> PathBuf {
    let local = timestamp(unix_ms).to_zoned(zone.clone());
    home.join("sessions")
        .join(local.strftime("%Y/%m/%d").to_string())
        .join(format!("rollout-{}-{id}.jsonl", local.strftime("%Y-%m-%dT%H-%M-%S")))
}

pub(crate) fn timestamp(unix_ms: i64) -> Timestamp {
    let nearest = if unix_ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(unix_ms).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YEAR: i64 = 1_798_761_599_005; // 2026-12-31T23:59:59.005Z

    #[test]
    fn inside_is_utc_with_three_digits() {
        assert_eq!(utc_timestamp(NEW_YEAR), "2026-12-31T23:59:59.005Z");
        assert_eq!(utc_timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(utc_timestamp(i64::MAX).len(), "9999-12-30T22:00:00.999Z".len());
    }

    #[test]
    fn the_path_is_local() {
        let id: ThreadId = "01a1f834-b81e-7380-9af7-ff5a2bfcf253".parse().unwrap();
        let tokyo = TimeZone::fixed(jiff::tz::offset(9));
        assert_eq!(
            rollout_path(Path::new("/h"), id, NEW_YEAR, &tokyo),
            Path::new(
                "/h/sessions/2027/01/01/rollout-2027-01-01T08-59-59-01a1f834-b81e-7380-9af7-ff5a2bfcf253.jsonl"
            )
        );
    }
}
