//! Secrets stay here: values that may hold one are replaced, addresses are cut down to what identifies the server.
//!
//! A newcomer's trap: this is the last net, not the first. Checks do not put secrets into details to begin with; the net
//! catches names of secrets in paths, and keys inside addresses (`https://host/mcp/KEY`).

/// What stands in place of a secret.
pub(crate) const REDACTED: &str = "<redacted>";

/// Words that make a key or a value suspicious.
const SUSPICIOUS: [&str; 3] = ["token", "secret", "authorization"];

/// Beginnings of well-known keys, with the least number of characters that must follow.
const KEY_PREFIXES: [(&str, usize); 6] =
    [("sk-", 16), ("ghp_", 16), ("github_pat_", 16), ("xoxb-", 8), ("AKIA", 16), ("eyJ", 24)];

/// The value as it may be shown under this key.
pub(crate) fn redact(key: &str, value: &str) -> String {
    // Yes and no tell nothing.
    if matches!(value, "true" | "false") {
        return value.to_owned();
    }
    let suspicious = |text: &str| {
        let text = text.to_lowercase();
        SUSPICIOUS.iter().any(|word| text.contains(word))
    };
    // Under these keys stand names of variables, not what they hold.
    let names_variables = key.contains("env var");
    if !names_variables && (suspicious(key) || suspicious(value)) {
        return REDACTED.to_owned();
    }
    let words: Vec<String> = value.split(' ').map(|word| without_keys(&address(word))).collect();
    words.join(" ")
}

/// A word that may hold an address: without user, query and everything after the first path segment.
pub(crate) fn address(word: &str) -> String {
    let Some(separator) = word.find("://") else { return word.to_owned() };
    let scheme_start = word[..separator]
        .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+' && c != '-')
        .map_or(0, |at| at + word[at..].chars().next().map_or(1, char::len_utf8));
    let (before, rest) = word.split_at(separator + 3);
    let scheme = &before[scheme_start..];
    let lead = &before[..scheme_start];
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let path = match path {
        None => String::new(),
        Some(path) => match path.split_once('/') {
            None => format!("/{path}"),
            Some((first, "")) => format!("/{first}/"),
            Some((first, _)) => format!("/{first}/{REDACTED}"),
        },
    };
    format!("{lead}{scheme}{host}{path}")
}

/// A word without anything that is shaped like a key.
fn without_keys(word: &str) -> String {
    for (prefix, least) in KEY_PREFIXES {
        if let Some(at) = word.find(prefix) {
            let tail = &word[at + prefix.len()..];
            let length = tail
                .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
                .unwrap_or(tail.len());
            if length >= least {
                return format!("{}{REDACTED}{}", &word[..at], &tail[length..]);
            }
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspicious_keys_and_values_are_replaced_unless_they_say_yes_or_no() {
        for (key, value, shown) in [
            ("a", "bearer TOKEN x", REDACTED),
            ("my-secret", "zz", REDACTED),
            ("Authorization", "zz", REDACTED),
            ("stored ChatGPT tokens", "true", "true"),
            ("auth env vars present", "CODEX_ACCESS_TOKEN", "CODEX_ACCESS_TOKEN"),
            ("model", "gpt-5.5", "gpt-5.5"),
        ] {
            assert_eq!(redact(key, value), shown, "{key}: {value}");
        }
    }

    #[test]
    fn addresses_keep_their_server_and_first_segment() {
        for (value, shown) in [
            ("http://h/a", "http://h/a"),
            ("http://h/", "http://h/"),
            ("https://h/a/", "https://h/a/"),
            ("https://h/a//", "https://h/a/<redacted>"),
            ("see ws://u:p@h:1/b/c?x=1 and http://q/r", "see ws://h:1/b/<redacted> and http://q/r"),
            ("x=https://h?k=1", "x=https://h"),
            ("é\"http://h/a/b", "é\"http://h/a/<redacted>"),
            ("/home/a/b/c", "/home/a/b/c"),
        ] {
            assert_eq!(redact("k", value), shown);
        }
    }

    #[test]
    fn keys_are_recognised_by_their_shape() {
        assert_eq!(redact("k", "(sk-abcdefghijklmnopqrst)"), "(<redacted>)");
        assert_eq!(redact("k", "/tmp/task-sk-1"), "/tmp/task-sk-1");
    }
}
