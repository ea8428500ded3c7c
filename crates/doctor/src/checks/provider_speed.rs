//! `quire.provider.reachability`: how long the configured provider takes to answer. Asked only when the network may be
//! used.

use reqwest::Method;

use super::provider;
use crate::context::{Check, Context, Run};
use crate::host::Network;
use crate::http;
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check = Check {
    id: "quire.provider.reachability",
    category: "round trip",
    label: "round trip to the provider",
    run: Run::Always(run),
};

/// The first request opens a connection; the fastest of a few tells the way there and back.
const TRIES: usize = 3;

fn run(context: &Context<'_>) -> Outcome {
    let mut details = Details::default();
    let target = provider::target(context);
    let (Some(url), Network::Allowed) = (&target.url, context.network) else {
        details.add("round trip", "not probed");
        return Outcome::ok("not probed; --online measures it").headline("not probed").idle().with(details);
    };
    let mut fastest = None;
    for _ in 0..TRIES {
        match http::ask(context, &Method::HEAD, url) {
            Ok(answer) => fastest = Some(fastest.map_or(answer.took, |best| answer.took.min(best))),
            Err(error) => {
                details.add("round trip", format!("failed ({error})"));
                return Outcome::bad(
                    Status::Warning,
                    "the provider did not answer every request",
                    format!("See `reachability` above; the address is {}.", http::shown(url)),
                )
                .with(details);
            }
        }
    }
    let millis = fastest.unwrap_or_default().as_millis();
    details.add("round trip", format!("{millis} ms"));
    Outcome::ok(format!("the provider answers within {millis} ms"))
        .headline(format!("{millis} ms"))
        .with(details)
}
