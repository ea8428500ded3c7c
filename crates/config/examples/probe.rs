//! x
#![allow(clippy::unwrap_used)]
fn main() {
    let mut args = std::env::args().skip(1);
    let mut perm = false;
    let (home, cwd) = (args.next().unwrap(), args.next().unwrap());
    let mut o = quire_config::LoadOptions::new(quire_config::CodexHome::at(home), cwd);
    o.env = std::sync::Arc::new(|n| std::env::var(n).ok());
    while let Some(a) = args.next() {
        match a.as_str() {
            "-c" => o.cli_overrides.push(args.next().unwrap()),
            "--strict-config" => o.strict = true,
            "--enable" => o.enable.push(args.next().unwrap()),
            "--ignore-user-config" => o.ignore_user_config = true,
            "--add-dir" => o.typed.additional_writable_roots.push(args.next().unwrap().into()),
            "-s" => {
                o.typed.sandbox_mode = Some(match args.next().unwrap().as_str() {
                    "read-only" => quire_protocol::SandboxMode::ReadOnly,
                    "workspace-write" => quire_protocol::SandboxMode::WorkspaceWrite,
                    _ => quire_protocol::SandboxMode::DangerFullAccess,
                })
            }
            "--oss" => o.typed.local_models = Some(Default::default()),
            "--json-perm" => perm = true,
            "-p" => o.profile = Some(args.next().unwrap().parse().unwrap()),
            "--trust" => {
                let file = o.home.config_file();
                let e = quire_config::ConfigEdit::trust(&o.cwd, quire_config::TrustLevel::Trusted);
                println!("{:?}", quire_config::edit::apply(&file, &[e]));
                return;
            }
            _ => {}
        }
    }
    match quire_config::load(o) {
        Ok(c) if perm => println!(
            "{}\n{}",
            serde_json::to_string(&c.sandbox_policy).unwrap(),
            serde_json::to_string(&c.permission_profile).unwrap()
        ),
        Ok(c) => println!("OK {:?}\n{:?}", c.warnings, c.deprecations),
        Err(e) => println!("{e}"),
    }
}
