#![allow(clippy::unwrap_used)]
fn main() {
    let mut args = std::env::args().skip(1);
    let (home, cwd) = (args.next().unwrap(), args.next().unwrap());
    let mut o = quire_config::LoadOptions::new(quire_config::CodexHome::at(home), cwd);
    o.env = std::sync::Arc::new(|n| std::env::var(n).ok());
    while let Some(a) = args.next() {
        match a.as_str() {
            "-c" => o.cli_overrides.push(args.next().unwrap()),
            "--strict-config" => o.strict = true,
            "--enable" => o.enable.push(args.next().unwrap()),
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
        Ok(c) => println!("OK {:?}\n{:?}", c.warnings, c.deprecations),
        Err(e) => println!("{e}"),
    }
}
