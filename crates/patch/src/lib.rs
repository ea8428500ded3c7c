//! The `apply_patch` format: the text in which a model describes file changes, and what we do with it.
//!
//! The way through this crate: [`parse`] turns text into a [`Patch`]; [`verify`] reads the disk and says what the
//! patch *would* change, so that somebody can be asked; [`apply`] changes the files. [`cli`] is the same thing as a
//! program. Nothing here knows about models, approvals or sandboxes.
//!
//! What a newcomer gets wrong: the format looks like a unified diff but is not one. It has no line numbers, matches
//! lines in four increasingly forgiving passes, and all chunks of one file are located in the *unchanged* file, in
//! order.

pub mod cli;

mod apply;
mod edit;
mod locate;
mod parse;
mod path;
mod source;
mod verify;
mod write;

pub use apply::{Applied, ApplyError, ApplyFailure, apply};
pub use edit::{EditError, EditFault};
pub use parse::{Chunk, Hunk, HunkFault, ParseError, Patch, PatchFault, parse};
pub use path::PathBase;
pub use source::ReadError;
pub use verify::{Change, FileChange, VerifiedPatch, VerifyError, verify};

/// The lark grammar that constrains a model's sampling when it writes a patch.
///
/// The parser accepts more than this grammar describes: heredoc wrappers, padded markers, missing `+` lines.
pub const GRAMMAR: &str = r#"start: begin_patch hunk+ end_patch
begin_patch: "*** Begin Patch" LF
end_patch: "*** End Patch" LF?

hunk: add_hunk | delete_hunk | update_hunk
add_hunk: "*** Add File: " filename LF add_line+
delete_hunk: "*** Delete File: " filename LF
update_hunk: "*** Update File: " filename LF change_move? change?

filename: /(.+)/
add_line: "+" /(.*)/ LF -> line

change_move: "*** Move to: " filename LF
change: (change_context | change_line)+ eof_line?
change_context: ("@@" | "@@ " /(.+)/) LF
change_line: ("+" | "-" | " ") /(.*)/ LF
eof_line: "*** End of File" LF

%import common.LF
"#;
