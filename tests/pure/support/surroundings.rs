//! Made-up surroundings of a message: lists and dossiers, calendar, discussions, stories, bookings.

use std::sync::Arc;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use orgate::domain::calendar::{Calendar, DayKind};
use orgate::domain::discussion::{Conclusion, Content, Discussion};
use orgate::domain::order::{Order, Redacted, Stage, Urgency};
use orgate::domain::story::{Booking, Chapter, Story};
use orgate::domain::technique::{Dossier, DossierState, ListKind, ListLevel, Lists, Technique};
use orgate::domain::verdict::Decision;
use orgate::rules::Surroundings;

use crate::support::dice::Dice;
use crate::support::generate::{ORDER_NUMBERS, ORDERED, SURGEONS, days_from, moment, term};
use crate::support::make;

/// Codes as lists write them: exact, with and without dots, stems, one that is short.
const LISTED: [&str; 10] = [
    "51.2300",
    "512300",
    "51.23*",
    "52.7*",
    "47.01*",
    "86.2200",
    "51.2300x001",
    "99.9900",
    "9*",
    "40.9",
];

/// Surroundings that have to do with `order`.
pub(crate) fn of(dice: &mut Dice<'_>, order: &Order, now: Timestamp, today: Date) -> Surroundings {
    let techniques = (0..dice.pick(&[0, 0, 1, 1, 2])).map(|at| technique(dice, at, today));
    let techniques: Vec<Technique> = techniques.collect();
    let dossiers = techniques.iter().filter_map(|technique| dossier(dice, technique, today));
    let dossiers = dossiers.collect();
    let discussions = discussions(dice, now);
    let stories = order.groups.iter().map(|_| story(dice)).collect();
    let bookings = (0..dice.pick(&[0, 0, 1, 2])).map(|_| booking(dice, now)).collect();
    let overrides =
        SURGEONS.iter().map(|(id, _)| (make::staff(id), dice.pick(&[0, 1, 2, 3]))).collect();
    Surroundings {
        lists: Arc::new(Lists::new(1, techniques, dossiers)),
        calendar: Arc::new(calendar(dice, today)),
        discussions,
        stories,
        bookings,
        overrides,
        ..Surroundings::default()
    }
}

fn technique(dice: &mut Dice<'_>, at: usize, today: Date) -> Technique {
    let kind = dice.pick(&[
        ListKind::Restricted,
        ListKind::Restricted,
        ListKind::Restricted,
        ListKind::Prohibited,
        ListKind::Monitored,
        ListKind::SpecialRegime,
    ]);
    let level = dice.pick(&[
        ListLevel::National,
        ListLevel::Provincial,
        ListLevel::City,
        ListLevel::Institution,
    ]);
    let codes: Vec<&str> = (0..dice.pick(&[1, 1, 2])).map(|_| dice.pick(&LISTED)).collect();
    let mut technique = make::technique(&format!("N{}", at + 1), kind, level, &codes);
    technique.diagnoses =
        dice.rarely(60, Vec::new(), |d| vec![d.pick(&["G30", "E1.1", "k80.*"]).to_owned()]);
    if dice.chance(25) {
        (technique.valid_from, technique.valid_to) = term(dice, today);
    }
    technique
}

fn dossier(dice: &mut Dice<'_>, technique: &Technique, today: Date) -> Option<Dossier> {
    if dice.chance(15) {
        return None;
    }
    let done = |dice: &mut Dice<'_>| {
        dice.rarely(20, Some(days_from(today, -400)), |d| {
            d.pick(&[None, Some(today), Some(days_from(today, 1))])
        })
    };
    let first = dice.pick(&[-400, -26, -25, -24, -23, -22, -21, -20, -19, -18, 0, 1, -5]);
    Some(Dossier {
        self_assessed_on: done(dice),
        ethics_approved_on: done(dice),
        first_case_on: dice.rarely(85, None, |_| Some(days_from(today, first))),
        filed_on: dice.rarely(40, None, |d| Some(days_from(today, d.pick(&[-1, 0, 1])))),
        state: dice.rarely(10, DossierState::Active, |d| {
            d.pick(&[DossierState::Suspended, DossierState::Stopped, DossierState::Cancelled])
        }),
        ..make::dossier(&technique.item, today)
    })
}

