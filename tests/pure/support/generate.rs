//! Made-up hospitals and messages: small pools of codes, people, days and places, so that things
//! meet; days chosen around the operating days, so that boundaries are hit.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use orgate::domain::grant::{Grant, GrantStatus, Right, Scope, Supervision};
use orgate::domain::order::{
    Action, Attestation, CodedPlace, Coding, Group, Line, Order, Person, Primary, Redacted, Stage,
    Urgency,
};
use orgate::domain::procedure::{Procedure, ProcedureStatus};
use orgate::domain::surgeon::{PersonKey, Surgeon, SurgeonStatus, fold_name};
use orgate::rules::Policy;
use orgate::rules::table::Setting;
use proptest::prelude::*;

use crate::support::dice::Dice;
use crate::support::make;
use crate::support::world::{Enforced, World};

/// What dice fall by.
pub(crate) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..320)
}

/// Own codes of the catalogue with their usual grades, grade 3 first: there most rules meet.
const ITEMS: [(&str, u8); 4] = [("51.2300", 3), ("52.7x00", 4), ("47.0100", 2), ("86.2200", 1)];
const ALIASES: [&str; 2] = ["51.2300x001", "52.7x00x002"];
/// Codes that an order may hold; the last is in no catalogue.
const ORDERED: [&str; 7] =
    ["51.2300", "52.7x00", "47.0100", "86.2200", ALIASES[0], ALIASES[1], "99.9900"];
const GRANTED: [&str; 6] = ["51.2300", "52.7x00", "47.0100", "86.2200", ALIASES[0], ALIASES[1]];
/// Two bear one name.
const SURGEONS: [(&str, &str); 4] =
    [("D1", "林一"), ("D2", "周二"), ("D3", "吴三"), ("D4", "吴三")];
const SITES: [&str; 2] = ["东院", "西院"];
const DEPARTMENTS: [&str; 2] = ["普外科", "骨科"];
/// A common morning, a night whose UTC day is the day before, and the days around a leap day.
const NOWS: [&str; 5] = [
    "2026-03-02T00:30:00Z",
    "2026-03-01T16:30:00Z",
    "2026-02-28T15:59:59Z",
    "2025-02-28T01:00:00Z",
    "2028-02-29T03:00:00Z",
];
const ZONES: [&str; 3] = ["Asia/Shanghai", "UTC", "America/New_York"];
/// Rules whose effects a hospital may turn, those of the override aside.
const TURNED: [&str; 8] = [
    "evaluation-overdue",
    "surgeon-missing",
    "grant-missing",
    "grant-undocumented",
    "surgeon-name-mismatch",
    "operating-time-past",
    "technique-not-in-catalogue",
    "emergency-surgery",
];

/// A whole situation.
pub(crate) fn world(dice: &mut Dice<'_>) -> World {
    let now: Timestamp = dice.pick(&NOWS).parse().expect("a time");
    let zone = TimeZone::get(dice.pick(&ZONES)).expect("a zone");
    let today = zone.to_datetime(now).date();
    let order = order(dice, now);
    let items =
        ITEMS.iter().enumerate().map(|(at, (code, grade))| item(dice, at, code, *grade, today));
    let items = items.collect();
    let surgeons = SURGEONS.iter().map(|(id, name)| surgeon(dice, id, name, today)).collect();
    World {
        items,
        surgeons,
        away: away(dice),
        order,
        now,
        zone,
        policy: policy(dice),
        enforced: enforced(dice),
    }
}

fn days_from(day: Date, days: i64) -> Date {
    day.saturating_add(Span::new().days(days))
}

/// A first and a last day, mostly open, mostly around today.
fn term(dice: &mut Dice<'_>, today: Date) -> (Option<Date>, Option<Date>) {
    let from = dice.rarely(25, None, |d| Some(days_from(today, d.pick(&[-1, 0, 1, 2, -30]))));
    let to = dice.rarely(25, None, |d| Some(days_from(today, d.pick(&[1, 0, -1, 2, 30]))));
    (from, to)
}

