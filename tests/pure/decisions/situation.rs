//! From a case as written to a situation that can be judged.
//!
//! Unless a case says otherwise: it is 2026-03-02 08:30 in Asia/Shanghai, no time is stated; the
//! catalogue holds 86.2200, 47.0100, 51.2300 and 52.7x00 of grades 1 to 4; D1 林一 and D2 周二 are
//! licensed and hold no grant; the message is a new elective order of 51.2300 by D1; a grant has a
//! document, no bounds, and was evaluated on 2026-01-01; the route enforces for everybody.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use orgate::domain::grant::{self, GrantStatus, Right, Scope, Supervision};
use orgate::domain::order::{self, Action, Attestation, Person, Primary, Redacted, Stage, Urgency};
use orgate::domain::procedure::{Grade, Procedure, ProcedureCode, ProcedureStatus};
use orgate::domain::surgeon::{self, Base, PersonKey, SurgeonId, SurgeonStatus, fold_name};
use orgate::rules::Policy;
use orgate::rules::table::Setting;

use crate::decisions::as_written::{self, Case, Grant, Group, Item, Line, Surgeon};
use crate::support::make;
use crate::support::world::{Enforced, World};

/// A fault of a table, in words.
type Fault = String;

/// The value that `word` stands for.
fn among<T: Copy>(word: &str, words: &[(&str, T)]) -> Result<T, Fault> {
    let found = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    let known: Vec<&str> = words.iter().map(|(known, _)| *known).collect();
    found.ok_or_else(|| format!("`{word}` is none of {}", known.join(", ")))
}

fn day(text: Option<&String>) -> Result<Option<Date>, Fault> {
    text.map(|text| text.parse().map_err(|_| format!("`{text}` is no day"))).transpose()
}

fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, Fault> {
    let local: DateTime = text.parse().map_err(|_| format!("`{text}` is no local time"))?;
    zone.to_timestamp(local).map_err(|_| format!("`{text}` is no time in this zone"))
}

fn code(text: &str) -> Result<ProcedureCode, Fault> {
    ProcedureCode::new(text).ok_or_else(|| format!("`{text}` is no code"))
}

fn staff(text: &str) -> Result<SurgeonId, Fault> {
    SurgeonId::new(text).ok_or_else(|| format!("`{text}` is no staff number"))
}

fn grade(number: u8) -> Result<Grade, Fault> {
    Grade::from_number(number).ok_or_else(|| format!("{number} is no grade"))
}

/// The situation of `case` at `stage`.
pub(super) fn of(case: &Case, stage: &str) -> Result<World, Fault> {
    let stages = [("order", Stage::Order), ("notice", Stage::Notice), ("record", Stage::Record)];
    let stage = among(stage, &stages)?;
    let zone = TimeZone::get(case.zone.as_deref().unwrap_or("Asia/Shanghai"))
        .map_err(|error| error.to_string())?;
    let groups = match (&case.order, &case.groups) {
        (Some(_), Some(_)) => return Err("both `order` and `groups`".to_owned()),
        (Some(one), None) => vec![one.clone()],
        (None, Some(groups)) => groups.clone(),
        (None, None) => vec![Group::default()],
    };
    let groups = groups.iter().map(|written| group(written, &zone)).collect::<Result<_, _>>()?;
    let stated = case.message_time.as_deref();
    let message_time = stated.map(|text| moment(text, &zone)).transpose()?;
    let away =
        case.away.iter().map(|who| person(who)?.key().ok_or_else(|| format!("`{who}` is nobody")));
    Ok(World {
        items: catalogue(case)?,
        surgeons: surgeons(case)?,
        away: away.collect::<Result<Vec<PersonKey>, Fault>>()?,
        order: order::Order { message_time, ..make::order(stage, groups) },
        now: moment(case.now.as_deref().unwrap_or("2026-03-02T08:30"), &zone)?,
        zone,
        policy: policy(&case.policy)?,
        enforced: match case.enforced.as_deref() {
            None | Some("everybody") => Enforced::Everybody,
            Some("nobody") => Enforced::Nobody,
            Some(department) => Enforced::Departments(vec![department.to_owned()]),
        },
    })
}

fn catalogue(case: &Case) -> Result<Vec<Procedure>, Fault> {
    let usual = [("86.2200", 1), ("47.0100", 2), ("51.2300", 3), ("52.7x00", 4)];
    let Some(items) = &case.catalogue else {
        return Ok(usual.iter().map(|(code, grade)| make::item(code, *grade)).collect());
    };
    items.iter().map(item).collect()
}

fn item(written: &Item) -> Result<Procedure, Fault> {
    let statuses = [
        ("active", ProcedureStatus::Active),
        ("suspended", ProcedureStatus::Suspended),
        ("stopped", ProcedureStatus::Stopped),
    ];
    let number = grade(written.grade)?.number();
    code(&written.code)?;
    Ok(Procedure {
        aliases: written.aliases.iter().map(|alias| code(alias)).collect::<Result<_, _>>()?,
        status: among(written.status.as_deref().unwrap_or("active"), &statuses)?,
        valid_from: day(written.from.as_ref())?,
        valid_to: day(written.to.as_ref())?,
        ..make::item(&written.code, number)
    })
}

fn surgeons(case: &Case) -> Result<Vec<surgeon::Surgeon>, Fault> {
    match &case.surgeons {
        None => Ok(vec![make::surgeon("D1", "林一"), make::surgeon("D2", "周二")]),
        Some(surgeons) => surgeons.iter().map(one_surgeon).collect(),
    }
}

