//! The two ways out of a thread: the log (what is kept) and the event channel (what is told). Record first, announce
//! after (invariant 9).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quire_protocol::{Event, EventKind, RolloutEvent, RolloutItem, TurnId};
use quire_store::{RolloutWriter, StoreError};
use tokio::sync::mpsc;

/// Log and event channel of a thread. Clones share both.
#[derive(Clone)]
pub(crate) struct Outlet {
    /// `None` for an ephemeral thread.
    writer: Option<Arc<RolloutWriter>>,
    events: mpsc::Sender<Event>,
    write_failed: Arc<AtomicBool>,
}

impl Outlet {
    pub(crate) fn new(writer: Option<RolloutWriter>, events: mpsc::Sender<Event>) -> Self {
        Self { writer: writer.map(Arc::new), events, write_failed: Arc::default() }
    }

    /// Writes lines to the log and returns when they are written. A log that cannot be written is told once; the
    /// lines stay queued in the writer for its next try, and the turn goes on, as in the reference.
    pub(crate) async fn record(&self, items: Vec<RolloutItem>) {
        let Some(writer) = &self.writer else { return };
        if let Err(error) = writer.append(items).await {
            tracing::debug!("{error}");
            if !self.write_failed.swap(true, Ordering::Relaxed) {
                let message = format!("This thread cannot be saved at the moment: {error}");
                self.announce(None, EventKind::Warning { message }).await;
            }
        } else {
            self.write_failed.store(false, Ordering::Relaxed);
        }
    }

    /// Writes one event line.
    pub(crate) async fn record_event(&self, event: RolloutEvent) {
        self.record(vec![RolloutItem::EventMsg(event)]).await;
    }

    /// Tells the listener. A listener that went away is no reason to stop: the log still counts.
    pub(crate) async fn announce(&self, turn_id: Option<&TurnId>, kind: EventKind) {
        let _ = self.events.send(Event { turn_id: turn_id.cloned(), kind }).await;
    }

    /// Makes sure that what was written survives a power cut.
    pub(crate) async fn sync(&self) {
        if let Some(writer) = &self.writer
            && let Err(error) = writer.sync().await
        {
            self.complain_once(&error);
        }
    }

    /// Logs a failure, unless the person was told already that the log cannot be written.
    fn complain_once(&self, error: &StoreError) {
        if self.write_failed.load(Ordering::Relaxed) {
            tracing::debug!("{error}");
        } else {
            tracing::error!("{error}");
        }
    }

    /// Writes out the rest and closes the log.
    pub(crate) async fn close(&self) {
        if let Some(writer) = &self.writer
            && let Err(error) = writer.shutdown().await
        {
            self.complain_once(&error);
        }
    }
}
