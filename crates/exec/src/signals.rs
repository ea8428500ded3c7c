//! Signals that end a run early (exec sheet §7).
//!
//! An interrupt is always heard, as by the reference. A hang-up or a request to terminate that was ignored when the
//! program started (`nohup`) stays ignored.

#[cfg(not(unix))]
pub use other::Signals;
#[cfg(unix)]
pub use unix::Signals;

/// What asked the run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ctrl-C.
    Interrupt,
    /// `kill`, or the service manager.
    Terminate,
    /// The terminal is gone.
    HangUp,
}

impl Stop {
    /// The signal's number, which POSIX fixes.
    pub const fn signal(self) -> i32 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
            Self::HangUp => 1,
        }
    }
}

#[cfg(unix)]
mod unix {
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::Stop;

    /// The signals we listen to.
    #[derive(Debug)]
    pub struct Signals {
        interrupt: Signal,
        terminate: Option<Signal>,
        hang_up: Option<Signal>,
    }

    impl Signals {
        /// Starts listening. From here on these signals no longer kill the process.
        pub fn listen() -> io::Result<Self> {
            let unless_ignored = |stop: Stop| {
                let number = stop.signal();
                if is_ignored(number) { Ok(None) } else { signal(SignalKind::from_raw(number)).map(Some) }
            };
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: unless_ignored(Stop::Terminate)?,
                hang_up: unless_ignored(Stop::HangUp)?,
            })
        }

        /// The next signal. Cancel safe.
        pub async fn next(&mut self) -> Stop {
            tokio::select! {
                Some(()) = self.interrupt.recv() => Stop::Interrupt,
                () = received(&mut self.terminate) => Stop::Terminate,
                () = received(&mut self.hang_up) => Stop::HangUp,
            }
        }
    }

    async fn received(signal: &mut Option<Signal>) {
        let arrived = match signal {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if arrived.is_none() {
            std::future::pending::<()>().await;
        }
    }

    #[allow(unsafe_code)]
    fn is_ignored(number: i32) -> bool {
        let mut current = std::mem::MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: with a null new action the call only writes the current one to the valid pointer we pass; it is
        // read only if the call says that it was written.
        unsafe {
            libc::sigaction(number, std::ptr::null(), current.as_mut_ptr()) == 0
                && current.assume_init().sa_sigaction == libc::SIG_IGN
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;

    use super::Stop;

    /// Ctrl-C, the only signal there is.
    #[derive(Debug)]
    pub struct Signals(());

    impl Signals {
        /// Starts listening with the first [`Signals::next`].
        pub fn listen() -> io::Result<Self> {
            Ok(Self(()))
        }

        /// The next Ctrl-C. Cancel safe.
        pub async fn next(&mut self) -> Stop {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            Stop::Interrupt
        }
    }
}
