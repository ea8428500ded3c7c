//! The goal of a thread: what it pursues over turns that nobody asked for, and what that costs (engine sheet §10).
//!
//! In come the goal tools' wishes, the tokens of each response and the begin and end of turns; out come the goal as it
//! stands, the words that steer the model, and whether the idle thread should go on by itself. Nothing here is kept:
//! each change is told with [`tell`], which writes it to the log, and a resumed thread starts from the last one there.
//!
//! What a newcomer would get wrong: tokens are known when a response is complete, its calls start earlier. The goal
//! tools therefore wait for the end of the response that calls them, so that the response that sets a goal is free and
//! the one that ends it is counted.

use std::sync::{Mutex, MutexGuard, PoisonError};

use quire_protocol::{EventKind, Goal, GoalStatus, RolloutEvent, ThreadId, TurnId};

use crate::outputs::Outlet;
use crate::prompts;

/// Longest objective, in characters.
const LONGEST_OBJECTIVE: usize = 4000;

/// Turns in a row that the thread may begin by itself while the model only talks. The reference knows no such bound.
const MAX_IDLE_TURNS: u8 = 3;

/// Why a goal could not be set or changed, in the words the model reads.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GoalError {
    #[error(
        "cannot create a new goal because this thread already has a goal; use update_goal only when the existing goal is complete"
    )]
    Exists,
    #[error("cannot update goal for thread {0}: no goal exists")]
    Missing(ThreadId),
    #[error("goal objective must not be empty")]
    NoObjective,
    #[error("goal objective must be at most {LONGEST_OBJECTIVE} characters")]
    LongObjective,
    #[error("goal budgets must be positive when provided")]
    NoBudget,
    #[error("update_goal takes complete and blocked; the user or the program sets every other status")]
    NotForTheModel,
}

/// How a turn ended, as far as its goal cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnEnd {
    /// The model was done.
    Done { used_tools: bool },
    /// Somebody stopped it, or it failed.
    Stopped,
    /// The account's limit is used up.
    OutOfQuota,
}

/// What is left to tell when a turn is over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) goal: Option<Goal>,
    /// The thread no longer goes on by itself, for a reason a person should hear of.
    pub(crate) notice: Option<String>,
}

/// The goal of a thread. Never locked across a wait.
#[derive(Debug)]
pub(crate) struct Goals {
    thread_id: ThreadId,
    /// Whether an idle thread goes on by itself. A front end that ends with its turn does not want that.
    continues: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    goal: Option<Goal>,
    meter: Option<Meter>,
    /// The budget just ran out, and the model does not know yet.
    wrap_up: bool,
    /// Nothing is begun until a person speaks.
    held: bool,
    idle_turns: u8,
    /// The turn that runs was begun by us.
    continuing: bool,
}

/// Counts what a turn costs its goal.
#[derive(Debug)]
struct Meter {
    tokens: u64,
    since_ms: i64,
}

impl Meter {
    const fn started(now_ms: i64) -> Self {
        Self { tokens: 0, since_ms: now_ms }
    }
}

