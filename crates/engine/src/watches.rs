//! Watching the sessions of a thread: what they print is passed on, and each end is told exactly once.
//!
//! Whoever learns of an end first tells it: the call that waited for the session (once its answer is recorded), the
//! watcher of a session nobody waits for, or the turn before it goes on. A newcomer's trap: the end of a process is known
//! before its watcher had its turn to run. Without [`Watches::settle`] a quick turn would be over before the end is told.

use std::sync::{Arc, Mutex, PoisonError};

use quire_process::Session;
use quire_protocol::{EventKind, TurnId, TurnItem};
use tokio::sync::{Mutex as TurnToSpeak, MutexGuard, SetOnce};

use crate::outputs::Outlet;
use crate::tools::completed_item;

/// Watches one session.
pub(crate) struct Watch {
    item: TurnItem,
    session: Arc<Session>,
    turn_id: TurnId,
    outlet: Outlet,
    /// Everything the session printed has been passed on.
    passed_on: SetOnce<()>,
    /// Whether the end was told. A call holds it while it waits for the session, so that nobody else tells the end
    /// before the call's answer is recorded.
    told: TurnToSpeak<bool>,
}

/// A call that waits for a session. Dropped, the watcher speaks for itself again.
pub(crate) struct Attention<'a> {
    watch: &'a Watch,
    told: MutexGuard<'a, bool>,
}

impl Watch {
    pub(crate) fn new(item: TurnItem, session: Arc<Session>, turn_id: TurnId, outlet: Outlet) -> Arc<Self> {
        Arc::new(Self {
            item,
            session,
            turn_id,
            outlet,
            passed_on: SetOnce::new(),
            told: TurnToSpeak::new(false),
        })
    }

    /// Passes on what the session prints, and tells its end if no call does.
    pub(crate) async fn follow(self: Arc<Self>) {
        if let Some(mut deltas) = self.session.observe() {
            while let Some(delta) = deltas.recv().await {
                let kind = EventKind::CommandOutputDelta { item_id: self.item.id().to_owned(), delta };
                self.outlet.announce(Some(&self.turn_id), kind).await;
            }
        }
        // Only this task sets it.
        let _ = self.passed_on.set(());
        self.tell_end().await;
    }

    /// For a call that waits for the session.
    pub(crate) async fn attend(&self) -> Attention<'_> {
        Attention { watch: self, told: self.told.lock().await }
    }

    /// Waits for the end and tells it, unless it was told.
    async fn tell_end(&self) {
        let end = self.end().await;
        let mut told = self.told.lock().await;
        if !std::mem::replace(&mut *told, true) {
            self.outlet.announce(Some(&self.turn_id), end).await;
        }
    }

    async fn end(&self) -> EventKind {
        let exit = self.session.wait_exit().await;
        self.passed_on.wait().await;
        let output = String::from_utf8_lossy(&self.session.all_output()).into_owned();
        EventKind::ItemCompleted(completed_item(&self.item, output, exit, self.session.wall()))
    }
}

impl Attention<'_> {
    /// The end of an ended session, for the caller to tell; nothing when it was told before.
    pub(crate) async fn take_end(mut self) -> Option<EventKind> {
        let end = self.watch.end().await;
        (!std::mem::replace(&mut *self.told, true)).then_some(end)
    }
}

/// The watches of the sessions whose end may still be untold.
#[derive(Default)]
pub(crate) struct Watches(Mutex<Vec<(u32, Arc<Watch>)>>);

impl Watches {
    pub(crate) fn keep(&self, process_id: u32, watch: Arc<Watch>) {
        self.lock().push((process_id, watch));
    }

    pub(crate) fn get(&self, process_id: u32) -> Option<Arc<Watch>> {
        self.lock().iter().find(|(held, _)| *held == process_id).map(|(_, watch)| Arc::clone(watch))
    }

    /// Tells every end that has happened by now.
    pub(crate) async fn settle(&self) {
        let ended: Vec<_> = self.lock().extract_if(.., |(_, watch)| watch.session.has_exited()).collect();
        for (_, watch) in ended {
            watch.tell_end().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u32, Arc<Watch>)>> {
        // Every change is complete before the lock is released.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
