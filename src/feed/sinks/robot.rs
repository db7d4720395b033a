//! What the robots of 企业微信, 钉钉 and 飞书 share: one Markdown-like text a message, a number in the answer's JSON
//! that says how it went, few messages a minute.

use serde_json::Value;

use crate::feed::sink::Failure;
use crate::feed::sinks::http::Answered;

/// Alerts gathered for one message; the text shows what fits and counts the rest.
pub(super) const LETTERS: usize = 500;

/// How a robot's answer names its codes.
pub(super) struct Codes {
    /// The member of the answer.
    pub(super) member: &'static str,
    /// It is the message that is wrong, not the robot.
    pub(super) of_the_message: &'static [i64],
}

/// What an answer means: HTTP says 200 to everything.
pub(super) fn check(answered: &Answered, codes: &Codes) -> Result<(), Failure> {
    answered.check()?;
    let answer: Value = serde_json::from_slice(&answered.body).unwrap_or_default();
    match answer.get(codes.member).and_then(Value::as_i64) {
        Some(0) => Ok(()),
        Some(code) if codes.of_the_message.contains(&code) => {
            Err(Failure::Refused(format!("the robot answered {} {code}", codes.member)))
        }
        // Too often, wrong key, wrong signature, dissolved group: mended outside, and nothing is lost meanwhile.
        Some(code) => {
            Err(Failure::unavailable(format!("the robot answered {} {code}", codes.member)))
        }
        None => Err(Failure::unavailable("the answer is not a robot's")),
    }
}
