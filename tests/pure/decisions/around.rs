//! What surrounds the message of a decision table.
//!
//! Unless a case says otherwise: the patient is P1, and a complete discussion in favour of P1 for all
//! four procedures was held on 2020-01-01; no list, no story, no booking, nobody on site; the calendars
//! of 2025 and 2026 are known.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use orgate::domain::calendar::{Calendar, DayKind};
use orgate::domain::discussion::{self, Conclusion, Content};
use orgate::domain::order::Stage;
use orgate::domain::procedure::ProcedureCode;
use orgate::domain::story;
use orgate::domain::technique::{self, DossierState, ListCode, ListKind, ListLevel, Lists};
use orgate::domain::verdict::Decision;
use orgate::rules::Surroundings;

use crate::decisions::as_written::{
    Around, Booking, Chapter, Discussion, Dossier, Story, Technique,
};
use crate::decisions::situation::{Fault, among, code, day, grade, moment, staff, urgency};
use crate::support::make;

/// The usual patient.
pub(super) const PATIENT: &str = "P1";

/// The usual procedures.
const PROCEDURES: [&str; 4] = ["86.2200", "47.0100", "51.2300", "52.7x00"];

/// 放假 and 调休上班 of 2025 and 2026 (国务院办公厅通知), around the days that the tables use.
const HOLIDAYS: &str = "2025-01-01 2025-10-01 2025-10-02 2025-10-03 2025-10-06 2025-10-07 2025-10-08 \
    2026-01-01 2026-01-02 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 2026-02-23";
const MAKE_UP_DAYS: &str = "2025-09-28 2025-10-11 2026-01-04 2026-02-14 2026-02-28";

/// The calendar of those of the two years that are known.
pub(crate) fn calendar(years: &[i16]) -> Calendar {
    let of = |text: &'static str, kind| {
        text.split_whitespace().map(move |day| (day.parse::<Date>().expect("a day"), kind))
    };
    let days = of(HOLIDAYS, DayKind::Holiday).chain(of(MAKE_UP_DAYS, DayKind::Workday));
    Calendar::new(days.filter(|(day, _)| years.contains(&day.year())))
}

/// The surroundings as written.
pub(super) fn of(written: &Around, zone: &TimeZone) -> Result<Surroundings, Fault> {
    let techniques = written.techniques.iter().map(technique).collect::<Result<_, _>>()?;
    let dossiers = written.dossiers.iter().map(dossier).collect::<Result<_, _>>()?;
    let usual = [Discussion::default()];
    let discussions = written.discussions.as_deref().unwrap_or(&usual).iter();
    let overrides = written.overrides.iter().map(|(id, count)| Ok((staff(id)?, *count)));
    Ok(Surroundings {
        lists: Arc::new(Lists::new(1, techniques, dossiers)),
        calendar: Arc::new(calendar(written.calendar.as_deref().unwrap_or(&[2025, 2026]))),
        discussions: discussions.map(|one| discussion(one, zone)).collect::<Result<_, _>>()?,
        stories: written.stories.iter().map(story).collect::<Result<_, _>>()?,
        bookings: written
            .bookings
            .iter()
            .map(|one| booking(one, zone))
            .collect::<Result<_, _>>()?,
        overrides: overrides.collect::<Result<_, Fault>>()?,
        ..Surroundings::default()
    })
}

fn technique(written: &Technique) -> Result<technique::Technique, Fault> {
    let kinds = [
        ("prohibited", ListKind::Prohibited),
        ("restricted", ListKind::Restricted),
        ("monitored", ListKind::Monitored),
        ("special-regime", ListKind::SpecialRegime),
    ];
    let levels = [
        ("national", ListLevel::National),
        ("provincial", ListLevel::Provincial),
        ("city", ListLevel::City),
        ("institution", ListLevel::Institution),
    ];
    let kind = among(written.kind.as_deref().unwrap_or("restricted"), &kinds)?;
    let level = among(written.level.as_deref().unwrap_or("national"), &levels)?;
    let codes: Vec<&str> = written.codes.iter().map(String::as_str).collect();
    if codes.iter().any(|code| ListCode::new(code).is_none()) {
        return Err(format!("{codes:?} are no codes of a list"));
    }
    Ok(technique::Technique {
        diagnoses: written.diagnoses.clone(),
        valid_from: day(written.from.as_ref())?,
        valid_to: day(written.to.as_ref())?,
        ..make::technique(&written.item, kind, level, &codes)
    })
}

