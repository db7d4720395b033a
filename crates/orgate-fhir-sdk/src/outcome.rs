//! OperationOutcome: how a FHIR client is told that something was refused, or what to look at.

use fhir_sdk::r4b::codes::{IssueSeverity, IssueType};
use fhir_sdk::r4b::resources::{OperationOutcome, OperationOutcomeIssue};
use fhir_sdk::r4b::types::{CodeableConcept, Coding};
use serde_json::Value;

/// How grave an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It keeps the interaction from being done.
    Error,
    /// It does not.
    Warning,
}

/// The kind of an issue (value set `issue-type`), as far as the gate needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `business-rule`: a rule of the institution.
    BusinessRule,
    /// `transient`: may succeed when sent again.
    Transient,
    /// `structure`: the body cannot be read with certainty.
    Structure,
    /// `not-supported`: a form or an operation that the gate cannot judge.
    NotSupported,
    /// `too-long`: more than the limit.
    TooLong,
    /// `not-found`: outside the FHIR base.
    NotFound,
    /// `required`: something that is needed is missing.
    Required,
    /// `security`: the caller is not known.
    Security,
}

/// One issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// How grave.
    pub severity: Severity,
    /// Which kind.
    pub kind: Kind,
    /// System and code of `details.coding`.
    pub coding: Option<(String, String)>,
    /// `details.text`, for the person who reads it.
    pub text: String,
    /// `diagnostics`, for the person who looks after the interface.
    pub diagnostics: Option<String>,
    /// FHIRPath of the elements concerned.
    pub expression: Vec<String>,
}

impl Severity {
    fn code(self) -> IssueSeverity {
        match self {
            Self::Error => IssueSeverity::Error,
            Self::Warning => IssueSeverity::Warning,
        }
    }
}

impl Kind {
    fn code(self) -> IssueType {
        match self {
            Self::BusinessRule => IssueType::BusinessRule,
            Self::Transient => IssueType::Transient,
            Self::Structure => IssueType::Structure,
            Self::NotSupported => IssueType::NotSupported,
            Self::TooLong => IssueType::TooLong,
            Self::NotFound => IssueType::NotFound,
            Self::Required => IssueType::Required,
            Self::Security => IssueType::Security,
        }
    }
}

/// An OperationOutcome with these issues, as JSON.
pub fn outcome(issues: Vec<Issue>) -> Value {
    let issues = issues.into_iter().map(|issue| issue.written().map(Some));
    let outcome = issues
        .collect::<Option<Vec<_>>>()
        .and_then(|issues| OperationOutcome::builder().issue(issues).build().map_err(drop).ok());
    outcome.and_then(|outcome| serde_json::to_value(outcome).ok()).unwrap_or_default()
}

impl Issue {
    fn written(self) -> Option<OperationOutcomeIssue> {
        let coding = self
            .coding
            .and_then(|(system, code)| Coding::builder().system(system).code(code).build().ok());
        let coding = coding.into_iter().map(Some).collect();
        let details = CodeableConcept::builder().coding(coding).text(self.text).build().ok()?;
        let issue = OperationOutcomeIssue::builder()
            .severity(self.severity.code())
            .code(self.kind.code())
            .details(details)
            .expression(self.expression.into_iter().map(Some).collect());
        let issue = match self.diagnostics {
            Some(diagnostics) => issue.diagnostics(diagnostics),
            None => issue,
        };
        issue.build().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_holds_every_issue_in_order_and_leaves_out_what_is_not_given() {
        let blocked = Issue {
            severity: Severity::Error,
            kind: Kind::BusinessRule,
            coding: Some(("urn:orgate:rule".to_owned(), "grant-missing".to_owned())),
            text: "无该手术授权".to_owned(),
            diagnostics: Some("no grant (entry 01JC)".to_owned()),
            expression: vec!["ServiceRequest.performer[0]".to_owned()],
        };
        let flagged = Issue {
            severity: Severity::Warning,
            kind: Kind::Transient,
            coding: None,
            text: "请重发".to_owned(),
            diagnostics: None,
            expression: Vec::new(),
        };
        let written = outcome(vec![blocked, flagged]);
        let expected = serde_json::json!({
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "severity": "error",
                    "code": "business-rule",
                    "details": {
                        "coding": [{"system": "urn:orgate:rule", "code": "grant-missing"}],
                        "text": "无该手术授权"
                    },
                    "diagnostics": "no grant (entry 01JC)",
                    "expression": ["ServiceRequest.performer[0]"]
                },
                {"severity": "warning", "code": "transient", "details": {"text": "请重发"}}
            ]
        });
        assert_eq!(written, expected);
    }
}
