//! The connections: what each has said about itself, what it hears, and the queue to it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quire_appserver_protocol::ServerNotification;
use quire_appserver_protocol::notifications::Audience;
use quire_protocol::ThreadId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Notifications that may wait for one connection (app-server sheet §6).
const WAITING: usize = 128;

/// Which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PeerId(u64);

/// One connection.
struct Peer {
    queue: mpsc::Sender<ServerNotification>,
    /// `None` until the handshake.
    opted_out: Option<HashSet<String>>,
    subscriptions: HashSet<ThreadId>,
}

impl Peer {
    fn hears(&self, thread: ThreadId, notification: &ServerNotification) -> bool {
        let Some(opted_out) = &self.opted_out else { return false };
        let meant = match notification.audience() {
            Audience::Subscribers => self.subscriptions.contains(&thread),
            Audience::Everyone => true,
        };
        meant && !opted_out.contains(notification.method())
    }
}

/// All connections.
#[derive(Default)]
pub(crate) struct Peers {
    next: AtomicU64,
    peers: Mutex<HashMap<PeerId, Peer>>,
    /// Set once nobody is to hear anything any more.
    muted: CancellationToken,
}

impl Peers {
    fn lock(&self) -> MutexGuard<'_, HashMap<PeerId, Peer>> {
        // The map is consistent after every statement, so a panic elsewhere leaves it usable.
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection and the queue it reads.
    pub(crate) fn join(&self) -> (PeerId, mpsc::Receiver<ServerNotification>) {
        let (queue, waiting) = mpsc::channel(WAITING);
        let id = PeerId(self.next.fetch_add(1, Ordering::Relaxed));
        self.lock().insert(id, Peer { queue, opted_out: None, subscriptions: HashSet::new() });
        (id, waiting)
    }

    /// The connection is gone.
    pub(crate) fn leave(&self, id: PeerId) {
        self.lock().remove(&id);
    }

    /// Notes the handshake. False when there was one already.
    pub(crate) fn initialize(&self, id: PeerId, opted_out: HashSet<String>) -> bool {
        match self.lock().get_mut(&id) {
            Some(peer) if peer.opted_out.is_none() => {
                peer.opted_out = Some(opted_out);
                true
            }
            _ => false,
        }
    }

    /// Whether the connection has done its handshake.
    pub(crate) fn is_initialized(&self, id: PeerId) -> bool {
        self.lock().get(&id).is_some_and(|peer| peer.opted_out.is_some())
    }

    /// Whether the connection has done its handshake and did not opt out of this method.
    pub(crate) fn wants(&self, id: PeerId, method: &str) -> bool {
        let peers = self.lock();
        let opted_out = peers.get(&id).and_then(|peer| peer.opted_out.as_ref());
        opted_out.is_some_and(|methods| !methods.contains(method))
    }

    /// From now on the connection hears of this thread.
    pub(crate) fn subscribe(&self, id: PeerId, thread: ThreadId) {
        if let Some(peer) = self.lock().get_mut(&id) {
            peer.subscriptions.insert(thread);
        }
    }

    /// The connection hears no more of this thread. False when it did not anyway.
    pub(crate) fn unsubscribe(&self, id: PeerId, thread: ThreadId) -> bool {
        self.lock().get_mut(&id).is_some_and(|peer| peer.subscriptions.remove(&thread))
    }

    /// Tells all who are to hear it of this thread; waits for those whose queue is full.
    pub(crate) async fn tell(&self, thread: ThreadId, notification: ServerNotification) {
        let mut hearing: Vec<_> = self
            .lock()
            .values()
            .filter(|peer| peer.hears(thread, &notification))
            .map(|peer| peer.queue.clone())
            .collect();
        let Some(last) = hearing.pop() else { return };
        for queue in hearing {
            self.send(&queue, notification.clone()).await;
        }
        self.send(&last, notification).await;
    }

    async fn send(&self, queue: &mpsc::Sender<ServerNotification>, notification: ServerNotification) {
        tokio::select! {
            biased;
            () = self.muted.cancelled() => {}
            // A closed queue is a connection that is just leaving.
            _ = queue.send(notification) => {}
        }
    }

    /// From now on nobody hears anything, and nobody is waited for.
    pub(crate) fn mute(&self) {
        self.muted.cancel();
    }
}

/// Shared by a connection's handles; the last one to go ends the connection.
pub(crate) struct Membership {
    pub(crate) id: PeerId,
    pub(crate) peers: Arc<Peers>,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.peers.leave(self.id);
    }
}
