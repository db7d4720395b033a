//! The emergency override (rules.md §4; SG 21, MQ 45(二)).

use crate::domain::order::{Group, Stage, Urgency};
use crate::domain::rule::Rule;
use crate::domain::verdict::Subject;
use crate::rules::case::Case;
use crate::rules::grant;
use crate::rules::judge::Policy;
use crate::rules::wording::{Told, listing, surgeon, told};

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

/// `privileged-surgeon-on-site`: the roster shows somebody else on site now who is licensed and whose
/// grant would pass (SG 21 asks 现场无相应手术权限的术者).
pub(super) fn privileged_on_site(case: &Case<'_>) -> Option<Told> {
    let own = case.surgeon_id();
    let mut there = case.facts.around.on_site.iter().peekable();
    there.peek()?;
    let able: Vec<_> =
        there.filter(|other| Some(&other.id) != own && grant::would_pass(case, other)).collect();
    if able.is_empty() {
        return None;
    }
    let (zh, _) = listing(able.iter().map(|other| surgeon(other)));
    let (_, en) = listing(able.iter().map(|other| &other.id));
    Some(told(
        Rule::PrivilegedSurgeonOnSite,
        Subject::Surgeon,
        format!("现场有具备该手术权限的术者：{zh}；急诊已放行，请医务科核实为何未由其主刀。"),
        format!(
            "a surgeon who holds the grant is on site: {en}; forwarded, medical affairs will ask why"
        ),
    ))
}

/// `override-frequent`: with this one, the surgeon's overrides of the last 30 days exceed the setting
/// (SG 21).
pub(super) fn frequent(case: &Case<'_>, policy: &Policy) -> Option<Told> {
    let id = case.surgeon_id()?;
    let before = case.facts.around.overrides.get(id).copied().unwrap_or(0);
    let count = before.saturating_add(1);
    (count > policy.override_alarm_count).then(|| {
        told(
            Rule::OverrideFrequent,
            Subject::Surgeon,
            format!("术者{id}近30天内已有{count}次急诊超权限手术（含本次）；请医务科关注。"),
            format!("surgeon {id} has {count} overrides in 30 days, this one included"),
        )
    })
}

/// Overrides exist only where something can be refused.
pub(super) fn applies(stage: Stage) -> bool {
    stage != Stage::Record
}
