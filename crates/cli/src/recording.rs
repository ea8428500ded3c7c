//! `--record`: what the provider answers, written as a script that can be played back.
//!
//! Answers arrive on the runtime's threads, which must not wait for a disk, so a thread of its own writes them.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use quire_models::{Exchange, ExchangeRecorder};
use quire_rehearsal::{RecordError, RecordedExchange, Recorder};
use serde_json::Value;

/// Answers that may wait for the disk before providers wait too.
const WAITING: usize = 64;

/// A recording while it goes on.
#[derive(Debug)]
pub(crate) struct Recording {
    writer: JoinHandle<Result<(), RecordError>>,
    inlet: Arc<Inlet>,
}

#[derive(Debug)]
struct Inlet(mpsc::SyncSender<Message>);

#[derive(Debug)]
enum Message {
    Exchange(Exchange),
    End,
}

impl ExchangeRecorder for Inlet {
    fn exchange_ended(&self, exchange: Exchange) {
        // A writer that is gone has failed; `finish` tells why.
        let _failed = self.0.send(Message::Exchange(exchange));
    }
}

impl Recording {
    /// Starts a recording into this file, which is replaced.
    pub(crate) fn start(path: PathBuf) -> Result<Self, RecordError> {
        let mut recorder = Recorder::new(path)?;
        let (inlet, arriving) = mpsc::sync_channel(WAITING);
        let writer = std::thread::spawn(move || {
            while let Ok(Message::Exchange(exchange)) = arriving.recv() {
                recorder.record_exchange(&playable(exchange))?;
            }
            Ok(())
        });
        Ok(Self { writer, inlet: Arc::new(Inlet(inlet)) })
    }

    /// What the engine hands answers to.
    pub(crate) fn inlet(&self) -> Arc<dyn ExchangeRecorder> {
        Arc::clone(&self.inlet) as Arc<dyn ExchangeRecorder>
    }

    /// Waits until everything that arrived so far is written. What arrives later is lost.
    pub(crate) fn finish(self) -> Result<(), RecordError> {
        // A writer that is gone has failed, and says why below.
        let _failed = self.inlet.0.send(Message::End);
        // A panicking writer has already said so on standard error.
        self.writer.join().unwrap_or(Ok(()))
    }
}

fn playable(exchange: Exchange) -> RecordedExchange {
    let parse = |data: &String| serde_json::from_str(data).unwrap_or_else(|_| Value::String(data.clone()));
    RecordedExchange {
        status: exchange.status,
        headers: exchange.headers,
        events: exchange.events.iter().map(parse).collect(),
        body: exchange.body,
        cut: exchange.cut,
    }
}
