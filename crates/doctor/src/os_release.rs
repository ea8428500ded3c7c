//! The operating system's name and version, from `os-release` where there is one.

/// Name, version in three numbers, and code name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct System {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) codename: Option<String>,
}

impl System {
    /// This machine's.
    pub(crate) fn of_this_machine() -> Self {
        let text = ["/etc/os-release", "/usr/lib/os-release"]
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok())
            .unwrap_or_default();
        Self::parse(&text)
    }

    fn parse(text: &str) -> Self {
        let field = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
            let value = line.trim_matches('"');
            (!value.is_empty()).then_some(value)
        };
        let fallback = match std::env::consts::OS {
            "linux" => "Linux",
            "macos" => "Mac OS",
            "windows" => "Windows",
            other => other,
        };
        let name = field("NAME").unwrap_or(fallback);
        let name = name.trim_end_matches(" GNU/Linux").trim_end_matches(" Linux").to_owned();
        let mut version = field("VERSION_ID").unwrap_or("Unknown").to_owned();
        if version.chars().all(|c| c.is_ascii_digit() || c == '.') {
            for _ in version.matches('.').count()..2 {
                version.push_str(".0");
            }
        }
        Self { name, version, codename: field("VERSION_CODENAME").map(str::to_owned) }
    }

    /// `Debian 12.0.0 (bookworm) [64-bit]`.
    pub(crate) fn line(&self) -> String {
        let codename = self.codename.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{} {}{codename} [{}-bit]", self.name, self.version, usize::BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_three_numbers() {
        let debian =
            System::parse("NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n");
        assert_eq!(debian.name, "Debian");
        assert_eq!(debian.line(), format!("Debian 12.0.0 (bookworm) [{}-bit]", usize::BITS));
        let rolling = System::parse("NAME=\"Arch Linux\"\n");
        assert_eq!((rolling.name.as_str(), rolling.version.as_str()), ("Arch", "Unknown"));
    }
}