fn one_surgeon(written: &Surgeon) -> Result<surgeon::Surgeon, Fault> {
    let statuses = [
        ("active", SurgeonStatus::Active),
        ("suspended", SurgeonStatus::Suspended),
        ("left", SurgeonStatus::Left),
    ];
    let bases = [("primary", Base::Primary), ("multi-site", Base::MultiSite)];
    let usual = if written.id == "D1" { "林一" } else { "周二" };
    staff(&written.id)?;
    Ok(surgeon::Surgeon {
        status: among(written.status.as_deref().unwrap_or("active"), &statuses)?,
        licence_to: day(written.licence_to.as_ref())?,
        base: among(written.base.as_deref().unwrap_or("primary"), &bases)?,
        grants: written.grants.iter().map(one_grant).collect::<Result<_, _>>()?,
        ..make::surgeon(&written.id, written.name.as_deref().unwrap_or(usual))
    })
}

fn one_grant(written: &Grant) -> Result<grant::Grant, Fault> {
    let statuses = [
        ("active", GrantStatus::Active),
        ("suspended", GrantStatus::Suspended),
        ("revoked", GrantStatus::Revoked),
    ];
    let rights = [("perform", Right::Perform), ("order", Right::Order)];
    let scope = match (&written.code, written.grade) {
        (Some(text), None) => Scope::Item(code(text)?),
        (None, Some(number)) => Scope::GradeWide(grade(number)?),
        _ => return Err("a grant is of one of `code` and `grade`".to_owned()),
    };
    let evaluated = match written.evaluated.as_deref() {
        None => Some("2026-01-01".to_owned()),
        Some("") => None,
        Some(text) => Some(text.to_owned()),
    };
    let made = make::grant(scope, day(evaluated.as_ref())?);
    Ok(grant::Grant {
        right: among(written.right.as_deref().unwrap_or("perform"), &rights)?,
        sites: written.sites.clone(),
        valid_from: day(written.from.as_ref())?,
        valid_to: day(written.to.as_ref())?,
        status: among(written.status.as_deref().unwrap_or("active"), &statuses)?,
        document_no: match written.document.as_deref() {
            None => made.document_no.clone(),
            Some("") => None,
            Some(text) => Some(text.to_owned()),
        },
        supervision: if written.supervised { Supervision::Required } else { Supervision::None },
        ..made
    })
}

fn group(written: &Group, zone: &TimeZone) -> Result<order::Group, Fault> {
    let actions = [
        ("new", Action::New),
        ("change", Action::Change),
        ("withdraw", Action::Withdraw),
        ("other", Action::Other),
    ];
    let urgencies = [
        ("elective", Urgency::Elective),
        ("urgent", Urgency::Urgent),
        ("emergency", Urgency::Emergency),
    ];
    let own = Line {
        codes: written.codes.clone(),
        further: written.further.clone(),
        by: written.by.clone(),
        team: written.team.clone(),
        times: written.times.clone(),
    };
    let lines = if written.lines.is_empty() { vec![own] } else { written.lines.clone() };
    let lines = lines.iter().map(|written| line(written, zone)).collect::<Result<_, _>>()?;
    let urgency = written.urgency.as_deref().map(|word| among(word, &urgencies)).transpose()?;
    Ok(order::Group {
        action: among(written.action.as_deref().unwrap_or("new"), &actions)?,
        urgency,
        department: written.department.clone(),
        site: written.site.clone(),
        attestation: Attestation {
            reason: written.attested_why.clone().and_then(Redacted::new),
            by: written.attested_by.as_deref().map(staff).transpose()?,
        },
        time_unreadable: written.time_unreadable,
        ..make::group(lines)
    })
}

fn line(written: &Line, zone: &TimeZone) -> Result<order::Line, Fault> {
    let usual = vec!["51.2300".to_owned()];
    let first = written.codes.as_ref().unwrap_or(&usual);
    let places = std::iter::once(first).filter(|codes| !codes.is_empty()).chain(&written.further);
    let places = places.map(|codes| {
        let texts: Vec<&str> = codes.iter().map(String::as_str).collect();
        texts.iter().try_for_each(|text| code(text).map(drop))?;
        Ok(make::coded(&texts))
    });
    let primary = match written.by.as_deref() {
        None => Primary::Named(vec![person("D1")?]),
        Some([]) => Primary::Missing,
        Some([one]) if one == "?" => Primary::Unclear(None),
        Some(named) => Primary::Named(persons(named)?),
    };
    Ok(order::Line {
        coded: places.collect::<Result<_, Fault>>()?,
        team: persons(&written.team)?,
        times: written.times.iter().map(|time| moment(time, zone)).collect::<Result<_, _>>()?,
        ..make::line(&[], primary)
    })
}

fn persons(written: &[String]) -> Result<Vec<Person>, Fault> {
    written.iter().map(|one| person(one)).collect()
}

/// `D1`, `D1 name`, `= name`.
fn person(written: &str) -> Result<Person, Fault> {
    let (id, name) = written.split_once(' ').unwrap_or((written, ""));
    if id == "=" && fold_name(name).is_empty() {
        return Err(format!("`{written}` is nobody"));
    }
    let names: Vec<&str> = name.split_whitespace().collect();
    Ok(make::person((id != "=").then_some(id), &names))
}

fn policy(written: &as_written::Policy) -> Result<Policy, Fault> {
    let settings = [("block", Setting::Block), ("flag", Setting::Flag), ("off", Setting::Off)];
    let mut policy =
        Policy { require_attestation: written.require_attestation, ..Policy::default() };
    for (rule, [order, notice, record]) in &written.effects {
        let effects =
            [among(order, &settings)?, among(notice, &settings)?, among(record, &settings)?];
        policy.effects.set(rule, effects).map_err(|error| error.to_string())?;
    }
    Ok(policy)
}
