//! Generated homes: a config, a long session, many short ones.
//!
//! In come the folders, out come files of the shape the reference writes (five line types, compactions, token
//! counts). The texts are made by a small generator with a fixed seed, so that both sides and all runs get the
//! same bytes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

/// Id of the long session.
pub(crate) const RESUMED: &str = "0199f0aa-0000-7000-8000-00000000beef";
/// Lines of the long session.
const LONG_LINES: usize = 24_000;
/// Lines between two compactions.
const COMPACT_EVERY: usize = 1_990;
/// Bytes of one tool output; with the other lines this makes about 50 MB.
const OUTPUT_BYTES: usize = 6_700;

/// The config of every home: a provider, and no traffic beside the model's.
pub(crate) fn config(base_url: &str) -> String {
    format!(
        "model = \"gpt-5.5\"\nmodel_provider = \"bench\"\ncheck_for_update_on_startup = false\n\n\
         [analytics]\nenabled = false\n\n\
         [model_providers.bench]\nname = \"Bench\"\nbase_url = \"{base_url}\"\nenv_key = \"BENCH_KEY\"\n"
    )
}

/// Some 2,000 lines of settings, in the mix of a file that has grown for years.
pub(crate) fn many_settings() -> String {
    let mut text = String::new();
    for n in 0..60 {
        let _ = write!(
            text,
            "\n# Server {n}.\n[mcp_servers.server_{n}]\ncommand = \"server-{n}\"\nargs = [\"--port\", \"{n}\"]\n\
             startup_timeout_sec = 20\nenabled = false\nenabled_tools = [\"search\", \"fetch\"]\n\
             [mcp_servers.server_{n}.env]\nLOG = \"info\"\n"
        );
    }
    for n in 0..40 {
        let _ = write!(
            text,
            "\n[model_providers.provider_{n}]\nname = \"Provider {n}\"\nbase_url = \"http://127.0.0.1:{n}/v1\"\n\
             env_key = \"PROVIDER_{n}_KEY\"\nquery_params = {{ api-version = \"{n}\" }}\n\
             http_headers = {{ x-team = \"tools\" }}\nrequest_max_retries = 2\n"
        );
    }
    for n in 0..280 {
        let _ =
            write!(text, "\n[projects.\"/home/someone/projects/number-{n}\"]\ntrust_level = \"trusted\"\n");
    }
    for n in 0..70 {
        let _ = write!(text, "\n[[skills.config]]\nname = \"skill-{n}\"\nenabled = true\n");
    }
    text
}

/// Writes one session of about 50 MB with compactions and returns its path.
pub(crate) fn long_session(home: &Path, work: &Path) -> Result<PathBuf> {
    let folder = home.join("sessions/2026/01/02");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("rollout-2026-01-02T03-04-05-{RESUMED}.jsonl"));
    let mut session = Session::create(&path, RESUMED, work)?;
    let mut next_compaction = COMPACT_EVERY;
    let mut turn = 0;
    while session.lines < LONG_LINES {
        session.turn(turn, 8)?;
        turn += 1;
        if session.lines >= next_compaction {
            session.compaction()?;
            next_compaction += COMPACT_EVERY;
        }
    }
    session.out.flush()?;
    Ok(path)
}

/// Writes `count` short sessions, three a day.
pub(crate) fn many_sessions(home: &Path, work: &Path, count: usize) -> Result<()> {
    for number in 0..count {
        let (year, month, day) = (2023 + number / 1_080, number / 90 % 12 + 1, number / 3 % 28 + 1);
        let folder = home.join(format!("sessions/{year}/{month:02}/{day:02}"));
        std::fs::create_dir_all(&folder)?;
        let id = format!("0199f0aa-0000-7000-8000-{number:012x}");
        let path =
            folder.join(format!("rollout-{year}-{month:02}-{day:02}T03-04-{:02}-{id}.jsonl", number % 60));
        let mut session = Session::create(&path, &id, work)?;
        session.turn(0, 1)?;
        session.out.flush()?;
    }
    Ok(())
}

/// A session file being written.
struct Session {
    out: BufWriter<File>,
    lines: usize,
    words: Words,
    work: String,
}

impl Session {
    fn create(path: &Path, id: &str, work: &Path) -> Result<Self> {
        let work = work.display().to_string();
        let out = BufWriter::new(File::create(path)?);
        let mut session = Self { out, lines: 0, words: Words(7), work };
        let meta = json!({"id": id, "timestamp": TIME, "cwd": session.work, "originator": "codex_exec",
            "cli_version": "0.136.0", "source": "exec", "thread_source": "user", "model_provider": "bench",
            "base_instructions": {"text": "You are a careful helper."}, "git": {}});
        session.line("session_meta", &meta)?;
        Ok(session)
    }