fn item(dice: &mut Dice<'_>, at: usize, code: &str, grade: u8, today: Date) -> Procedure {
    let mut item = make::item(code, dice.rarely(15, grade, |d| d.pick(&[3, 4, 1, 2])));
    item.aliases = ALIASES.iter().skip(at).take(1).map(|alias| make::code(alias)).collect();
    item.status = dice.rarely(12, ProcedureStatus::Active, |d| {
        d.pick(&[ProcedureStatus::Suspended, ProcedureStatus::Stopped])
    });
    if dice.chance(15) {
        (item.valid_from, item.valid_to) = term(dice, today);
    }
    item
}

fn surgeon(dice: &mut Dice<'_>, id: &str, name: &str, today: Date) -> Surgeon {
    let mut surgeon = make::surgeon(id, name);
    surgeon.status = dice.rarely(10, SurgeonStatus::Active, |d| {
        d.pick(&[SurgeonStatus::Suspended, SurgeonStatus::Left])
    });
    surgeon.licence_to = dice.rarely(20, None, |d| Some(days_from(today, d.pick(&[1, 0, -1, 7]))));
    surgeon.grants = (0..dice.number(0, 4)).map(|_| grant(dice, today)).collect();
    surgeon
}

/// A grant, mostly without a defect.
pub(crate) fn grant(dice: &mut Dice<'_>, today: Date) -> Grant {
    let scope = if dice.chance(25) {
        Scope::GradeWide(make::grade(dice.pick(&[2, 1, 3, 4])))
    } else {
        Scope::Item(make::code(dice.pick(&GRANTED)))
    };
    let year_ago = today.saturating_sub(Span::new().years(1));
    let evaluated = dice.pick(&[
        Some(days_from(today, -30)),
        None,
        Some(days_from(year_ago, -1)),
        Some(year_ago),
        Some(days_from(year_ago, 1)),
        Some(days_from(year_ago, 2)),
    ]);
    let mut grant = make::grant(scope, evaluated);
    (grant.valid_from, grant.valid_to) = term(dice, today);
    grant.status = dice.rarely(15, GrantStatus::Active, |d| {
        d.pick(&[GrantStatus::Suspended, GrantStatus::Revoked])
    });
    grant.document_no = dice.rarely(12, grant.document_no, |_| None);
    grant.sites = dice.rarely(20, Vec::new(), |d| vec![d.pick(&SITES).to_owned()]);
    grant.supervision = dice.rarely(25, Supervision::None, |_| Supervision::Required);
    grant.right = dice.rarely(8, Right::Perform, |_| Right::Order);
    grant
}

/// A message of one or more groups.
fn order(dice: &mut Dice<'_>, now: Timestamp) -> Order {
    let stage = dice.pick(&[Stage::Order, Stage::Notice, Stage::Record]);
    let message_time = dice.rarely(30, None, |d| Some(moment(d, now)));
    let groups = match dice.number(0, 9) {
        0..=6 => 1,
        7 | 8 => 2,
        _ => 3,
    };
    let groups = (0..groups).map(|_| group(dice, now)).collect();
    Order { message_time, ..make::order(stage, groups) }
}

/// A time around `now`, with the exact bounds among them.
fn moment(dice: &mut Dice<'_>, now: Timestamp) -> Timestamp {
    let hours = 3_600_i64;
    let seconds = dice.pick(&[
        hours,
        0,
        26 * hours,
        -hours,
        -24 * hours,
        -24 * hours - 1,
        -24 * hours + 1,
        -50 * hours,
        7 * 24 * hours,
        48 * hours,
    ]);
    now.saturating_add(Span::new().seconds(seconds)).expect("seconds can be added to a time")
}

