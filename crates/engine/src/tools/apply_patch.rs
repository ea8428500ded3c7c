//! `apply_patch`: changes files by a patch in the model's own format (apply-patch sheet §5). Also runs the patches
//! found in shell commands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quire_models::ApplyPatchTool;
use quire_process::Exit;
use quire_protocol::{
    EventKind, FileChange, FileUpdateChange, PatchChange, PatchStatus, RolloutEvent, ToolOutput, TurnItem,
};
use serde_json::{Value, json};

use super::command::{parse_patch, patch_helper};
use super::{Done, Gate, Refusal, Run, Tool, ToolCall, TurnScope};
use crate::approvals::{self, Decision};

/// A patch is local work; one that takes longer than this hangs.
const TIMEOUT: Duration = Duration::from_mins(1);

pub(super) struct ApplyPatch;

impl Tool for ApplyPatch {
    fn name(&self) -> &'static str {
        "apply_patch"
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        gate.model.apply_patch_tool_type.map(|ApplyPatchTool::Freeform| {
            json!({
                "type": "custom",
                "name": self.name(),
                "description": "Adds, edits, moves and deletes files. The input is the patch itself, not JSON.",
                "format": {"type": "grammar", "syntax": "lark", "definition": quire_patch::GRAMMAR},
            })
        })
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move { run_patch(&call.call_id, call.input()?, &turn.cwd, turn).await })
    }
}

/// Verifies, decides, applies and reports a patch.
pub(super) async fn run_patch(
    call_id: &str,
    text: &str,
    cwd: &Path,
    turn: &TurnScope,
) -> Result<Done, Refusal> {
    let patch = parse_patch(text)?;
    if patch.environment_id.is_some() {
        return Err(Refusal::new("apply_patch environment selection is unavailable for this turn"));
    }
    if patch.hunks.is_empty() {
        return Err(Refusal::new("patch rejected: empty patch"));
    }
    let verified = {
        let (patch, base) = (patch.clone(), turn.path_base(cwd));
        blocking(move || quire_patch::verify(&patch, &base))
            .await?
            .map_err(|error| Refusal(error.tool_message()))?
    };
    let written = verified.written_paths;
    let temp_dir = turn.services.temp_dir.as_deref();
    let decision = approvals::patch(&turn.approval_policy, &turn.profile, &turn.cwd, temp_dir, &written);
    if let Decision::Refuse(reason) = decision {
        return Err(Refusal(reason));
    }
    let changes: BTreeMap<PathBuf, FileChange> =
        verified.changes.iter().map(|(path, change)| (path.clone(), protocol_change(&change.kind))).collect();
    let item = |status| TurnItem::FileChange {
        id: call_id.to_owned(),
        changes: changes.iter().map(|(path, change)| FileUpdateChange::new(path.clone(), change)).collect(),
        status,
    };
    turn.announce(EventKind::ItemStarted(item(PatchStatus::InProgress))).await;
    turn.diff.before_patch(&written);
    let started = Instant::now();
    let applied = apply(text, cwd, turn).await;
    turn.diff.after_patch(&written);
    let (exit, stdout, stderr) = match applied {
        Ok(summary) => (0, summary, String::new()),
        Err(complaint) => (1, String::new(), complaint),
    };
    let status = if exit == 0 { PatchStatus::Completed } else { PatchStatus::Failed };
    turn.record_event(RolloutEvent::PatchApplyEnd {
        call_id: call_id.to_owned(),
        turn_id: Some(turn.turn_id.clone()),
        stdout: stdout.clone(),
        stderr: stderr.clone(),
        success: exit == 0,
        changes: changes.iter().map(|(path, change)| (path.clone(), PatchChange::from(change))).collect(),
        status: if exit == 0 { "completed" } else { "failed" }.to_owned(),
    })
    .await;
    let mut then = vec![EventKind::ItemCompleted(item(status))];
    then.extend(turn.diff.unified_diff(&turn.cwd).map(|unified_diff| EventKind::TurnDiff { unified_diff }));
    let seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let text = format!("Exit code: {exit}\nWall time: {seconds} seconds\nOutput:\n{stdout}{stderr}");
    Ok(Done { output: ToolOutput::Text(text).into(), then })
}

/// Applies a verified patch: behind the sandbox where the turn has one, so that a link cannot lead a write out of it.
async fn apply(text: &str, cwd: &Path, turn: &TurnScope) -> Result<String, String> {
    let helper = patch_helper(cwd, text, turn).map_err(|error| format!("{error}\n"))?;
    let Some(request) = helper else {
        let (text, base) = (text.to_owned(), turn.path_base(cwd));
        let applied = blocking(move || {
            let patch = quire_patch::parse(&text).map_err(|error| error.cli_message())?;
            quire_patch::apply(&patch, &base).map_err(|error| error.to_string())
        });
        return match applied.await {
            Ok(Ok(applied)) => Ok(applied.summary()),
            Ok(Err(complaint)) => Err(complaint + "\n"),
            Err(refusal) => Err(refusal.0),
        };
    };
    match quire_process::run_once(request, TIMEOUT).await {
        Ok(done) => {
            let output = String::from_utf8_lossy(&done.output).into_owned();
            if done.exit == Exit::Code(0) { Ok(output) } else { Err(output) }
        }
        Err(error) => Err(format!("the patch helper could not be started: {error}\n")),
    }
}

fn protocol_change(change: &quire_patch::FileChange) -> FileChange {
    match change.clone() {
        quire_patch::FileChange::Add { content } => FileChange::Add { content },
        quire_patch::FileChange::Delete { content } => FileChange::Delete { content },
        quire_patch::FileChange::Update { unified_diff, move_path, .. } => {
            FileChange::Update { unified_diff, move_path }
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Refusal(format!("apply_patch failed: {error}")))
}