fn dossier(written: &Dossier) -> Result<technique::Dossier, Fault> {
    let states = [
        ("active", DossierState::Active),
        ("suspended", DossierState::Suspended),
        ("stopped", DossierState::Stopped),
        ("cancelled", DossierState::Cancelled),
    ];
    let usually = |text: &Option<String>| match text.as_deref() {
        None => Ok(Some(jiff::civil::date(2025, 1, 1))),
        Some("") => Ok(None),
        Some(_) => day(text.as_ref()),
    };
    Ok(technique::Dossier {
        self_assessed_on: usually(&written.assessed)?,
        ethics_approved_on: usually(&written.ethics)?,
        first_case_on: usually(&written.first_case)?,
        filed_on: usually(&written.filed)?,
        state: among(written.state.as_deref().unwrap_or("active"), &states)?,
        ..make::dossier(&written.item, jiff::civil::date(2025, 1, 1))
    })
}

fn codes(written: &[String]) -> Result<Vec<ProcedureCode>, Fault> {
    written.iter().map(|text| code(text)).collect()
}

fn discussion(written: &Discussion, zone: &TimeZone) -> Result<discussion::Discussion, Fault> {
    let conclusions = [
        ("approved", Conclusion::Approved),
        ("rejected", Conclusion::Rejected),
        ("pending", Conclusion::Pending),
    ];
    let contents = [
        ("indication", Content::Indication),
        ("approach", Content::Approach),
        ("expectation", Content::Expectation),
        ("risk", Content::Risk),
        ("contingency", Content::Contingency),
    ];
    let held = moment(written.held.as_deref().unwrap_or("2020-01-01T10:00"), zone)?;
    let made = make::discussion(written.patient.as_deref().unwrap_or(PATIENT), &PROCEDURES, held);
    let said = written.contents.as_ref().map(|words| {
        words.iter().map(|word| among(word, &contents)).collect::<Result<Vec<_>, _>>()
    });
    let conclusion = among(written.conclusion.as_deref().unwrap_or("approved"), &conclusions)?;
    Ok(discussion::Discussion {
        id: written.id.clone().unwrap_or_else(|| made.id.clone()),
        order_no: written.order_no.as_deref().map(make::redacted),
        codes: written.codes.as_deref().map_or_else(|| Ok(made.codes.clone()), codes)?,
        disciplines: written.disciplines.clone().unwrap_or_else(|| made.disciplines.clone()),
        contents: said.transpose()?.unwrap_or_else(|| made.contents.clone()),
        conclusion,
        ..made
    })
}

fn story(written: &Story) -> Result<story::Story, Fault> {
    let of = |stage, chapter: &Option<Chapter>| {
        chapter.as_ref().map(|written| chapter_of(stage, written)).transpose()
    };
    Ok(story::Story {
        known: written.known.unwrap_or(true),
        order: of(Stage::Order, &written.order)?,
        notice: of(Stage::Notice, &written.notice)?,
    })
}

fn chapter_of(stage: Stage, written: &Chapter) -> Result<story::Chapter, Fault> {
    Ok(story::Chapter {
        entry: "01JC".to_owned(),
        stage,
        judged_at: Timestamp::UNIX_EPOCH,
        decision: if written.refused { Decision::Block } else { Decision::Forward },
        refused: written.refused,
        urgency: urgency(written.urgency.as_deref())?,
        surgeons: written.by.iter().map(|id| staff(id)).collect::<Result<_, _>>()?,
        procedures: codes(&written.codes)?,
        grade: written.grade.map(grade).transpose()?,
    })
}

fn booking(written: &Booking, zone: &TimeZone) -> Result<story::Booking, Fault> {
    Ok(story::Booking {
        surgeon: staff(&written.by)?,
        from: moment(&written.from, zone)?,
        to: moment(&written.to, zone)?,
        entry: "01JC".to_owned(),
    })
}