    fn line(&mut self, kind: &str, payload: &Value) -> Result<()> {
        let line = json!({"timestamp": TIME, "type": kind, "payload": payload});
        writeln!(self.out, "{line}")?;
        self.lines += 1;
        Ok(())
    }

    /// A turn in which the model runs `calls` commands and answers.
    fn turn(&mut self, number: usize, calls: usize) -> Result<()> {
        let id = format!("0199f0aa-0000-7000-8000-{:012x}", 0xaa_0000 + number);
        let question = self.words.text(120);
        self.line(
            "event_msg",
            &json!({"type": "task_started", "turn_id": id, "started_at": 1_767_323_046,
                "model_context_window": 258_400, "collaboration_mode_kind": "default"}),
        )?;
        self.line(
            "turn_context",
            &json!({"turn_id": id, "cwd": self.work, "workspace_roots": [self.work],
                "current_date": "2026-01-02", "timezone": "Etc/UTC", "approval_policy": "never",
                "sandbox_policy": {"type": "danger-full-access"}, "permission_profile": {"type": "disabled"},
                "model": "gpt-5.5", "personality": "pragmatic", "collaboration_mode": {"mode": "default",
                "settings": {"model": "gpt-5.5", "reasoning_effort": null, "developer_instructions": null}},
                "realtime_active": false, "summary": "auto"}),
        )?;
        self.line("response_item", &message("user", "input_text", &question))?;
        self.line(
            "event_msg",
            &json!({"type": "user_message", "message": question, "images": [], "local_images": [],
                "text_elements": []}),
        )?;
        for call in 0..calls {
            let call_id = format!("call_{number}_{call}");
            let output = self.words.text(OUTPUT_BYTES);
            self.line(
                "response_item",
                &json!({"type": "function_call", "name": "exec_command",
                    "arguments": "{\"cmd\":\"cat notes.txt\"}", "call_id": call_id}),
            )?;
            self.line(
                "response_item",
                &json!({"type": "function_call_output", "call_id": call_id, "output": format!(
                    "Chunk ID: abc123\nWall time: 0.0100 seconds\nProcess exited with code 0\n\
                     Original token count: 1500\nOutput:\n{output}\n")}),
            )?;
            self.token_count()?;
        }
        let answer = self.words.text(400);
        self.line(
            "event_msg",
            &json!({"type": "agent_message", "message": answer, "phase": null, "memory_citation": null}),
        )?;
        self.line("response_item", &message("assistant", "output_text", &answer))?;
        self.token_count()?;
        self.line(
            "event_msg",
            &json!({"type": "task_complete", "turn_id": id, "last_agent_message": answer,
                "completed_at": 1_767_323_051, "duration_ms": 5_000, "time_to_first_token_ms": 1_000}),
        )
    }

    fn token_count(&mut self) -> Result<()> {
        let usage = json!({"input_tokens": 20_000, "cached_input_tokens": 10_000, "output_tokens": 500,
            "reasoning_output_tokens": 100, "total_tokens": 20_500});
        self.line(
            "event_msg",
            &json!({"type": "token_count", "info": {"total_token_usage": usage, "last_token_usage": usage,
                "model_context_window": 258_400}, "rate_limits": null}),
        )
    }

    fn compaction(&mut self) -> Result<()> {
        let summary = self.words.text(3_000);
        let kept: Vec<Value> =
            (0..20).map(|_| message("user", "input_text", &self.words.text(120))).collect();
        let mut history = kept;
        history.push(message("user", "input_text", &summary));
        self.line("compacted", &json!({"message": summary, "replacement_history": history}))?;
        self.line("event_msg", &json!({"type": "context_compacted"}))
    }
}

const TIME: &str = "2026-01-02T03:04:05.678Z";

fn message(role: &str, part: &str, text: &str) -> Value {
    json!({"type": "message", "role": role, "content": [{"type": part, "text": text}]})
}

/// A generator of harmless texts (a linear congruence; quality does not matter here).
struct Words(u64);

impl Words {
    fn text(&mut self, bytes: usize) -> String {
        const VOCABULARY: [&str; 16] = [
            "pear",
            "river",
            "stone",
            "\"quoted\"",
            "leaf",
            "über",
            "lamp",
            "row\n",
            "cloud",
            "path/to",
            "seven",
            "world",
            "thread",
            "ink",
            "window",
            "{brace}",
        ];
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(VOCABULARY[(self.0 >> 60) as usize]);
            text.push(' ');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_same_every_time() {
        assert_eq!(Words(7).text(500), Words(7).text(500));
        assert!((500..520).contains(&Words(7).text(500).len()));
    }
}
