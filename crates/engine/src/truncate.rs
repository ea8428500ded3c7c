//! Cutting long outputs: head and tail stay, a marker says what went (engine sheet §7, tools sheet §3).

use quire_models::TruncationPolicy;
use quire_protocol::ToolOutput;

/// Bytes that stand for one token wherever tokens are estimated.
const BYTES_PER_TOKEN: usize = 4;

/// How much room recorded outputs get beyond the policy, so that a tool's own cut plus its header is not cut again.
const RECORDING_SLACK_TENTHS: usize = 12;

/// Estimated tokens of so many bytes, rounded up.
pub(crate) fn approx_tokens(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_PER_TOKEN)
}

/// A byte budget and the unit its marker counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    bytes: usize,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Tokens,
    Chars,
}

impl Budget {
    /// So many estimated tokens.
    pub(crate) fn tokens(tokens: usize) -> Self {
        Self { bytes: tokens.saturating_mul(BYTES_PER_TOKEN), unit: Unit::Tokens }
    }

    /// The model's policy, in its own unit.
    pub(crate) fn of_policy(policy: TruncationPolicy) -> Self {
        match policy {
            TruncationPolicy::Tokens(limit) => Self::tokens(limit),
            TruncationPolicy::Bytes(limit) => Self { bytes: limit, unit: Unit::Chars },
        }
    }

    /// The policy with the slack that recorded outputs get.
    pub(crate) fn for_recording(policy: TruncationPolicy) -> Self {
        let budget = Self::of_policy(policy);
        Self { bytes: budget.bytes.saturating_mul(RECORDING_SLACK_TENTHS) / 10, ..budget }
    }

    /// The policy as a number of tokens.
    pub(crate) fn policy_tokens(policy: TruncationPolicy) -> usize {
        match policy {
            TruncationPolicy::Tokens(limit) => limit,
            TruncationPolicy::Bytes(limit) => limit / BYTES_PER_TOKEN,
        }
    }
}

/// The text within the budget: unchanged if it fits, else head, marker, tail (half the bytes each).
pub(crate) fn middle(text: &str, budget: Budget) -> Option<String> {
    cut(text, budget, 0)
}

/// The same for a text from whose middle so many bytes are missing already; the marker counts them too.
fn cut(text: &str, budget: Budget, missing: usize) -> Option<String> {
    if text.len() <= budget.bytes {
        return None;
    }
    let head_end = text.floor_char_boundary(budget.bytes / 2);
    let tail_start = text.ceil_char_boundary(text.len() - (budget.bytes - budget.bytes / 2));
    let removed = &text[head_end..tail_start];
    let marker = match budget.unit {
        Unit::Tokens => format!("…{} tokens truncated…", approx_tokens(missing + text.len() - budget.bytes)),
        Unit::Chars => format!("…{} chars truncated…", missing + removed.chars().count()),
    };
    Some(format!("{}{marker}{}", &text[..head_end], &text[tail_start..]))
}

/// What a tool shows of a long output: the cut text under a line that counts all lines; the text itself if it fits.
/// `missing` bytes were dropped from its middle before.
pub(crate) fn tool_text(text: &str, budget: Budget, missing: usize) -> String {
    match cut(text, budget, missing) {
        None => text.to_owned(),
        Some(cut) => format!("Total output lines: {}\n\n{cut}", text.lines().count()),
    }
}

/// Cuts an output before it is recorded, so that one tool cannot fill the context.
pub(crate) fn recorded(output: ToolOutput, policy: TruncationPolicy) -> ToolOutput {
    match output {
        ToolOutput::Text(text) => {
            let cut = middle(&text, Budget::for_recording(policy));
            ToolOutput::Text(cut.unwrap_or(text))
        }
        parts @ ToolOutput::Parts(_) => parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_as_the_reference_does() {
        let numbers: String = (1..=20_000).map(|n| format!("{n}\n")).collect();
        let cut = middle(&numbers, Budget::tokens(100)).unwrap();
        assert!(cut.contains("\n70…27124 tokens truncated…7\n19968\n"), "{cut}");
        assert_eq!(middle(&numbers, Budget::tokens(0)).unwrap(), "…27224 tokens truncated…");
        assert_eq!(
            middle(&"ab".repeat(100), Budget::tokens(10)).unwrap(),
            format!("{0}…40 tokens truncated…{0}", "ab".repeat(10))
        );
        assert_eq!(middle("short", Budget::tokens(2)), None);
    }

    #[test]
    fn never_splits_a_character() {
        let text = "é".repeat(100);
        for tokens in 0..60 {
            if let Some(cut) = middle(&text, Budget::tokens(tokens)) {
                assert!(cut.contains("truncated"));
            }
        }
    }

    #[test]
    fn long_tool_output_tells_its_lines() {
        assert_eq!(
            tool_text("a\nb\n", Budget::tokens(0), 8),
            "Total output lines: 2\n\n…3 tokens truncated…"
        );
        assert_eq!(tool_text("a\nb\n", Budget::tokens(1), 0), "a\nb\n");
    }
}
