//! The two ways to show a run, behind one face: notifications in, text and its stream out.

use quire_appserver_protocol::ServerNotification;

use crate::jsonl::ThreadEvent;
use crate::output::Stream;
use crate::{human, jsonl};

/// How the run is shown.
#[derive(Debug)]
pub(crate) enum View {
    /// A transcript on standard error.
    Human(human::Projection),
    /// Events on standard output.
    Json(jsonl::Projection),
}

impl View {
    /// Text for one notification; empty for most.
    pub(crate) fn apply(&mut self, notification: &ServerNotification) -> String {
        match self {
            Self::Human(projection) => projection.apply(notification),
            Self::Json(projection) => lines(&projection.apply(notification)),
        }
    }

    /// Where that text goes.
    pub(crate) fn stream(&self) -> Stream {
        match self {
            Self::Human(_) => Stream::Err,
            Self::Json(_) => Stream::Out,
        }
    }

    /// Text for a run that is stopped before its turn could say so.
    pub(crate) fn stopped(&self) -> String {
        match self {
            Self::Human(_) => String::new(),
            Self::Json(projection) => lines(&[projection.interrupted()]),
        }
    }

    /// Notifications that are never shown and need not be sent.
    pub(crate) fn unwanted(&self) -> Vec<String> {
        let always = [
            "thread/started",
            "thread/status/changed",
            "thread/goal/updated",
            "item/agentMessage/delta",
            "item/reasoning/summaryTextDelta",
            "item/reasoning/summaryPartAdded",
            "item/reasoning/textDelta",
            "item/commandExecution/outputDelta",
            "item/commandExecution/terminalInteraction",
            "account/rateLimits/updated",
        ];
        let diffs = matches!(self, Self::Json(_)).then_some("turn/diff/updated");
        always.into_iter().chain(diffs).map(str::to_owned).collect()
    }
}

/// Events as JSON lines.
pub(crate) fn lines(events: &[ThreadEvent]) -> String {
    let mut out = String::new();
    for event in events {
        // Strings, numbers and enums always serialise; an event that did not would be one line less.
        if let Ok(line) = serde_json::to_string(event) {
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwanted_notifications_exist() {
        let view = View::Json(jsonl::Projection::default());
        for method in view.unwanted() {
            assert!(ServerNotification::METHODS.contains(&method.as_str()), "{method}");
        }
    }
}
