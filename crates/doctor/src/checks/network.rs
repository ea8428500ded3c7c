//! `network.env`: proxies and certificates named by the environment.

use std::fs::File;
use std::path::Path;

use crate::context::{Check, Context, Run};
use crate::host::Host;
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check =
    Check { id: "network.env", category: "network", label: "network settings", run: Run::Always(run) };

const PROXIES: [&str; 8] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];
/// Files with certificates of authorities; the first one that is set counts.
pub(crate) const CERTIFICATES: [&str; 2] = ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"];

fn run(context: &Context<'_>) -> Outcome {
    let host = context.host;
    let mut details = Details::default();
    let proxies = add_proxies(host, &mut details);
    let mut worst = None;
    for name in CERTIFICATES {
        let Some(value) = host.var_os(name) else { continue };
        let path = Path::new(value);
        let (text, problem) = certificate(path);
        details.add(name, text);
        if let Some(problem) = problem {
            worst = Some((name, problem));
        }
    }
    match worst {
        Some((name, problem)) => Outcome::bad(
            Status::Warning,
            format!("{name} {problem}"),
            format!("Point {name} at a readable PEM file, or unset it."),
        )
        .with(details),
        None => {
            let headline = if proxies { "proxies are set" } else { "no proxy env vars" };
            Outcome::ok("proxy and certificate variables are sound").headline(headline).with(details)
        }
    }
}

/// Names the proxy variables that are set, never their values. True when there are any.
pub(crate) fn add_proxies(host: &Host, details: &mut Details) -> bool {
    let present: Vec<_> = PROXIES.into_iter().filter(|name| host.filled_var(name).is_some()).collect();
    if present.is_empty() {
        details.add("proxy env vars", "none");
        return false;
    }
    details.add("proxy env vars present", present.join(", "));
    true
}

fn certificate(path: &Path) -> (String, Option<&'static str>) {
    let unreadable = |error: std::io::Error| {
        (format!("{} ({error})", path.display()), Some("names a file that cannot be read"))
    };
    match std::fs::metadata(path) {
        Err(error) => unreadable(error),
        Ok(facts) if !facts.is_file() => {
            (format!("not a file {}", path.display()), Some("does not name a file"))
        }
        Ok(_) => match File::open(path) {
            Err(error) => unreadable(error),
            Ok(_) => (format!("readable file {}", path.display()), None),
        },
    }
}
