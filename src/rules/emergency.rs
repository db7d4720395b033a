//! The emergency override (rules.md §4; SG 21, MQ 45(二)).

use crate::domain::order::{Group, Stage, Urgency};
use crate::domain::rule::Rule;
use crate::domain::verdict::Subject;
use crate::rules::case::Case;
use crate::rules::wording::{Told, told};

/// Whether the group is an emergency operation.
pub(super) fn is_emergency(group: &Group) -> bool {
    group.urgency == Some(Urgency::Emergency)
}

/// `emergency-surgery`: one of the four things SG 29 names.
pub(super) fn surgery(case: &Case<'_>) -> Option<Told> {
    is_emergency(case.group).then(|| {
        told(
            Rule::EmergencySurgery,
            Subject::Message,
            "急诊手术，列入重点核查。".to_owned(),
            "emergency surgery, one of the four things that are checked in particular".to_owned(),
        )
    })
}

/// `emergency-override`: always on an override; it opens the file that a second person must close.
pub(super) fn override_opened(deadline_h: u32) -> Told {
    told(
        Rule::EmergencyOverride,
        Subject::Message,
        format!("急诊超权限手术，已放行并报医务科，须在{deadline_h}小时内由第二人审核。"),
        format!(
            "forwarded as an emergency override and reported to medical affairs; a second person must review it within {deadline_h} hours"
        ),
    )
}

/// `override-unattested`: who says that a life is at stake, and why, are not both given. `required`: the
/// institution lets no override pass without it.
pub(super) fn unattested(case: &Case<'_>, required: bool) -> Option<Told> {
    let attestation = &case.group.attestation;
    let missing_zh = match (attestation.reason.is_some(), attestation.by.is_some()) {
        (true, true) => return None,
        (true, false) => "声明人",
        (false, true) => "抢救理由",
        (false, false) => "抢救理由和声明人",
    };
    let (what_zh, what_en) = if required {
        (
            "请补齐后立即重新提交，或电话通知医务科",
            "send it again with both, or call medical affairs",
        )
    } else {
        ("请事后补齐", "supply it afterwards")
    };
    Some(told(
        Rule::OverrideUnattested,
        Subject::Message,
        format!("急诊超权限手术未附挽救生命的声明（缺{missing_zh}）；{what_zh}。"),
        format!(
            "the emergency override carries no full life-saving attestation (who, why); {what_en}"
        ),
    ))
}

/// Overrides exist only where something can be refused.
pub(super) fn applies(stage: Stage) -> bool {
    stage != Stage::Record
}
