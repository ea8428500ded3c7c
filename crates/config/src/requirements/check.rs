//! What the types of requirements.toml let through and is wrong all the same.

use super::keys::{PatternToken, PrefixRule, RequiredSandboxMode, RequirementsToml, RuleDecision};
use super::{RequirementsError, Source};

/// Checks one file.
pub(super) fn check(keys: &RequirementsToml, source: &Source) -> Result<(), RequirementsError> {
    let windows = keys.windows.as_ref().and_then(|windows| windows.allowed_sandbox_implementations.as_ref());
    let empty = [
        ("allowed_approval_policies", keys.allowed_approval_policies.as_ref().is_some_and(Vec::is_empty)),
        ("allowed_approvals_reviewers", keys.allowed_approvals_reviewers.as_ref().is_some_and(Vec::is_empty)),
        ("windows.allowed_sandbox_implementations", windows.is_some_and(Vec::is_empty)),
    ];
    if let Some((field, _)) = empty.iter().find(|(_, empty)| *empty) {
        return Err(RequirementsError::Empty(field));
    }
    if keys
        .allowed_sandbox_modes
        .as_ref()
        .is_some_and(|modes| !modes.contains(&RequiredSandboxMode::ReadOnly))
    {
        return Err(RequirementsError::NoReadOnly { source_file: source.clone() });
    }
    let Some(rules) = &keys.rules else { return Ok(()) };
    let refuse = |problem| RequirementsError::Rules { source_file: source.clone(), problem };
    if rules.prefix_rules.is_empty() {
        return Err(refuse("rules prefix_rules cannot be empty".to_owned()));
    }
    for (index, rule) in rules.prefix_rules.iter().enumerate() {
        if let Some(problem) = problem_of_rule(rule) {
            return Err(refuse(format!("rules prefix_rule at index {index} {problem}")));
        }
    }
    Ok(())
}

fn problem_of_rule(rule: &PrefixRule) -> Option<String> {
    if rule.justification.as_ref().is_some_and(|text| text.trim().is_empty()) {
        return Some("has an empty justification".to_owned());
    }
    if rule.pattern.is_empty() {
        return Some("has an empty pattern".to_owned());
    }
    let mut problems = rule.pattern.iter().map(problem_of_token).enumerate();
    if let Some((index, problem)) = problems.find_map(|(index, problem)| Some((index, problem?))) {
        return Some(format!("has an invalid pattern token at index {index}: {problem}"));
    }
    match rule.decision {
        None => Some("is missing a decision".to_owned()),
        Some(RuleDecision::Allow) => Some(
            "has decision 'allow', which is not permitted in requirements.toml: write 'prompt' or 'forbidden'".to_owned(),
        ),
        Some(RuleDecision::Prompt | RuleDecision::Forbidden) => None,
    }
}

fn problem_of_token(token: &PatternToken) -> Option<&'static str> {
    let blank = |text: &String| text.trim().is_empty();
    match (&token.token, &token.any_of) {
        (Some(_), Some(_)) => Some("set either token or any_of, not both"),
        (None, None) => Some("set either token or any_of"),
        (Some(token), None) => blank(token).then_some("token cannot be empty"),
        (None, Some(words)) if words.is_empty() => Some("any_of cannot be empty"),
        (None, Some(words)) => words.iter().any(blank).then_some("any_of cannot include empty tokens"),
    }
}
