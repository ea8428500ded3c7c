//! Where threads live: the rollout log (the truth), the index of names, and the installation id.
//!
//! In: items, in order. Out: files that this program and the reference can resume. Three doors: [`RolloutWriter`]
//! appends, [`load`] reads a thread back, and [`find_by_id`], [`find_by_name`] and [`latest`] say which file it is.
//!
//! A newcomer's trap: everything but the writer blocks. Call it from `spawn_blocking`.

mod clock;
mod error;
mod fragments;
mod head;
mod installation;
mod lines;
mod locate;
mod log_file;
mod names;
mod parse;
mod replay;
mod resume;
mod writer;

pub use clock::{Clock, SystemClock, rollout_path, utc_timestamp};
pub use error::StoreError;
pub use fragments::{is_context, is_user_turn};
pub use head::{Head, LoadError, read_head};
pub use installation::installation_id;
pub use locate::{LocateError, Located, find_by_id, find_by_name, latest, nearest};
pub use names::{name_of, set_name};
pub use replay::roll_back;
pub use resume::{Loaded, load};
pub use writer::RolloutWriter;
