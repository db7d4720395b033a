//! The override reasons of cards: the life-saving attestations of SG 21.

use crate::gate::attested::Reason;
use crate::inbound::cds_hooks::cards::Coding;
use crate::inbound::cds_hooks::language::Language;

/// Their code system.
pub(super) const SYSTEM: &str = "urn:orgate:override-reason";

/// Code, Chinese and English words. All say that a life is at stake: nothing else lets an operation pass beyond the
/// surgeon's grant.
const REASONS: [[&str; 3]; 3] = [
    [
        "life-saving",
        "抢救生命：不立即手术将危及患者生命",
        "Life-saving: without immediate surgery the patient's life is in danger",
    ],
    [
        "no-privileged-surgeon",
        "抢救生命：现场无相应手术权限的术者",
        "Life-saving: no surgeon who holds the grant is on site",
    ],
    [
        "privileged-surgeon-not-in-time",
        "抢救生命：有权限的术者不能及时到场",
        "Life-saving: the surgeon who holds the grant cannot arrive in time",
    ],
];

/// All, for a card.
pub(super) fn all(language: Language) -> Vec<Coding> {
    let coding = |[code, chinese, english]: [&'static str; 3]| {
        let display = language.choose(chinese, english);
        Coding { system: SYSTEM, code, display }
    };
    REASONS.into_iter().map(coding).collect()
}

/// The attestation that feedback makes with the reason of `code`; `None` for a code that is none of ours.
pub(super) fn attestation(code: &str, comment: Option<&str>) -> Option<Reason> {
    let [code, chinese, _] = REASONS.into_iter().find(|[own, ..]| *own == code)?;
    let comment = comment.map(str::trim).filter(|comment| !comment.is_empty());
    Some(Reason {
        code: code.to_owned(),
        comment: comment.map(str::to_owned),
        display: chinese.to_owned(),
    })
}
