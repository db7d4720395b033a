//! A model: whatever happens on a server, pulls of changes come to the same register as one pull of everything.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::register::sources::fhir::tests::applying::Ward;
use crate::register::sources::fhir::tests::{coded, grant, practitioner, role};

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    /// A person is written.
    Person { id: u8, staff: u8, active: bool },
    /// A role is written.
    Role { id: u8, person: u8, codes: Vec<u8>, until: u8, active: bool },
    /// A resource is deleted.
    Delete { role: bool, id: u8 },
    /// The gate pulls: what has changed, or everything where something was deleted.
    Pull,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..4_u8, 0..5_u8, any::<bool>()).prop_map(|(id, staff, active)| Event::Person { id, staff, active }),
        6 => (0..5_u8, 0..4_u8, prop::collection::vec(0..3_u8, 0..3), 0..3_u8, prop::bool::weighted(0.8))
            .prop_map(|(id, person, codes, until, active)| Event::Role { id, person, codes, until, active }),
        1 => (any::<bool>(), 0..5_u8).prop_map(|(role, id)| Event::Delete { role, id }),
        4 => Just(Event::Pull),
    ]
}

/// 2 is in no catalogue.
const CODES: [&str; 3] = ["51.2300", "52.7x00", "99.9999"];

fn resource(event: &Event) -> Option<((bool, u8), Value)> {
    match event {
        Event::Person { id, staff, active } => {
            let more = json!({"active": active});
            // 4 is nobody's number.
            let staff = if *staff == 4 { String::new() } else { format!("D{staff}") };
            let mut own = practitioner(&format!("p{id}"), &staff, &more);
            if staff.is_empty() {
                own["identifier"] = json!([]);
            }
            Some(((false, *id), own))
        }
        Event::Role { id, person, codes, until, active } => {
            let grants: Vec<Value> = codes
                .iter()
                .map(|code| {
                    let mut parts = vec![coded(CODES[usize::from(*code)])];
                    if *until > 0 {
                        parts.push(json!({"url": "period", "valuePeriod": {"end": format!("2027-0{until}-28")}}));
                    }
                    grant(&parts)
                })
                .collect();
            let own =
                role(&format!("r{id}"), &format!("p{person}"), &grants, &json!({"active": active}));
            Some(((true, *id), own))
        }
        Event::Delete { .. } | Event::Pull => None,
    }
}

async fn play(events: Vec<Event>) {
    let ward = Ward::new().await;
    let mut server: BTreeMap<(bool, u8), Value> = BTreeMap::new();
    let (mut changed, mut deleted) = (BTreeSet::new(), true);
    for event in events.into_iter().chain([Event::Pull]) {
        if let Some((key, own)) = resource(&event) {
            server.insert(key, own);
            changed.insert(key);
        }
        match event {
            Event::Delete { role, id } if server.remove(&(role, id)).is_some() => {
                changed.remove(&(role, id));
                deleted = true;
            }
            Event::Pull => {
                let all: Vec<Value> = server.values().cloned().collect();
                let since: Vec<Value> = changed.iter().map(|key| server[key].clone()).collect();
                let pulled = if deleted {
                    ward.pull_all(&all).await
                } else {
                    ward.pull_changes(&since).await
                };
                let other = Ward::new().await;
                let whole = other.pull_all(&all).await;
                assert_eq!(pulled.is_ok(), whole.is_ok(), "{pulled:?} {whole:?} {all:?}");
                if pulled.is_ok() {
                    (changed, deleted) = (BTreeSet::new(), false);
                    for table in ["surgeons", "grants"] {
                        assert_eq!(ward.rows(table).await, other.rows(table).await, "{all:?}");
                    }
                }
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn pulls_of_changes_end_in_the_same_register_as_one_pull_of_everything(
        events in prop::collection::vec(event(), 1..14),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(events));
    }
}
