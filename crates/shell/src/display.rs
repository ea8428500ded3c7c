//! Commands as people and clients see them.

/// Joins an argument vector to one line that a shell would split again, as in `/bin/bash -lc 'ls; echo hi'`.
///
/// Clients compare these lines, so the quoting is fixed: bare words stay bare, everything else is quoted with as few
/// quotes as possible. An argument with a NUL byte cannot be given to a program at all and has no such form.
pub fn join<S: AsRef<str>>(argv: &[S]) -> String {
    shlex::try_join(argv.iter().map(AsRef::as_ref))
        .unwrap_or_else(|_| "<command included NUL byte>".to_owned())
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn quoting_is_the_one_clients_know() {
        let rows = [
            ("ls", "ls"),
            ("", "''"),
            ("a b", "'a b'"),
            ("x'y", "\"x'y\""),
            ("x'y\"z", "\"x'y\\\"z\""),
            ("a\\b", "\"a\\\\b\""),
            ("a$b", "'a$b'"),
            ("a'$b", "\"a'\"'$b'"),
            ("a!'b", "'a!'\"'b\""),
            ("a^'b", "a'^'\"'b\""),
            ("é", "'é'"),
            ("é'x", "\"é'x\""),
            ("a\nb", "'a\nb'"),
            ("~x", "'~x'"),
            ("a=b", "'a=b'"),
            ("-x", "-x"),
            ("a,b", "'a,b'"),
            ("]", "]"),
            ("x'y$z\"w\\`v", "\"x'y\"'$z\"w'\"\\\\\"'`v'"),
            ("'^'!", "\"'\"'^'\"'\"'!'"),
        ];
        for (argument, shown) in rows {
            assert_eq!(join(&["/bin/bash", "-lc", argument]), format!("/bin/bash -lc {shown}"));
        }
        assert_eq!(join(&["/bin/bash", "-lc", "a\0b"]), "<command included NUL byte>");
    }
}
