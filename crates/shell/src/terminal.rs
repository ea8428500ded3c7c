//! Which terminal the program runs in (peripherals sheet §7).
//!
//! In comes a lookup of environment variables, out goes a [`Terminal`]: a name for people, a token for the user agent,
//! and the multiplexer around it. Inside tmux the variables speak of tmux itself; the terminal outside is asked for with
//! [`Terminal::with_tmux_client`], whose answers come from [`TMUX_CLIENT_QUERIES`]. Running tmux is the caller's business,
//! with a bound in time.
//!
//! What a newcomer would get wrong: [`Terminal::term`] is only there when nothing better than `TERM` identified the
//! terminal.

/// The arguments of the two questions to `tmux`, for terminal type and terminal name of the client.
pub const TMUX_CLIENT_QUERIES: [[&str; 3]; 2] =
    [["display-message", "-p", "#{client_termtype}"], ["display-message", "-p", "#{client_termname}"]];

/// A terminal program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalName {
    /// macOS' own.
    AppleTerminal,
    /// Ghostty.
    Ghostty,
    /// iTerm2.
    ITerm2,
    /// Warp.
    Warp,
    /// The terminal of VS Code.
    VsCode,
    /// WezTerm.
    WezTerm,
    /// kitty.
    Kitty,
    /// Alacritty.
    Alacritty,
    /// KDE's.
    Konsole,
    /// GNOME's.
    GnomeTerminal,
    /// Something built on GNOME's library.
    Vte,
    /// Windows Terminal.
    WindowsTerminal,
    /// No terminal to speak of: `TERM=dumb`.
    Dumb,
    /// Anything else.
    Unknown,
}

impl TerminalName {
    /// The name people know.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppleTerminal => "Apple Terminal",
            Self::Ghostty => "Ghostty",
            Self::ITerm2 => "iTerm2",
            Self::Warp => "Warp",
            Self::VsCode => "VS Code",
            Self::WezTerm => "WezTerm",
            Self::Kitty => "kitty",
            Self::Alacritty => "Alacritty",
            Self::Konsole => "Konsole",
            Self::GnomeTerminal => "GNOME Terminal",
            Self::Vte => "VTE",
            Self::WindowsTerminal => "Windows Terminal",
            Self::Dumb => "dumb",
            Self::Unknown => "unknown",
        }
    }

    /// By what a terminal calls itself, whatever the case and the signs between the letters.
    fn from_program(program: &str) -> Self {
        let plain: String =
            program.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        match plain.as_str() {
            "appleterminal" => Self::AppleTerminal,
            "ghostty" => Self::Ghostty,
            "iterm" | "iterm2" | "itermapp" => Self::ITerm2,
            "warp" | "warpterminal" => Self::Warp,
            "vscode" => Self::VsCode,
            "wezterm" => Self::WezTerm,
            "kitty" => Self::Kitty,
            "alacritty" => Self::Alacritty,
            "konsole" => Self::Konsole,
            "gnometerminal" => Self::GnomeTerminal,
            "vte" => Self::Vte,
            "windowsterminal" => Self::WindowsTerminal,
            "dumb" => Self::Dumb,
            _ => Self::Unknown,
        }
    }

    /// How it calls itself in the user agent when it set no `TERM_PROGRAM`.
    const fn token(self) -> &'static str {
        match self {
            Self::AppleTerminal => "Apple_Terminal",
            Self::ITerm2 => "iTerm.app",
            Self::GnomeTerminal => "gnome-terminal",
            Self::WindowsTerminal => "WindowsTerminal",
            Self::Warp => "WarpTerminal",
            Self::VsCode => "vscode",
            Self::Ghostty => "ghostty",
            other => other.as_str(),
        }
    }
}

/// What multiplies the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Multiplexer {
    /// tmux, and its version if it says.
    Tmux(Option<String>),
    /// zellij, and its version if it says.
    Zellij(Option<String>),
}

/// The terminal the program runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// Which program it is.
    pub name: TerminalName,
    /// `TERM_PROGRAM`, or what tmux says in its place.
    pub program: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// `TERM`, when that is all there is.
    pub term: Option<String>,
    /// What is between it and us.
    pub multiplexer: Option<Multiplexer>,
}

