//! Loading a rollout, so that its thread goes on (rollout sheet §7).
//!
//! In: a file of any size. Out: the history the model sees, and what the next turn must know of the last. The file is
//! read from its *end* until its last usable compaction; what lies before that is never parsed, and mostly never read.
//!
//! A newcomer's trap: rollback and compaction do not commute. [`Outline`] walks *turns* backwards and leaves out those
//! that were taken back, compactions inside them included. When that strikes the last compaction and none before it
//! remains, the history starts empty behind the compaction, as in the reference.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use quire_protocol::{
    Goal, RateLimitSnapshot, ResponseItem, RolloutEvent, RolloutItem, SessionMeta, TokenUsageInfo,
    TurnContext, TurnId,
};

use crate::fragments::is_user_turn;
use crate::head::{Head, LoadError, head_of};
use crate::lines::{BackwardLines, Body, ForwardLines};
use crate::parse::{Glance, Skipped, parse};
use crate::replay::Replay;

/// How far behind the compaction the history rests on, facts that are not history are looked for.
const LOOK_BACK: u64 = 32 * 1024 * 1024;

/// Skipped lines that are told one by one.
const MAX_NOTICES: usize = 20;

/// A loaded rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The first `session_meta` line. The thread's id is the one in here, whatever the file is called.
    pub meta: SessionMeta,
    /// What the model sees; calls and outputs are not paired up yet.
    pub history: Vec<ResponseItem>,
    /// Settings the model was last told of. `None`: it must be told everything again.
    pub last_turn_context: Option<TurnContext>,
    /// Model of the last turn that was not taken back. Known in more cases than the context: a compaction hides what the
    /// model was told, not which model it was.
    pub previous_model: Option<String>,
    /// Compactions met on the way back to the history's base; at least one if there was any.
    pub compactions: u32,
    /// Token totals so far.
    pub token_info: Option<TokenUsageInfo>,
    /// Rate limits as last told.
    pub rate_limits: Option<RateLimitSnapshot>,
    /// The thread's goal as last written. A fork repeats its parent's lines, but not the goal.
    pub goal: Option<Goal>,
    /// The system text the thread began with; `None`: today's default.
    pub base_instructions: Option<String>,
    /// What the person first asked for.
    pub first_user_message: Option<String>,
    /// Lines that could not be read, in words for a person.
    pub notices: Vec<String>,
}

/// Loads a rollout. Blocking: call it from `spawn_blocking`.
pub fn load(path: &Path) -> Result<Loaded, LoadError> {
    let file = File::open(path).map_err(|source| LoadError::Io { path: path.to_owned(), source })?;
    load_from(file, path)
}

pub(crate) fn load_from<R: Read + Seek>(mut source: R, path: &Path) -> Result<Loaded, LoadError> {
    let Head { meta, first_user_message } = head_of(&mut source, path)?;
    let failed = |source| LoadError::Io { path: path.to_owned(), source };
    let end = source.seek(SeekFrom::End(0)).map_err(failed)?;
    let outline = Outline::read(&mut source).map_err(failed)?;
    let mut replay = Replay::default();
    replay.replace(outline.base.unwrap_or_default());
    let notices = replay_lines(&mut source, outline.replay_from..end, &mut replay).map_err(failed)?;
    let last_turn_context = match outline.context {
        Context::Told(context) if !replay.condensed_without_replacement => Some(*context),
        _ => None,
    };
    let goal = outline.goal.filter(|goal| goal.thread_id == meta.id);
    Ok(Loaded {
        base_instructions: meta.base_instructions.as_ref().map(|base| base.text.clone()),
        meta,
        history: replay.history,
        last_turn_context,
        previous_model: outline.previous_model,
        compactions: outline.compactions,
        token_info: outline.token_info,
        rate_limits: outline.rate_limits,
        goal,
        first_user_message,
        notices: notices.in_words(path),
    })
}

/// What is known of the settings the model was told.
#[derive(Debug, Default)]
enum Context {
    /// Nothing met yet.
    #[default]
    Unknown,
    /// Forgotten in a compaction.
    Forgotten,
    /// These.
    Told(Box<TurnContext>),
}

