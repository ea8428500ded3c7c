//! The sessions of one thread, known by number (tools sheet §3.2).

use std::sync::{Arc, Mutex, PoisonError};

use rand::Rng as _;

use crate::session::Session;

/// Sessions a thread may have; one more makes an old one go.
pub const MAX_SESSIONS: usize = 64;

/// The most recently used ones that never go while others are left.
const PROTECTED: usize = 8;

/// Session numbers.
const IDS: std::ops::RangeInclusive<u32> = 1000..=99_999;

/// Sessions by number, the most recently used last.
#[derive(Debug, Default)]
pub struct SessionStore {
    sessions: Mutex<Vec<(u32, Arc<Session>)>>,
}

impl SessionStore {
    /// Takes a session and numbers it. When there are too many, one goes and is killed: an ended one if there is any,
    /// else the one not used for longest.
    pub fn insert(&self, session: Arc<Session>) -> u32 {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        while sessions.len() >= MAX_SESSIONS {
            let old = &sessions[..sessions.len() - PROTECTED];
            let leaves = old.iter().position(|(_, session)| session.has_exited()).unwrap_or(0);
            let (_, evicted) = sessions.remove(leaves);
            tokio::spawn(async move { evicted.kill().await });
        }
        let id = loop {
            let id = rand::rng().random_range(IDS);
            if sessions.iter().all(|(held, _)| *held != id) {
                break id;
            }
        };
        sessions.push((id, session));
        id
    }

    /// The session of that number, which counts as used now.
    pub fn get(&self, id: u32) -> Option<Arc<Session>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let at = sessions.iter().position(|(held, _)| *held == id)?;
        let entry = sessions.remove(at);
        let session = Arc::clone(&entry.1);
        sessions.push(entry);
        Some(session)
    }

    /// Forgets a session.
    pub fn remove(&self, id: u32) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).retain(|(held, _)| *held != id);
    }

    /// Kills every session and waits until they are gone.
    pub async fn kill_all(&self) {
        let sessions = std::mem::take(&mut *self.sessions.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, session) in sessions {
            session.kill().await;
        }
    }
}
