//! Remote URLs without the secrets people put into them.
//!
//! In: a URL as git has it. Out: the same without credentials, fit to be stored or sent. The reference does neither.
//!
//! A newcomer's trap: over HTTP a lone user name may be a token, so it goes; over SSH it is part of the address
//! (`git@`), so it stays.

/// Removes credentials from a remote URL. Paths and `user@host:path` are returned as they are.
pub fn without_credentials(url: &str) -> String {
    let Some(authority) = url.find("://").map(|at| at + "://".len()) else {
        return without_scp_password(url);
    };
    let (scheme, rest) = url.split_at(authority);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some(at) = rest[..end].rfind('@') else { return url.to_owned() };
    let (user, host) = (&rest[..at], &rest[at + 1..]);
    let user = user.split_once(':').map_or(user, |(user, _)| user);
    let scheme_name = scheme.trim_end_matches("://").to_ascii_lowercase();
    if scheme_name.ends_with("ssh") && !user.is_empty() {
        format!("{scheme}{user}@{host}")
    } else {
        format!("{scheme}{host}")
    }
}

/// `user@host:path` knows no password; what looks like one is removed with its user.
fn without_scp_password(url: &str) -> String {
    let end = url.find('/').unwrap_or(url.len());
    match url[..end].rfind('@') {
        Some(at) if url[..at].contains(':') => url[at + 1..].to_owned(),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn credentials_go_and_addresses_stay() {
        for (url, clean) in [
            ("https://git.example/x.git", "https://git.example/x.git"),
            ("https://user:secret@git.example/x.git", "https://git.example/x.git"),
            ("https://token@git.example/x.git", "https://git.example/x.git"),
            ("https://user:p@ss@git.example:8443/x@y.git", "https://git.example:8443/x@y.git"),
            ("HTTPS://u:p@h", "HTTPS://h"),
            ("https://git.example/a@b", "https://git.example/a@b"),
            ("https://git.example?u=a@b", "https://git.example?u=a@b"),
            ("ssh://git@git.example:22/x.git", "ssh://git@git.example:22/x.git"),
            ("ssh://git:secret@git.example/x.git", "ssh://git@git.example/x.git"),
            ("git+ssh://git:secret@git.example/x.git", "git+ssh://git@git.example/x.git"),
            ("ssh://:secret@git.example/x.git", "ssh://git.example/x.git"),
            ("git@git.example:team/x.git", "git@git.example:team/x.git"),
            ("user:secret@git.example:team/x.git", "git.example:team/x.git"),
            ("/srv/git/a@b.git", "/srv/git/a@b.git"),
            ("../a:b@c", "../a:b@c"),
            ("file:///srv/x.git", "file:///srv/x.git"),
            ("", ""),
        ] {
            assert_eq!(without_credentials(url), clean, "{url}");
        }
    }

    proptest! {
        #[test]
        fn no_password_survives(user in "[a-z]{0,8}", scheme in "(https|http|ssh|ftp|git)", path in "[a-z/@:]{0,12}") {
            let clean = without_credentials(&format!("{scheme}://{user}:SECRET@host/{path}"));
            prop_assert!(!clean.contains("SECRET"), "{}", clean);
            let end = format!("host/{path}");
            prop_assert!(clean.ends_with(&end), "{}", clean);
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(url in ".{0,40}") {
            let clean = without_credentials(&url);
            prop_assert_eq!(without_credentials(&clean), clean);
        }
    }
}