impl Terminal {
    /// The terminal by the environment alone.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let multiplexer = multiplexer(&set);
        let plain = |name: TerminalName, version: Option<String>| Self {
            name,
            program: None,
            version,
            term: None,
            multiplexer: multiplexer.clone(),
        };
        if let Some(program) = set("TERM_PROGRAM") {
            let name = TerminalName::from_program(&program);
            return Self { program: Some(program), ..plain(name, set("TERM_PROGRAM_VERSION")) };
        }
        let term = set("TERM");
        let term_has = |part: &str| term.as_deref().is_some_and(|term| term.contains(part));
        if let version @ Some(_) = set("WEZTERM_VERSION") {
            return plain(TerminalName::WezTerm, version);
        }
        let any = |names: &[&str]| names.iter().any(|name| set(name).is_some());
        let name = if any(&["ITERM_SESSION_ID", "ITERM_PROFILE", "ITERM_PROFILE_NAME"]) {
            TerminalName::ITerm2
        } else if any(&["TERM_SESSION_ID"]) {
            TerminalName::AppleTerminal
        } else if any(&["KITTY_WINDOW_ID"]) || term_has("kitty") {
            TerminalName::Kitty
        } else if any(&["ALACRITTY_SOCKET"]) || term.as_deref() == Some("alacritty") {
            TerminalName::Alacritty
        } else if let version @ Some(_) = set("KONSOLE_VERSION") {
            return plain(TerminalName::Konsole, version);
        } else if any(&["GNOME_TERMINAL_SCREEN"]) {
            TerminalName::GnomeTerminal
        } else if let version @ Some(_) = set("VTE_VERSION") {
            return plain(TerminalName::Vte, version);
        } else if any(&["WT_SESSION"]) {
            TerminalName::WindowsTerminal
        } else {
            let dumb = term.as_deref() == Some("dumb");
            let name = if dumb { TerminalName::Dumb } else { TerminalName::Unknown };
            return Self { term, ..plain(name, None) };
        };
        plain(name, None)
    }

    /// Whether only tmux knows which terminal is outside.
    pub fn hides_in_tmux(&self) -> bool {
        matches!(self.multiplexer, Some(Multiplexer::Tmux(_)))
            && self.program.as_deref().is_some_and(|program| program.eq_ignore_ascii_case("tmux"))
    }

    /// The terminal outside, by tmux' answers to [`TMUX_CLIENT_QUERIES`]; unchanged when there is no answer.
    #[must_use]
    pub fn with_tmux_client(self, termtype: Option<&str>, termname: Option<&str>) -> Self {
        let filled =
            |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let (termtype, termname) = (filled(termtype), filled(termname));
        match (termtype, termname) {
            (None, None) => self,
            (Some(termtype), term) => {
                let (program, version) = match termtype.split_once(char::is_whitespace) {
                    Some((program, version)) => (program.to_owned(), Some(version.trim().to_owned())),
                    None => (termtype, None),
                };
                let name = TerminalName::from_program(&program);
                Self { name, program: Some(program), version, term, multiplexer: self.multiplexer }
            }
            (None, Some(term)) => {
                let name = TerminalName::from_program(term.strip_prefix("xterm-").unwrap_or(&term));
                Self { name, program: None, version: None, term: Some(term), multiplexer: self.multiplexer }
            }
        }
    }

    /// How the user agent names it. Safe in a header.
    pub fn token(&self) -> String {
        let versioned = |name: &str| match &self.version {
            Some(version) => format!("{name}/{version}"),
            None => name.to_owned(),
        };
        let token = match (&self.program, &self.term) {
            (Some(program), _) => versioned(program),
            (None, Some(term)) => term.clone(),
            (None, None) => versioned(self.name.token()),
        };
        token.chars().map(|c| if header_safe(c) { c } else { '_' }).collect()
    }
}

const fn header_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')
}

