//! Order: requests about the same thing are carried out one after the other, as they arrived.
//!
//! A request takes its place in the line while it is received, in order, and waits for its turn in its own task. What a
//! newcomer would get wrong: a mutex taken inside the task would not do, since tasks start in any order.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// A line in front of one thing.
#[derive(Default)]
pub(crate) struct Line {
    last: Mutex<Option<oneshot::Receiver<()>>>,
}

/// A place in the line. Dropping it lets the next one in.
pub(crate) struct Place {
    before: Option<oneshot::Receiver<()>>,
    _done: oneshot::Sender<()>,
}

impl Line {
    /// Stands at the end.
    pub(crate) fn join(&self) -> Place {
        let (done, end) = oneshot::channel();
        // One assignment cannot leave it half done, so a panic elsewhere leaves it usable.
        let before = self.last.lock().unwrap_or_else(PoisonError::into_inner).replace(end);
        Place { before, _done: done }
    }
}

impl Place {
    /// Waits until everybody before is done.
    pub(crate) async fn reached(mut self) -> Self {
        if let Some(before) = self.before.take() {
            // Nothing is ever sent: the one before is done when its end is dropped.
            let _done = before.await;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_reached_in_order_whoever_asks_first() {
        let line = Line::default();
        let (first, second) = (line.join(), line.join());
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let late = tokio::spawn({
            let told = told.clone();
            async move {
                let _place = second.reached().await;
                told.send(2).unwrap();
            }
        });
        let first = first.reached().await;
        told.send(1).unwrap();
        drop(first);
        late.await.unwrap();
        assert_eq!((heard.recv().await, heard.recv().await), (Some(1), Some(2)));
    }
}
