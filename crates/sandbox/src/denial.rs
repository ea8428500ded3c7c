//! Reading from a failed command whether the sandbox was the reason (sandbox sheet §9).
//!
//! A newcomer's trap: this is a guess from text, used only to offer a retry. What is denied is decided by the kernel.

/// Words that speak of a refusal by the operating system, in lower case.
const MARKERS: [&str; 7] = [
    "operation not permitted",
    "permission denied",
    "read-only file system",
    "seccomp",
    "sandbox",
    "landlock",
    "failed to write file",
];

/// 128 + SIGSYS: the system call filter ended the command.
const KILLED_BY_FILTER: i32 = 159;

/// Whether a sandboxed command that ended with `exit_code` and wrote `output` was stopped by its sandbox.
///
/// Call it only for commands that ran sandboxed and did not time out.
pub fn denied(exit_code: i32, output: &str) -> bool {
    if exit_code == 0 {
        return false;
    }
    let output = output.to_lowercase();
    exit_code == KILLED_BY_FILTER || MARKERS.iter().any(|marker| output.contains(marker))
}

#[cfg(test)]
mod tests {
    use super::denied;

    #[test]
    fn text_of_a_refusal_counts_in_any_case() {
        assert!(denied(1, "touch: cannot touch 'x': Read-only file system"));
        assert!(denied(126, "bash: ./x: PERMISSION DENIED"));
        assert!(denied(2, "Landlock"));
    }

    #[test]
    fn success_and_plain_failures_do_not_count() {
        assert!(!denied(0, "permission denied"));
        for code in [1, 2, 126, 127, 137] {
            assert!(!denied(code, "no such file"), "{code}");
        }
    }

    #[test]
    fn the_filter_signal_counts_without_text() {
        assert!(denied(159, ""));
    }
}