fn multiplexer(set: &dyn Fn(&str) -> Option<String>) -> Option<Multiplexer> {
    if set("TMUX").is_some() || set("TMUX_PANE").is_some() {
        let ours = set("TERM_PROGRAM").is_some_and(|program| program.eq_ignore_ascii_case("tmux"));
        return Some(Multiplexer::Tmux(set("TERM_PROGRAM_VERSION").filter(|_| ours)));
    }
    let zellij = ["ZELLIJ", "ZELLIJ_SESSION_NAME", "ZELLIJ_VERSION"].iter().any(|name| set(name).is_some());
    zellij.then(|| Multiplexer::Zellij(set("ZELLIJ_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(pairs: &[(&str, &str)]) -> Terminal {
        Terminal::detect(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn names_and_tokens() {
        for (pairs, name, token) in [
            (&[][..], "unknown", "unknown"),
            (&[("TERM", "")], "unknown", "unknown"),
            (&[("TERM", "xterm-256color")], "unknown", "xterm-256color"),
            (&[("TERM", "dumb")], "dumb", "dumb"),
            (&[("TERM", "xterm-kitty")], "kitty", "kitty"),
            (&[("TERM", "alacritty")], "Alacritty", "Alacritty"),
            (&[("TERM", "xterm"), ("KITTY_WINDOW_ID", "1")], "kitty", "kitty"),
            (&[("TERM", "xterm"), ("ALACRITTY_SOCKET", "/s")], "Alacritty", "Alacritty"),
            (&[("WEZTERM_VERSION", "2024")], "WezTerm", "WezTerm/2024"),
            (&[("ITERM_SESSION_ID", "x")], "iTerm2", "iTerm.app"),
            (&[("TERM_SESSION_ID", "x")], "Apple Terminal", "Apple_Terminal"),
            (&[("KONSOLE_VERSION", "230")], "Konsole", "Konsole/230"),
            (&[("GNOME_TERMINAL_SCREEN", "x"), ("VTE_VERSION", "7")], "GNOME Terminal", "gnome-terminal"),
            (&[("VTE_VERSION", "7000")], "VTE", "VTE/7000"),
            (&[("WT_SESSION", "x")], "Windows Terminal", "WindowsTerminal"),
            (&[("TERM_PROGRAM", "vscode"), ("TERM_PROGRAM_VERSION", "1.9")], "VS Code", "vscode/1.9"),
            (&[("TERM_PROGRAM", "iTerm.app"), ("WEZTERM_VERSION", "1")], "iTerm2", "iTerm.app"),
            (&[("TERM_PROGRAM", "WarpTerminal")], "Warp", "WarpTerminal"),
            (&[("TERM_PROGRAM", "my term"), ("TERM_PROGRAM_VERSION", "b ö")], "unknown", "my_term/b__"),
        ] {
            let terminal = detect(pairs);
            assert_eq!((terminal.name.as_str(), terminal.token().as_str()), (name, token), "{pairs:?}");
        }
    }

    #[test]
    fn term_is_kept_only_when_nothing_better_is_known() {
        assert_eq!(detect(&[("TERM", "xterm")]).term.as_deref(), Some("xterm"));
        assert_eq!(detect(&[("TERM", "xterm"), ("TERM_PROGRAM", "foo")]).term, None);
        assert_eq!(detect(&[("TERM", "xterm"), ("KITTY_WINDOW_ID", "1")]).term, None);
    }

    #[test]
    fn multiplexers() {
        let tmux = [("TMUX", "x"), ("TERM_PROGRAM", "tmux"), ("TERM_PROGRAM_VERSION", "3.4")];
        for (pairs, multiplexer, hides) in [
            (&[("TERM", "screen"), ("STY", "1")][..], None, false),
            (&[("TMUX", "x")], Some(Multiplexer::Tmux(None)), false),
            (&tmux, Some(Multiplexer::Tmux(Some("3.4".into()))), true),
            (&[("ZELLIJ", "0")], Some(Multiplexer::Zellij(None)), false),
            (&[("ZELLIJ_VERSION", "0.4")], Some(Multiplexer::Zellij(Some("0.4".into()))), false),
        ] {
            let terminal = detect(pairs);
            assert_eq!((terminal.multiplexer.clone(), terminal.hides_in_tmux()), (multiplexer, hides));
        }
    }

    #[test]
    fn tmux_tells_the_terminal_outside() {
        let inside = || detect(&[("TMUX", "x"), ("TERM_PROGRAM", "tmux"), ("TERM_PROGRAM_VERSION", "3.4")]);
        assert_eq!(inside().token(), "tmux/3.4");
        assert_eq!(inside().with_tmux_client(None, Some(" ")), inside());
        let outside = inside().with_tmux_client(Some("iTerm2 3.5.0\n"), Some("xterm-256color"));
        assert_eq!((outside.name, outside.token().as_str()), (TerminalName::ITerm2, "iTerm2/3.5.0"));
        assert_eq!(outside.multiplexer, Some(Multiplexer::Tmux(Some("3.4".into()))));
        let outside = inside().with_tmux_client(None, Some("xterm-kitty"));
        assert_eq!((outside.name, outside.token().as_str()), (TerminalName::Kitty, "xterm-kitty"));
    }
}
