//! Session files that a power cut or a foreign program left in a bad state: repaired by adding, never glued, never lost.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use crate::support::{World, payloads, say, stored};

struct Damaged {
    world: World,
    id: String,
    rollout: PathBuf,
}

impl Damaged {
    /// A session of one turn whose file was changed afterwards.
    async fn new(damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let world = World::new(json!([say("one"), say("two"), say("three")])).await;
        let id = world.run(&["exec", "--json", "first words"]).await.assert_code(0).thread_id();
        let rollout = world.rollouts().remove(0);
        let mut bytes = std::fs::read(&rollout).unwrap();
        damage(&mut bytes);
        std::fs::File::create(&rollout).unwrap().write_all(&bytes).unwrap();
        Self { world, id, rollout }
    }

    /// Resumes twice: the second time shows that the first one left a file that can be read.
    async fn assert_goes_on(&self, name: &str) {
        let before = std::fs::read(&self.rollout).unwrap();
        for (request, prompt) in [(1, "second words"), (2, "third words")] {
            let ran = self.world.run(&["exec", "--json", "resume", &self.id, prompt]).await;
            assert_eq!(ran.assert_code(0).thread_id(), self.id, "{name}");
            let told = self.world.request(request)["input"].to_string();
            for words in ["first words", prompt] {
                assert!(told.contains(words), "{name}: {words}: {told}");
            }
        }
        assert!(self.world.request(2)["input"].to_string().contains("second words"), "{name}");
        let after = std::fs::read(&self.rollout).unwrap();
        assert!(after.starts_with(&before), "{name}: what was there was rewritten");
        let lines = stored(&self.rollout);
        assert_eq!(payloads(&lines, "task_started").count(), 3, "{name}: a line was glued to a torn one");
        assert_eq!(self.world.rollouts().as_slice(), std::slice::from_ref(&self.rollout), "{name}");
    }
}

#[tokio::test]
async fn a_torn_last_line_is_ended_not_continued() {
    for cut in [1, 2, 40] {
        let damaged = Damaged::new(|bytes| bytes.truncate(bytes.len() - cut)).await;
        damaged.assert_goes_on(&format!("{cut} bytes cut off")).await;
        // Only the line feed was missing: the line counts.
        let whole = payloads(&stored(&damaged.rollout), "task_complete").count();
        assert_eq!(whole, if cut == 1 { 3 } else { 2 });
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_passed_over() {
    let junk: [(&str, &[u8]); 5] = [
        ("half a line", b"{\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"type\":\"resp"),
        ("noise", b"\x00\x01\x02 not json\n"),
        (
            "no UTF-8",
            b"{\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"type\":\"event_msg\",\"payload\":\"\xff\"}\n",
        ),
        ("empty lines", b"\n\r\n\n"),
        (
            "a kind of tomorrow",
            b"{\"timestamp\":\"2026-01-01T00:00:00.000Z\",\"type\":\"hologram\",\"payload\":{}}\n",
        ),
    ];
    for (name, junk) in junk {
        Damaged::new(|bytes| bytes.extend_from_slice(junk)).await.assert_goes_on(name).await;
    }
}

/// Without its first line a session is none; saying so must not change the file.
#[tokio::test]
async fn a_session_without_its_first_line_is_refused_and_left_alone() {
    for keep_nothing in [false, true] {
        let damaged = Damaged::new(|bytes| {
            let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            bytes.drain(..if keep_nothing { bytes.len() } else { first });
        })
        .await;
        let before = std::fs::read(&damaged.rollout).unwrap();
        let ran = damaged.world.run(&["exec", "--json", "resume", &damaged.id, "again"]).await;
        assert_eq!(ran.assert_code(1).out, "");
        let reason = if keep_nothing { "is empty" } else { "does not start with session metadata" };
        assert!(ran.err.starts_with("Error: thread/resume: ") && ran.err.contains(reason), "{}", ran.err);
        assert_eq!(std::fs::read(&damaged.rollout).unwrap(), before);
        assert_eq!(damaged.world.model.sampling_requests().len(), 1);
    }
}
