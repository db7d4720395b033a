//! Orders out of any bytes, by the shipped mappings: never a panic, every place that is named exists, and a procedure
//! segment written as the standard writes it is never overlooked.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use orgate::domain::catalogue::Catalogue;
use orgate::domain::order::{Order, Place, Primary};
use orgate::domain::procedure::{Grade, Procedure, ProcedureCode};
use orgate::hl7::charset::CharsetSetting;
use orgate::hl7::message::Message;
use orgate::mapping::{Context, Mapping, Reading};

struct Known {
    mappings: [Mapping; 3],
    catalogue: Catalogue,
    zone: TimeZone,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| Known {
    mappings: ["standard.toml", "zop.toml", "srm-aims.toml"].map(mapping),
    catalogue: Catalogue::new(1, ["51.2300", "47.0100", "52.7x00"].map(procedure).into()),
    zone: TimeZone::get("Asia/Shanghai").unwrap(),
});

fn mapping(name: &str) -> Mapping {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings/hl7v2");
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    Mapping::parse(name, &text, &|map| std::fs::read_to_string(folder.join(map))).unwrap()
}

fn procedure(code: &str) -> Procedure {
    Procedure {
        code: ProcedureCode::new(code).unwrap(),
        name: code.to_owned(),
        grade: Grade::Two,
        code_system: None,
        aliases: Vec::new(),
        reference_grade: None,
        grade_document: None,
        specialty: None,
        status: Default::default(),
        status_reason: None,
        admission: Default::default(),
        ethics: Default::default(),
        valid_from: None,
        valid_to: None,
    }
}

fn exists(message: &Message<'_>, place: Option<&Place>) {
    let Some(Place::Hl7 { segment, sequence, field, repetition, .. }) = place else { return };
    let mut named = message.named(segment.as_bytes());
    let stands = named.nth(sequence.checked_sub(1).expect("sequences count from 1"));
    let stands = stands.expect("the segment exists");
    let written = stands.field(*field).repetition_count();
    assert!((1..=written).contains(repetition), "the repetition exists");
}

fn places(message: &Message<'_>, order: &Order) {
    assert!(!order.groups.is_empty(), "a surgical order has a group");
    for line in order.groups.iter().flat_map(|group| &group.lines) {
        exists(message, line.place.as_ref());
        line.coded.iter().for_each(|coded| exists(message, coded.place.as_ref()));
        line.team.iter().for_each(|person| exists(message, person.place.as_ref()));
        match &line.primary {
            Primary::Named(persons) => {
                assert!(!persons.is_empty(), "named means somebody");
                persons.iter().for_each(|person| exists(message, person.place.as_ref()));
            }
            Primary::Unclear(place) => exists(message, place.as_ref()),
            Primary::Missing => {}
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let [choice, payload @ ..] = input else { return };
    let Ok(message) = Message::read(payload, &CharsetSetting::Auto) else { return };
    let context = Context {
        catalogue: &KNOWN.catalogue,
        listed: &|code| code.as_str() == "99.9999",
        checked_order: &|number| number == "CHECKED",
        all_surgical: choice & 4 != 0,
        compare_bytes: choice & 8 != 0,
        zone: &KNOWN.zone,
    };
    let mapping = &KNOWN.mappings[usize::from(choice & 3) % 3];
    match mapping.read_hl7(&message, &context) {
        Reading::Surgical(order) => places(&message, &order),
        Reading::Unreadable(unreadable) => exists(&message, unreadable.place.as_ref()),
        Reading::NotSurgical { reply, .. } => {
            let has = |name: &[u8]| message.named(name).next().is_some();
            assert!(!has(b"PR1") || reply && has(b"MSA"), "a procedure was overlooked");
        }
    }
});