/// One turn, as far as it was read from its end.
#[derive(Debug, Default)]
struct Turn {
    id: Option<TurnId>,
    /// Whether a person said something in it; only such turns count for rollbacks.
    typed: bool,
    base: Option<Vec<ResponseItem>>,
    context: Context,
    model: Option<String>,
}

/// The structure of a rollout, found from its end.
#[derive(Debug, Default)]
struct Outline {
    /// The history that the rest builds on; `None` means an empty one.
    base: Option<Vec<ResponseItem>>,
    /// Offset of the first line to apply to it.
    replay_from: u64,
    context: Context,
    previous_model: Option<String>,
    compactions: u32,
    token_info: Option<TokenUsageInfo>,
    rate_limits: Option<RateLimitSnapshot>,
    goal: Option<Goal>,
    /// Turns still to be left out, going backwards.
    taken_back: u64,
    turn: Turn,
}

impl Outline {
    fn read<R: Read + Seek>(source: R) -> io::Result<Self> {
        let mut outline = Self::default();
        let mut lines = BackwardLines::new(source)?;
        while let Some(line) = lines.next_line()? {
            if outline.is_far_enough(line.offset) {
                break;
            }
            let Some(bytes) = line.trimmed().filter(|bytes| outline.is_structure(bytes)) else { continue };
            if let Ok(item) = parse(bytes) {
                outline.take(item, line.end);
            }
        }
        outline.end_turn();
        Ok(outline)
    }

    /// Whether everything is known, or looked for long enough.
    fn is_far_enough(&self, offset: u64) -> bool {
        let has_base = self.base.is_some() || (self.turn.base.is_some() && self.taken_back == 0);
        has_base && (self.is_complete() || offset.saturating_add(LOOK_BACK) < self.replay_from)
    }

    fn is_complete(&self) -> bool {
        self.base.is_some()
            && !matches!(self.context, Context::Unknown)
            && self.previous_model.is_some()
            && self.token_info.is_some()
    }

    /// Whether a line may matter here; most do not, and are told by their first bytes.
    fn is_structure(&self, line: &[u8]) -> bool {
        let Some(glance) = Glance::at(line) else { return !line.is_empty() };
        let (Some(payload), kind) = (glance.payload, glance.kind) else {
            return glance.kind != b"session_meta";
        };
        match kind {
            b"response_item" => payload == b"message" && glance.role.is_none_or(|role| role == b"user"),
            b"event_msg" => match payload {
                b"token_count" => self.token_info.is_none(),
                b"thread_goal_updated" => self.goal.is_none(),
                b"task_started"
                | b"turn_started"
                | b"task_complete"
                | b"turn_complete"
                | b"turn_aborted"
                | b"user_message"
                | b"thread_rolled_back" => true,
                _ => false,
            },
            _ => true,
        }
    }

    fn take(&mut self, item: RolloutItem, end: u64) {
        match item {
            RolloutItem::ResponseItem(item) => self.turn.typed |= is_user_turn(&item),
            RolloutItem::Compacted(compacted) => {
                self.compactions += 1;
                if let Some(history) = compacted.replacement_history
                    && self.base.is_none()
                    && self.turn.base.is_none()
                {
                    self.turn.base = Some(history);
                    self.replay_from = end;
                }
                if matches!(self.turn.context, Context::Unknown) {
                    self.turn.context = Context::Forgotten;
                }
            }
            RolloutItem::TurnContext(context) => {
                // The settings of another turn, whose start and end are missing.
                if context
                    .turn_id
                    .as_ref()
                    .zip(self.turn.id.as_ref())
                    .is_some_and(|(one, other)| one != other)
                {
                    return;
                }
                self.turn.id = self.turn.id.take().or_else(|| context.turn_id.clone());
                self.turn.model = Some(context.model.clone());
                if matches!(self.turn.context, Context::Unknown) {
                    self.turn.context = Context::Told(Box::new(context));
                }
            }
            RolloutItem::EventMsg(event) => self.take_event(event),
            RolloutItem::SessionMeta(_) => {}
        }
    }