impl Goals {
    /// The goals of a thread that has this one, if any. A stored goal is pursued once a person has spoken.
    pub(crate) fn new(thread_id: ThreadId, stored: Option<Goal>, continues: bool) -> Self {
        let state = State { held: stored.is_some(), goal: stored, ..State::default() };
        Self { thread_id, continues, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is complete before the lock is released, so a panic elsewhere leaves the state usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self) -> Option<Goal> {
        self.lock().goal.clone()
    }

    /// Sets the first goal of the thread; there is no second.
    pub(crate) fn create(
        &self,
        objective: &str,
        token_budget: Option<i64>,
        now_ms: i64,
    ) -> Result<Goal, GoalError> {
        let objective = objective.trim();
        if objective.is_empty() {
            return Err(GoalError::NoObjective);
        }
        if objective.chars().count() > LONGEST_OBJECTIVE {
            return Err(GoalError::LongObjective);
        }
        let token_budget = match token_budget.map(u64::try_from) {
            Some(Ok(0) | Err(_)) => return Err(GoalError::NoBudget),
            Some(Ok(budget)) => Some(budget),
            None => None,
        };
        let mut state = self.lock();
        if state.goal.is_some() {
            return Err(GoalError::Exists);
        }
        let goal = Goal {
            thread_id: self.thread_id,
            objective: objective.to_owned(),
            status: GoalStatus::Active,
            token_budget,
            tokens_used: 0,
            time_used_seconds: 0,
            created_at: now_ms / 1000,
            updated_at: now_ms / 1000,
        };
        state.meter = Some(Meter::started(now_ms));
        state.goal = Some(goal.clone());
        Ok(goal)
    }

    /// Sets the status the model asks for. A goal whose budget is used up can be completed, but not blocked.
    pub(crate) fn set_status(&self, status: GoalStatus, now_ms: i64) -> Result<Goal, GoalError> {
        let mut state = self.lock();
        let goal = state.goal.as_mut().ok_or(GoalError::Missing(self.thread_id))?;
        let keeps = goal.status == GoalStatus::BudgetLimited && status == GoalStatus::Blocked;
        if !keeps {
            goal.status = status;
        }
        goal.updated_at = now_ms / 1000;
        let goal = goal.clone();
        state.meter = None;
        Ok(goal)
    }

    /// Notes the tokens of a response.
    pub(crate) fn spend(&self, tokens: u64) {
        if let Some(meter) = &mut self.lock().meter {
            meter.tokens = meter.tokens.saturating_add(tokens);
        }
    }

    /// Charges the goal with what the meter shows. The goal, if that changed it.
    pub(crate) fn charge(&self, now_ms: i64) -> Option<Goal> {
        self.lock().charge(now_ms)
    }

    /// A turn begins; `continuing` if nobody asked for it.
    pub(crate) fn turn_began(&self, continuing: bool, now_ms: i64) {
        let mut state = self.lock();
        state.continuing = continuing;
        if !continuing {
            state.listen();
        }
        state.meter = state.is_active().then(|| Meter::started(now_ms));
    }

    /// A person spoke during a turn.
    pub(crate) fn person_spoke(&self) {
        self.lock().listen();
    }

    /// A turn is over.
    pub(crate) fn turn_ended(&self, end: TurnEnd, now_ms: i64) -> Settled {
        let mut state = self.lock();
        let mut changed = state.charge(now_ms);
        state.meter = None;
        state.wrap_up = false;
        let mut notice = None;
        match end {
            TurnEnd::Done { used_tools } => {
                state.idle_turns = if used_tools || !state.continuing { 0 } else { state.idle_turns + 1 };
                if state.is_active() && state.idle_turns >= MAX_IDLE_TURNS {
                    state.held = true;
                    notice = Some(format!(
                        "The goal is still active, but the model did nothing for {MAX_IDLE_TURNS} turns. \
                         Say something to make it go on."
                    ));
                }
            }
            TurnEnd::Stopped => state.held = true,
            TurnEnd::OutOfQuota => {
                state.held = true;
                if let Some(goal) = state.goal.as_mut().filter(|goal| goal.status == GoalStatus::Active) {
                    goal.status = GoalStatus::UsageLimited;
                    goal.updated_at = now_ms / 1000;
                    changed = Some(goal.clone());
                }
            }
        }
        Settled { goal: changed, notice }
    }

    /// Words for the model when the budget ran out in this turn; told once.
    pub(crate) fn take_wrap_up(&self) -> Option<String> {
        let mut state = self.lock();
        let told = std::mem::take(&mut state.wrap_up);
        state.goal.as_ref().filter(|_| told).map(|goal| steering(prompts::GOAL_WRAP_UP, goal))
    }

    /// Words that begin the next turn of an idle thread, if it is to go on by itself.
    pub(crate) fn continuation(&self) -> Option<String> {
        let state = self.lock();
        let goal = state.goal.as_ref().filter(|_| self.continues && state.is_active() && !state.held)?;
        Some(steering(prompts::GOAL_CONTINUES, goal))
    }
}

impl State {
    fn is_active(&self) -> bool {
        self.goal.as_ref().is_some_and(|goal| goal.status == GoalStatus::Active)
    }

    fn listen(&mut self) {
        self.held = false;
        self.idle_turns = 0;
    }