fn group(dice: &mut Dice<'_>, now: Timestamp) -> Group {
    let mut group = make::group(Vec::new());
    group.action = dice
        .rarely(20, Action::New, |d| d.pick(&[Action::Change, Action::Withdraw, Action::Other]));
    group.urgency = dice.pick(&[
        None,
        Some(Urgency::Emergency),
        Some(Urgency::Elective),
        Some(Urgency::Urgent),
        Some(Urgency::Emergency),
    ]);
    group.department = dice.rarely(60, None, |d| Some(d.pick(&DEPARTMENTS).to_owned()));
    group.site = dice.rarely(40, None, |d| Some(d.pick(&SITES).to_owned()));
    group.attestation = Attestation {
        reason: dice.rarely(50, None, |_| Redacted::new("失血性休克")),
        by: dice.rarely(50, None, |_| Some(make::staff("D4"))),
    };
    group.time_unreadable = dice.chance(3);
    group.lines = (0..dice.pick(&[1, 1, 1, 2])).map(|_| line(dice, now)).collect();
    group
}

fn line(dice: &mut Dice<'_>, now: Timestamp) -> Line {
    let mut line = make::line(&[], primary(dice));
    line.coded = (0..dice.pick(&[1, 1, 1, 1, 1, 2, 0])).map(|_| place(dice)).collect();
    line.team = (0..dice.pick(&[0, 1, 2])).map(|_| person(dice)).collect();
    line.times = (0..dice.pick(&[0, 1, 1, 2])).map(|_| moment(dice, now)).collect();
    line
}

fn place(dice: &mut Dice<'_>) -> CodedPlace {
    let coding = |dice: &mut Dice<'_>| Coding {
        code: make::code(dice.pick(&ORDERED)),
        system: None,
        display: None,
    };
    CodedPlace {
        codings: (0..dice.pick(&[1, 1, 1, 2])).map(|_| coding(dice)).collect(),
        place: None,
    }
}

fn primary(dice: &mut Dice<'_>) -> Primary {
    match dice.number(0, 19) {
        18 => Primary::Missing,
        19 => Primary::Unclear(None),
        at => Primary::Named((0..if at < 15 { 1 } else { 2 }).map(|_| person(dice)).collect()),
    }
}

/// Somebody: mostly by number, sometimes with a name, sometimes by the name alone, sometimes a stranger.
fn person(dice: &mut Dice<'_>) -> Person {
    let strangers: [(&str, &str); 2] = [("D9", "郑九"), ("D1", "郑九")];
    let (id, name) = if dice.chance(8) { dice.pick(&strangers) } else { dice.pick(&SURGEONS) };
    match dice.number(0, 5) {
        0..=2 => make::person(Some(id), &[]),
        3 | 4 => make::person(Some(id), &[name]),
        _ => make::person(None, &[name]),
    }
}

fn away(dice: &mut Dice<'_>) -> Vec<PersonKey> {
    if !dice.chance(12) {
        return Vec::new();
    }
    let mut keys = Vec::new();
    for (id, name) in SURGEONS {
        if dice.chance(50) {
            keys.push(PersonKey::Id(make::staff(id)));
            keys.push(PersonKey::Name(fold_name(name)));
        }
    }
    keys
}

fn policy(dice: &mut Dice<'_>) -> Policy {
    let mut policy = Policy { require_attestation: dice.chance(20), ..Policy::default() };
    if dice.chance(25) {
        let setting =
            |dice: &mut Dice<'_>| dice.pick(&[Setting::Flag, Setting::Block, Setting::Off]);
        let settings = [setting(dice), setting(dice), setting(dice)];
        policy.effects.set(dice.pick(&TURNED), settings).expect("these rules can be turned");
    }
    policy
}

fn enforced(dice: &mut Dice<'_>) -> Enforced {
    match dice.number(0, 9) {
        0..=5 => Enforced::Everybody,
        6 => Enforced::Nobody,
        _ => Enforced::Departments(vec![dice.pick(&DEPARTMENTS).to_owned()]),
    }
}