    fn take_event(&mut self, event: RolloutEvent) {
        match event {
            RolloutEvent::TaskComplete { turn_id, .. } | RolloutEvent::TurnAborted { turn_id, .. } => {
                self.turn.id = self.turn.id.take().or(turn_id);
            }
            // A start that belongs to another turn than the end does not begin this one.
            RolloutEvent::TaskStarted { turn_id: Some(id), .. }
                if self.turn.id.as_ref().is_none_or(|turn| *turn == id) =>
            {
                self.end_turn();
            }
            RolloutEvent::UserMessage { .. } => self.turn.typed = true,
            RolloutEvent::ThreadRolledBack { num_turns } => self.taken_back += u64::from(num_turns),
            RolloutEvent::TokenCount { info, rate_limits } => {
                self.token_info = self.token_info.take().or(info);
                self.rate_limits = self.rate_limits.take().or(rate_limits);
            }
            // What a goal has cost stays spent when a turn is taken back.
            RolloutEvent::ThreadGoalUpdated { goal, .. } => self.goal = self.goal.take().or(Some(goal)),
            _ => {}
        }
    }

    /// The start of the turn is reached: it is left out if it was taken back, else its facts hold.
    fn end_turn(&mut self) {
        let turn = std::mem::take(&mut self.turn);
        if self.taken_back > 0 {
            self.taken_back -= u64::from(turn.typed);
            return;
        }
        self.base = self.base.take().or(turn.base);
        if matches!(self.context, Context::Unknown)
            && (turn.typed || matches!(turn.context, Context::Forgotten))
        {
            self.context = turn.context;
        }
        if turn.typed {
            self.previous_model = self.previous_model.take().or(turn.model);
        }
    }
}

/// Applies the lines of a range, oldest first.
fn replay_lines<R: Read + Seek>(
    source: R,
    range: std::ops::Range<u64>,
    replay: &mut Replay,
) -> io::Result<Notices> {
    let mut notices = Notices::default();
    let mut lines = ForwardLines::new(source, range.start)?;
    while let Some(line) = lines.next_line()? {
        // Lines that another program appended since are left for the next time.
        if line.offset >= range.end {
            break;
        }
        let bytes = match line.body {
            Body::Bytes(bytes) => bytes.trim_ascii(),
            Body::TooLong => {
                notices.push(line.offset, "longer than this program reads");
                continue;
            }
        };
        if bytes.is_empty() {
            continue;
        }
        if !is_history(bytes) {
            if !bytes.ends_with(b"}") {
                notices.push(line.offset, "cut short");
            }
            continue;
        }
        match parse(bytes) {
            Ok(item) => replay.apply(item),
            Err(Skipped::Unknown) => {}
            Err(Skipped::Broken) => notices.push(line.offset, "not a valid session line"),
            Err(Skipped::NotUtf8) => notices.push(line.offset, "not valid UTF-8"),
        }
    }
    Ok(notices)
}

/// Whether a line may change the history.
fn is_history(line: &[u8]) -> bool {
    Glance::at(line).is_none_or(|glance| match glance.kind {
        b"response_item" | b"compacted" => true,
        b"event_msg" => glance.payload.is_none_or(|payload| payload == b"thread_rolled_back"),
        _ => false,
    })
}

/// Lines that were skipped.
#[derive(Debug, Default)]
struct Notices {
    lines: Vec<(u64, &'static str)>,
    more: usize,
}

impl Notices {
    fn push(&mut self, offset: u64, why: &'static str) {
        if self.lines.len() < MAX_NOTICES {
            self.lines.push((offset, why));
        } else {
            self.more += 1;
        }
    }

    fn in_words(&self, path: &Path) -> Vec<String> {
        let path = path.display();
        let line =
            |(offset, why): &(u64, _)| format!("{path}: the line at byte {offset} is {why}; it was skipped");
        let mut words: Vec<_> = self.lines.iter().map(line).collect();
        if self.more > 0 {
            words.push(format!("{path}: {} more lines were skipped", self.more));
        }
        words
    }
}

#[cfg(test)]
mod tests;