/// The years around, some of them not known, with holidays and make-up days that matter.
fn calendar(dice: &mut Dice<'_>, today: Date) -> Calendar {
    let known = dice.pick(&[[true, true], [true, true], [false, true], [true, false], [false; 2]]);
    let years = [today.year() - 1, today.year()];
    let years = years.into_iter().zip(known).filter(|(_, known)| *known).map(|(year, _)| year);
    let off = [(1, 1), (2, 16), (2, 17), (2, 18), (2, 19), (2, 20), (2, 23)];
    let on = [(1, 4), (2, 14), (2, 28)];
    let days = years.flat_map(|year| {
        let of = move |kind| move |(month, day): (i8, i8)| (date(year, month, day), kind);
        off.into_iter().map(of(DayKind::Holiday)).chain(on.into_iter().map(of(DayKind::Workday)))
    });
    Calendar::new(days)
}

fn discussions(dice: &mut Dice<'_>, now: Timestamp) -> Vec<Discussion> {
    let mut all: Vec<Discussion> =
        (0..dice.pick(&[0, 1, 2])).map(|at| discussion(dice, at, now)).collect();
    if dice.chance(60) {
        let held = now - SignedDuration::from_hours(48);
        all.push(Discussion { id: "M3".to_owned(), ..make::discussion("P1", &ORDERED, held) });
    }
    all
}

fn discussion(dice: &mut Dice<'_>, at: usize, now: Timestamp) -> Discussion {
    let held = moment(dice, now);
    let patient = dice.rarely(20, "P1", |_| "P2");
    let codes: Vec<&str> = (0..dice.pick(&[1, 2, 0])).map(|_| dice.pick(&ORDERED)).collect();
    let mut discussion = make::discussion(patient, &codes, held);
    discussion.id = format!("M{}", at + 1);
    discussion.order_no = dice.rarely(40, None, |d| Redacted::new(d.pick(&ORDER_NUMBERS)));
    if dice.chance(25) {
        let few: [&[&str]; 3] = [&["普外科"], &["普外科", " 普外科 "], &[]];
        let few = dice.pick(&few);
        discussion.disciplines = few.iter().map(|name| (*name).to_owned()).collect();
    }
    if dice.chance(20) {
        let missing = dice.pick(&Content::ALL);
        discussion.contents.retain(|content| *content != missing);
    }
    discussion.conclusion = dice
        .rarely(15, Conclusion::Approved, |d| d.pick(&[Conclusion::Rejected, Conclusion::Pending]));
    discussion
}

fn story(dice: &mut Dice<'_>) -> Story {
    if !dice.chance(50) {
        return Story::default();
    }
    Story {
        known: dice.rarely(90, false, |_| true),
        order: dice.rarely(75, None, |d| Some(chapter(d, Stage::Order))),
        notice: dice.rarely(40, None, |d| Some(chapter(d, Stage::Notice))),
    }
}

fn chapter(dice: &mut Dice<'_>, stage: Stage) -> Chapter {
    let refused = dice.chance(20);
    let surgeons = (0..dice.pick(&[1, 1, 2, 0])).map(|_| make::staff(dice.pick(&SURGEONS).0));
    let surgeons = surgeons.collect();
    let procedures = (0..dice.pick(&[1, 1, 2, 0])).map(|_| make::code(dice.pick(&ORDERED)));
    let procedures = procedures.collect();
    Chapter {
        entry: "01JC".to_owned(),
        stage,
        judged_at: Timestamp::UNIX_EPOCH,
        decision: if refused { Decision::Block } else { Decision::Forward },
        refused,
        urgency: dice.pick(&[
            None,
            Some(Urgency::Elective),
            Some(Urgency::Emergency),
            Some(Urgency::Urgent),
        ]),
        surgeons,
        procedures,
        grade: dice.rarely(50, None, |d| Some(make::grade(d.pick(&[1, 2, 3, 4])))),
    }
}

fn booking(dice: &mut Dice<'_>, now: Timestamp) -> Booking {
    let from = moment(dice, now);
    Booking {
        surgeon: make::staff(dice.pick(&SURGEONS).0),
        from,
        to: from + SignedDuration::from_mins(dice.pick(&[60, 120, 1])),
        entry: "01JC".to_owned(),
    }
}