    fn charge(&mut self, now_ms: i64) -> Option<Goal> {
        let (goal, meter) = (self.goal.as_mut()?, self.meter.as_mut()?);
        let seconds = (now_ms - meter.since_ms).max(0) / 1000;
        meter.since_ms += seconds * 1000;
        let tokens = std::mem::take(&mut meter.tokens);
        if tokens == 0 && seconds == 0 {
            return None;
        }
        goal.tokens_used = goal.tokens_used.saturating_add(tokens);
        goal.time_used_seconds = goal.time_used_seconds.saturating_add(seconds.unsigned_abs());
        goal.updated_at = now_ms / 1000;
        if goal.status == GoalStatus::Active && goal.remaining_tokens() == Some(0) {
            goal.status = GoalStatus::BudgetLimited;
            self.wrap_up = true;
        }
        Some(goal.clone())
    }
}

/// Writes a change of the goal to the log and tells it.
pub(crate) async fn tell(outlet: &Outlet, turn_id: &TurnId, goal: Goal) {
    let event = RolloutEvent::ThreadGoalUpdated {
        thread_id: goal.thread_id,
        turn_id: Some(turn_id.clone()),
        goal: goal.clone(),
    };
    outlet.record_event(event).await;
    outlet.announce(Some(turn_id), EventKind::GoalUpdated(goal)).await;
}

/// A steering message: a template filled with what is known of the goal.
fn steering(template: &str, goal: &Goal) -> String {
    let count = |count: Option<u64>, missing: &str| count.map_or(missing.to_owned(), |n| n.to_string());
    // The objective comes last: what a person wrote is never taken for a place to fill.
    let text = template
        .replace("{used}", &goal.tokens_used.to_string())
        .replace("{budget}", &count(goal.token_budget, "none"))
        .replace("{remaining}", &count(goal.remaining_tokens(), "unlimited"))
        .replace("{seconds}", &goal.time_used_seconds.to_string())
        .replace("{objective}", &escape(&goal.objective));
    format!("<codex_internal_context source=\"goal\">\n{text}\n</codex_internal_context>")
}

/// The objective cannot end its element.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goals() -> Goals {
        let id = "01a1f892-0408-77c3-bcb5-6fb4c1b69cf6".parse().unwrap();
        Goals::new(id, None, true)
    }

    const TALKED: TurnEnd = TurnEnd::Done { used_tools: false };

    #[test]
    fn the_response_that_sets_a_goal_is_free() {
        let goals = goals();
        goals.turn_began(false, 0);
        goals.spend(90);
        goals.create(" x ", Some(1000), 1000).unwrap();
        assert_eq!(goals.charge(1000), None);
        goals.spend(90);
        let goal = goals.charge(3500).unwrap();
        assert_eq!((goal.tokens_used, goal.time_used_seconds, goal.updated_at), (90, 2, 3));
        assert_eq!(goal.objective, "x");
    }

    #[test]
    fn part_of_a_second_is_not_lost() {
        let goals = goals();
        goals.create("x", None, 0).unwrap();
        assert_eq!(goals.charge(900), None);
        assert_eq!(goals.charge(1900).unwrap().time_used_seconds, 1);
        assert_eq!(goals.charge(2000).unwrap().time_used_seconds, 2);
    }

    #[test]
    fn a_used_up_budget_is_told_once_and_ends_the_pursuit() {
        let goals = goals();
        goals.create("x", Some(100), 0).unwrap();
        goals.spend(100);
        assert_eq!(goals.charge(0).unwrap().status, GoalStatus::BudgetLimited);
        assert!(goals.take_wrap_up().unwrap().contains("<objective>\nx\n</objective>"));
        assert_eq!(goals.take_wrap_up(), None);
        assert_eq!(goals.set_status(GoalStatus::Blocked, 0).unwrap().status, GoalStatus::BudgetLimited);
        assert_eq!(goals.set_status(GoalStatus::Complete, 0).unwrap().status, GoalStatus::Complete);
        assert_eq!(goals.continuation(), None);
    }

    #[test]
    fn a_model_that_only_talks_is_left_alone_after_three_turns() {
        let goals = goals();
        goals.turn_began(false, 0);
        goals.create("x", None, 0).unwrap();
        assert_eq!(goals.turn_ended(TALKED, 0), Settled::default());
        for turn in 1..=3 {
            assert!(goals.continuation().is_some(), "before turn {turn}");
            goals.turn_began(true, 0);
            assert_eq!(goals.turn_ended(TALKED, 0).notice.is_some(), turn == 3);
        }
        assert_eq!(goals.continuation(), None);
        goals.turn_began(false, 0);
        goals.turn_ended(TALKED, 0);
        assert!(goals.continuation().is_some(), "a person spoke");
    }

    #[test]
    fn a_turn_that_works_starts_the_count_anew() {
        let goals = goals();
        goals.create("x", None, 0).unwrap();
        for used_tools in [false, false, true, false, false] {
            goals.turn_began(true, 0);
            goals.turn_ended(TurnEnd::Done { used_tools }, 0);
        }
        assert!(goals.continuation().is_some());
    }

    #[test]
    fn an_interrupted_or_stored_goal_waits_for_a_person() {
        let goals = goals();
        let goal = goals.create("x", None, 0).unwrap();
        goals.turn_ended(TurnEnd::Stopped, 0);
        assert_eq!(goals.continuation(), None);
        let stored = Goals::new(goal.thread_id, Some(goal), true);
        assert_eq!(stored.continuation(), None);
        stored.turn_began(false, 0);
        assert!(stored.continuation().is_some());
    }

    #[test]
    fn a_used_up_account_stops_the_goal() {
        let goals = goals();
        goals.create("x", None, 0).unwrap();
        let settled = goals.turn_ended(TurnEnd::OutOfQuota, 0);
        assert_eq!(settled.goal.unwrap().status, GoalStatus::UsageLimited);
    }

    #[test]
    fn an_objective_cannot_break_out() {
        let goals = goals();
        goals.create("</objective>{used} & more", None, 0).unwrap();
        let text = goals.continuation().unwrap();
        assert!(text.contains("<objective>\n&lt;/objective&gt;{used} &amp; more\n</objective>"), "{text}");
    }

    #[test]
    fn refusals() {
        let goals = goals();
        assert_eq!(goals.create("  ", None, 0), Err(GoalError::NoObjective));
        assert_eq!(goals.create(&"é".repeat(4001), None, 0), Err(GoalError::LongObjective));
        assert_eq!(goals.create("x", Some(0), 0), Err(GoalError::NoBudget));
        assert_eq!(goals.create("x", Some(-1), 0), Err(GoalError::NoBudget));
        assert!(matches!(goals.set_status(GoalStatus::Complete, 0), Err(GoalError::Missing(_))));
        goals.create("x", None, 0).unwrap();
        goals.set_status(GoalStatus::Complete, 0).unwrap();
        assert_eq!(goals.create("y", None, 0), Err(GoalError::Exists));
    }
}
