//! Serves one script until interrupted: `cargo run -p quire-rehearsal --example serve -- SCRIPT [PORT]`.
//! Prints the base URL, then every request as one JSON line.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use quire_rehearsal::{Options, Rehearsal, Script};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let script = arguments.next().ok_or("usage: serve SCRIPT [PORT]")?;
    let port = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let options = Options { port, ..Options::default() };
    let rehearsal = Rehearsal::start_with(Script::load(Path::new(&script))?, options).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", rehearsal.base_url())?;
    let mut seen = 0;
    loop {
        if rehearsal.wait_for_requests(seen + 1, Duration::from_hours(1)).await.is_err() {
            continue;
        }
        for request in rehearsal.requests().into_iter().skip(seen) {
            seen += 1;
            let line = serde_json::json!({"method": request.method, "path": request.path,
                "query": request.query, "headers": request.headers, "body": request.json()});
            writeln!(out, "{line}")?;
        }
    }
}
