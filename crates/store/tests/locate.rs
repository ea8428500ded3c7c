//! Finding sessions in a home.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use quire_protocol::ThreadId;
use quire_store::{LocateError, Located, find_by_id, find_by_name, latest, nearest, set_name};
use tempfile::TempDir;

fn id(last: u8) -> ThreadId {
    // Its time is on 2025-11-20, in UTC.
    format!("019aa075-3a00-7380-9af7-ff5a2bfcf2{last:02x}").parse().unwrap()
}

fn rollout(id: ThreadId, cwd: &str) -> String {
    format!(
        r#"{{"timestamp":"t","type":"session_meta","payload":{{"id":"{id}","timestamp":"t","cwd":{cwd:?},"originator":"o","cli_version":"v"}}}}
{{"timestamp":"t","type":"event_msg","payload":{{"type":"user_message","message":"hello"}}}}
"#
    )
}

fn put(home: &TempDir, path: &str, text: &str) -> PathBuf {
    let path = home.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn touch(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
    File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

fn usual_place(id: ThreadId) -> String {
    format!("sessions/2025/11/20/rollout-2025-11-20T09-06-07-{id}.jsonl")
}

#[test]
fn the_id_in_the_name_is_enough() {
    let wanted = id(1);
    for place in [
        usual_place(wanted),
        format!("sessions/1999/01/01/rollout-2026-11-20T09-06-07-{wanted}.jsonl"),
        format!("sessions/{wanted}.json"),
        format!("sessions/elsewhere/deep/x-{}.jsonl", wanted.to_string().to_uppercase()),
    ] {
        let home = tempfile::tempdir().unwrap();
        put(&home, &usual_place(id(2)), "");
        let path = put(&home, &place, "");
        assert_eq!(find_by_id(home.path(), wanted).unwrap(), path);
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_is_found_and_a_loop_of_directories_is_survived() {
    let home = tempfile::tempdir().unwrap();
    let target = put(&home, "elsewhere.jsonl", "");
    let link = put(&home, &usual_place(id(2)), "").with_file_name(format!("rollout-x-{}.jsonl", id(1)));
    std::os::unix::fs::symlink(target, &link).unwrap();
    std::os::unix::fs::symlink(home.path(), home.path().join("sessions/2025/loop")).unwrap();
    assert_eq!(find_by_id(home.path(), id(1)).unwrap(), link);
    assert!(matches!(find_by_id(home.path(), id(3)), Err(LocateError::NotFound { .. })));
}

#[test]
fn of_several_files_the_newest_is_taken() {
    let home = tempfile::tempdir().unwrap();
    put(&home, &format!("sessions/2020/01/01/rollout-2020-01-01T00-00-00-{}.jsonl", id(1)), "");
    let newer = put(&home, &format!("sessions/2021/01/01/rollout-2021-01-01T00-00-00-{}.jsonl", id(1)), "");
    assert_eq!(find_by_id(home.path(), id(1)).unwrap(), newer);
}

#[test]
fn an_archived_session_is_told_from_an_unknown_one() {
    let home = tempfile::tempdir().unwrap();
    assert!(matches!(find_by_id(home.path(), id(1)), Err(LocateError::NotFound { .. })));
    put(
        &home,
        &format!("archived_sessions/rollout-2026-11-20T09-06-07-{}.jsonl", id(1)),
        &rollout(id(1), "/w"),
    );
    let error = find_by_id(home.path(), id(1)).unwrap_err();
    assert!(error.to_string().contains(&format!("codex unarchive {}", id(1))), "{error}");
    let error = find_by_id(home.path(), id(2)).unwrap_err();
    assert_eq!(error.to_string(), format!("no rollout found for thread id {}", id(2)));
    // By name as well.
    set_name(home.path(), id(1), "away", "now").unwrap();
    assert!(matches!(find_by_name(home.path(), "away"), Err(LocateError::Archived { .. })));
}

#[test]
fn names_go_to_the_thread_named_last_that_still_exists() {
    let home = tempfile::tempdir().unwrap();
    let one = put(&home, &usual_place(id(1)), &rollout(id(1), "/w"));
    let two = put(&home, &usual_place(id(2)), &rollout(id(2), "/w"));
    for (thread, name) in [(1, "mine"), (2, "mine"), (3, "mine"), (4, "other")] {
        set_name(home.path(), id(thread), name, "now").unwrap();
    }
    put(&home, &usual_place(id(3)), "not a session");
    let found = |name| find_by_name(home.path(), name).unwrap();
    assert_eq!(found("mine"), Some(Located { id: id(2), path: two }));
    assert_eq!(found("Mine"), None);
    assert_eq!(found("other"), None);
    // A renamed thread is no longer found by its old name.
    set_name(home.path(), id(2), "renamed", "now").unwrap();
    assert_eq!(found("mine"), Some(Located { id: id(1), path: one }));
}

#[test]
fn the_latest_is_the_one_written_to_last_in_this_directory() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(latest(home.path(), None).unwrap(), None);
    let old_but_resumed = put(
        &home,
        &format!("sessions/2020/01/01/rollout-2020-01-01T00-00-00-{}.jsonl", id(1)),
        &rollout(id(1), "/w"),
    );
    let newer = put(&home, &usual_place(id(2)), &rollout(id(2), "/w"));
    let elsewhere = put(&home, &usual_place(id(3)), &rollout(id(3), "/elsewhere"));
    let silent = put(&home, &usual_place(id(4)), rollout(id(4), "/w").lines().next().unwrap());
    let broken = put(&home, &usual_place(id(5)), "garbage\n");
    let misnamed = put(&home, &format!("sessions/2025/11/20/{}.jsonl", id(6)), &rollout(id(6), "/w"));
    for (time, path) in
        [&newer, &old_but_resumed, &elsewhere, &silent, &broken, &misnamed].into_iter().enumerate()
    {
        touch(path, time as u64);
    }
    let path = |cwd: Option<&str>| latest(home.path(), cwd.map(Path::new)).unwrap().map(|found| found.path);
    assert_eq!(path(Some("/w")), Some(old_but_resumed));
    assert_eq!(path(None), Some(elsewhere));
    assert_eq!(path(Some("/nowhere")), None);
}

#[test]
fn a_meta_line_in_another_order_is_matched_too() {
    let home = tempfile::tempdir().unwrap();
    // The first `cwd` key is not the session's.
    let text = rollout(id(1), "/w").replace(
        r#""payload":{"#,
        r#""payload":{"git":{"branch":"b","cwd":"/other"},"x":{"y":1,"cwd":"/other"},"#,
    );
    let path = put(&home, &usual_place(id(1)), &text);
    assert_eq!(latest(home.path(), Some(Path::new("/w"))).unwrap().map(|found| found.path), Some(path));
    assert_eq!(latest(home.path(), Some(Path::new("/other"))).unwrap(), None);
}

#[test]
fn suggestions_are_the_likeliest_first() {
    let home = tempfile::tempdir().unwrap();
    for (thread, name) in [(1, "release notes"), (2, "relase"), (3, "unrelated"), (4, "draft release")] {
        set_name(home.path(), id(thread), name, "now").unwrap();
    }
    put(&home, &usual_place(id(7)), "");
    assert_eq!(nearest(home.path(), "Release", 3).unwrap(), ["release notes", "draft release", "relase"]);
    assert_eq!(nearest(home.path(), "release", 1).unwrap(), ["release notes"]);
    assert_eq!(nearest(home.path(), &id(7).to_string()[..20], 9).unwrap(), [id(7).to_string()]);
    let typo = id(7).to_string().replace("9af7", "9fa7");
    assert_eq!(nearest(home.path(), &typo, 9).unwrap(), [id(7).to_string()]);
    assert!(nearest(home.path(), "zzz", 9).unwrap().is_empty());
}

#[test]
fn a_home_that_cannot_be_searched_is_named() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("sessions"), "in the way").unwrap();
    let error = latest(home.path(), None).unwrap_err();
    assert!(error.to_string().contains("sessions"), "{error}");
}
