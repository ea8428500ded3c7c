//! Ids as values, so that tests, rehearsals and replays are deterministic (invariant 7). The clock is the store's.

use quire_protocol::{ThreadId, TurnId};
use rand::Rng as _;
use uuid::Uuid;

/// Where ids come from.
pub trait IdSource: Send + Sync + 'static {
    /// A new thread id (UUID v7).
    fn thread_id(&self) -> ThreadId;
    /// A new turn id (UUID v7).
    fn turn_id(&self) -> TurnId;
    /// A new item id (UUID v4).
    fn item_id(&self) -> String;
    /// Six hex digits that mark one chunk of command output.
    fn chunk_id(&self) -> String;
}

/// Random ids.
#[derive(Debug, Default, Clone, Copy)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn thread_id(&self) -> ThreadId {
        ThreadId::from_uuid(Uuid::now_v7())
    }

    fn turn_id(&self) -> TurnId {
        TurnId::new(Uuid::now_v7().to_string())
    }

    fn item_id(&self) -> String {
        Uuid::new_v4().to_string()
    }

    fn chunk_id(&self) -> String {
        format!("{:06x}", rand::rng().random_range(0..0x0100_0000_u32))
    }
}
