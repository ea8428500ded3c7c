//! The `<environment_context>` block (engine sheet §5.3).

use std::fmt::Write as _;

use quire_protocol::{
    Access, FileSystemEntry, FileSystemPath, FileSystemPolicy, PermissionProfile, SpecialPath, TurnContext,
};

/// The block for a turn, or nothing when nothing in it changed. Folder and shell are told again only when the folder
/// changed; the rest always.
pub(super) fn difference(before: Option<&TurnContext>, now: &TurnContext, shell: &str) -> Option<String> {
    let moved = before.is_none_or(|before| before.cwd != now.cwd);
    let changed = before.is_none_or(|before| {
        before.current_date != now.current_date
            || before.timezone != now.timezone
            || before.permission_profile != now.permission_profile
            || before.workspace_roots != now.workspace_roots
    });
    (moved || changed).then(|| block(now, moved.then_some(shell)))
}

fn block(now: &TurnContext, shell: Option<&str>) -> String {
    let mut out = String::from("<environment_context>\n");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "  <{name}>{}</{name}>", escape(value));
    };
    if let Some(shell) = shell {
        line("cwd", &now.cwd.to_string_lossy());
        line("shell", shell);
    }
    if let Some(date) = &now.current_date {
        line("current_date", date);
    }
    if let Some(zone) = &now.timezone {
        line("timezone", zone);
    }
    out.push_str("  <filesystem><workspace_roots>");
    for root in &now.workspace_roots {
        let _ = write!(out, "<root>{}</root>", escape(&root.to_string_lossy()));
    }
    out.push_str("</workspace_roots>");
    if let Some(profile) = &now.permission_profile {
        write_profile(&mut out, profile);
    }
    out.push_str("</filesystem>\n</environment_context>");
    out
}

fn write_profile(out: &mut String, profile: &PermissionProfile) {
    let (kind, files) = match profile {
        PermissionProfile::Disabled => ("disabled", None),
        PermissionProfile::External { .. } => ("external", None),
        PermissionProfile::Managed { file_system, .. } => ("managed", Some(file_system)),
    };
    let _ = write!(out, "<permission_profile type=\"{kind}\">");
    match files {
        None if kind == "external" => out.push_str("<file_system type=\"external\" />"),
        None | Some(FileSystemPolicy::Unrestricted) => out.push_str("<file_system type=\"unrestricted\" />"),
        Some(FileSystemPolicy::Restricted { entries, glob_scan_max_depth }) => {
            out.push_str("<file_system type=\"restricted\"");
            if let Some(depth) = glob_scan_max_depth {
                let _ = write!(out, " glob_scan_max_depth=\"{depth}\"");
            }
            out.push('>');
            for (at, entry) in entries.iter().enumerate() {
                if !entries[..at].contains(entry) {
                    write_entry(out, entry);
                }
            }
            out.push_str("</file_system>");
        }
    }
    out.push_str("</permission_profile>");
}

fn write_entry(out: &mut String, entry: &FileSystemEntry) {
    let access = match entry.access {
        Access::Read => "read\"",
        Access::Write => "write\"",
        Access::Deny => "deny\" escalatable=\"false\"",
    };
    let (element, text) = match &entry.path {
        FileSystemPath::Path { path } => ("path", path.to_string_lossy().into_owned()),
        FileSystemPath::GlobPattern { pattern } => ("glob", pattern.clone()),
        FileSystemPath::Special { value } => ("special", special_name(value)),
    };
    let _ = write!(out, "<entry access=\"{access}><{element}>{}</{element}></entry>", escape(&text));
}

fn special_name(value: &SpecialPath) -> String {
    let below = |name: &str, subpath: &Option<std::path::PathBuf>| match subpath {
        None => name.to_owned(),
        Some(subpath) => format!("{name}/{}", subpath.display()),
    };
    match value {
        SpecialPath::Root => ":root".to_owned(),
        SpecialPath::Minimal => ":minimal".to_owned(),
        SpecialPath::ProjectRoots { subpath } => below(":workspace_roots", subpath),
        SpecialPath::Tmpdir => ":tmpdir".to_owned(),
        SpecialPath::SlashTmp => ":slash_tmp".to_owned(),
        SpecialPath::Unknown { path, subpath } => below(path, subpath),
    }
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_as_the_model_reads_them() {
        let profile: PermissionProfile = serde_json::from_str(
            r#"{"type":"managed","file_system":{"type":"restricted","entries":[
                {"path":{"type":"special","value":{"kind":"root"}},"access":"read"},
                {"path":{"type":"path","path":"/a&b"},"access":"write"},
                {"path":{"type":"special","value":{"kind":"project_roots","subpath":"x"}},"access":"write"},
                {"path":{"type":"glob_pattern","pattern":"/w/**/*.env"},"access":"deny"}],
                "glob_scan_max_depth":3},"network":"restricted"}"#,
        )
        .unwrap();
        let mut out = String::new();
        write_profile(&mut out, &profile);
        assert_eq!(
            out,
            "<permission_profile type=\"managed\"><file_system type=\"restricted\" glob_scan_max_depth=\"3\">\
             <entry access=\"read\"><special>:root</special></entry>\
             <entry access=\"write\"><path>/a&amp;b</path></entry>\
             <entry access=\"write\"><special>:workspace_roots/x</special></entry>\
             <entry access=\"deny\" escalatable=\"false\"><glob>/w/**/*.env</glob></entry>\
             </file_system></permission_profile>"
        );
        let mut out = String::new();
        write_profile(&mut out, &PermissionProfile::Disabled);
        assert_eq!(
            out,
            "<permission_profile type=\"disabled\"><file_system type=\"unrestricted\" /></permission_profile>"
        );
    }
}
