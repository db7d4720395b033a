//! What is read from resources by the shipped R4 file, beyond its own examples.

use serde_json::{Value, json};

use crate::domain::order::{Action, Place, Primary};
use crate::mapping::Reading;
use crate::mapping::fhir::tests::route::{
    Route, notice_with, order_with, participant, place, practitioner, record_with, staff, who,
};

fn performers(list: Value) -> Value {
    order_with(json!({"performer": list}))
}

#[test]
fn a_surgeon_goes_by_the_staff_number_else_by_the_logical_id() {
    let mut bare = practitioner("8", "x");
    bare["identifier"] = json!([{"system": "urn:npi", "value": "12"}]);
    let mut retired = practitioner("9", "OLD");
    retired["identifier"][0]["use"] = json!("old");
    let route = Route::new().knows(&[practitioner("3", "D1023"), bare, retired]);
    for (reference, id) in [
        ("Practitioner/3", "D1023"),
        ("Practitioner/8", "8"),
        ("Practitioner/9", "9"),
        ("Practitioner/404", "Practitioner/404"),
        ("https://x.org/fhir/Practitioner/3", "https://x.org/fhir/Practitioner/3"),
        ("urn:uuid:1", "urn:uuid:1"),
        ("3", "3"),
        ("Practitioner/../Practitioner/3", "Practitioner/../Practitioner/3"),
        ("Practitioner?identifier=urn:oid:2.16.156.10011.1.4|D1030", "D1030"),
        ("Practitioner?name=x", "Practitioner?name=x"),
    ] {
        assert_eq!(route.surgeons(&performers(json!([{"reference": reference}]))), [id]);
    }
    let foreign = json!([{"identifier": {"system": "urn:npi", "value": "12"}}]);
    assert_eq!(route.surgeons(&performers(foreign)), ["urn:npi|12"]);
    assert_eq!(route.surgeons(&performers(json!([{"display": "石磊"}]))), ["石磊"]);
}

#[test]
fn a_name_is_that_of_the_practitioner_never_of_the_display() {
    let mut named = practitioner("3", "D1023");
    named["name"] = json!([{"use": "old", "text": "旧名"}, {"family": "石", "given": [null, "磊"], "text": "x"}]);
    let route = Route::new().knows(&[named]);
    let order = performers(json!([{"reference": "Practitioner/3", "display": "陶远"}]));
    let group = route.group(&order);
    let Primary::Named(persons) = &group.lines[0].primary else { panic!("named") };
    assert_eq!(persons[0].name, ["石", "磊"]);
    assert_eq!(place(persons[0].place.clone()), "ServiceRequest.performer[0]");
}

#[test]
fn a_resource_of_another_type_is_not_what_a_reference_points_at() {
    let mut route = Route::new();
    let impostor = practitioner("3", "D1023").into();
    route.known.insert("PractitionerRole/3".to_owned(), impostor);
    let order = performers(json!([{"reference": "PractitionerRole/3"}]));
    assert_eq!(route.surgeons(&order), ["PractitionerRole/3"]);
}

#[test]
fn a_role_on_another_server_names_a_practitioner_there() {
    let role = json!({
        "resourceType": "PractitionerRole", "id": "12", "practitioner": {"reference": "Practitioner/3"},
    });
    let mut route = Route::new().knows(&[practitioner("3", "D1023")]);
    route.known.insert("https://x.org/fhir/PractitionerRole/12".to_owned(), role.into());
    let order = performers(json!([{"reference": "https://x.org/fhir/PractitionerRole/12"}]));
    assert_eq!(route.surgeons(&order), ["https://x.org/fhir/Practitioner/3"]);
}

#[test]
fn persons_that_cannot_be_told_apart_are_not_guessed() {
    let route = Route::new();
    let notice = |list: Value| route.surgeons(&notice_with(json!({"participant": list})));
    let open = |actor: Value| json!({"actor": actor, "status": "accepted"});
    assert_eq!(notice(json!([open(staff("D1")), open(staff("D2"))])), ["unclear"]);
    assert_eq!(notice(json!([open(staff("D1")), open(staff("D1"))])), ["D1"]);
    assert_eq!(notice(json!([participant("SPRF", staff("D2"))])), ["missing"]);
    let both = json!([participant("SPRF", staff("D2")), participant("ATND", staff("D1"))]);
    assert_eq!(notice(both), ["unclear"]);
    let group = json!([participant("PPRF", json!({"reference": "CareTeam/1"})), open(staff("D1"))]);
    assert_eq!(notice(group), ["unclear"]);
    let rooms = json!([
        open(json!({"reference": "Location/1"})),
        open(json!({"reference": "Patient/1"})),
        {"type": [{"coding": [{"code": "PPRF"}]}], "status": "needs-action"},
    ]);
    assert_eq!(notice(rooms), ["missing"]);
    assert_eq!(notice(json!([open(json!({"display": "手术室"}))])), ["unclear"]);
    let record = |list: Value| route.surgeons(&record_with(json!({"performer": list})));
    let one = |number: &str| json!({"actor": staff(number)});
    assert_eq!(record(json!([one("D1"), one("D2")])), ["unclear"]);
    assert_eq!(record(json!([])), ["missing"]);
    assert_eq!(record(json!([{"actor": {"reference": "Organization/1"}}])), ["unclear"]);
    assert_eq!(route.surgeons(&performers(json!([{"reference": "Group/1"}]))), ["unclear"]);
}

#[test]
fn the_team_of_a_record_is_everybody_beside_the_surgeon() {
    let surgeon = json!({"function": {"coding": [{"code": "304292004"}]}, "actor": staff("D1")});
    let record = record_with(json!({"performer": [{"actor": staff("D2")}, surgeon]}));
    let line = Route::new().group(&record).lines.remove(0);
    assert_eq!(line.team.iter().map(who).collect::<Vec<_>>(), ["D2"]);
}

#[test]
fn references_are_listed_once_and_in_order_until_they_have_been_asked_for() {
    let mut route = Route::new();
    route.asked = false;
    let order = order_with(json!({
        "requester": {"reference": "Practitioner/9"},
        "performer": [{"reference": "PractitionerRole/12"}, {"reference": "Practitioner/9"}],
    }));
    let asked = |route: &Route, resource: &Value| route.read_all(resource).unresolved;
    assert_eq!(asked(&route, &order), ["PractitionerRole/12", "Practitioner/9"]);
    let role = json!({
        "resourceType": "PractitionerRole", "id": "12", "practitioner": {"reference": "Practitioner/3"},
    });
    let route = route.knows(&[role, practitioner("9", "D9")]);
    assert_eq!(asked(&route, &order), ["Practitioner/3"]);
    let route = route.knows(&[practitioner("3", "D3")]);
    assert_eq!(asked(&route, &order), Vec::<String>::new());
    assert_eq!(route.surgeons(&order), ["D3", "D9"]);
    // What calls off, and what is not surgical, needs nobody.
    let mut fresh = Route::new();
    fresh.asked = false;
    let off =
        order_with(json!({"status": "revoked", "performer": [{"reference": "Practitioner/9"}]}));
    assert_eq!(asked(&fresh, &off), Vec::<String>::new());
    let lab = json!({"code": {"coding": [{"code": "x"}]}, "performer": [{"reference": "Practitioner/9"}]});
    assert_eq!(asked(&fresh, &order_with(lab)), Vec::<String>::new());
}

#[test]
fn a_notice_asks_for_its_order_only_where_it_needs_it() {
    let mut route = Route::new();
    route.asked = false;
    let asked = |members: Value| route.read_all(&notice_with(members)).unresolved;
    let based = |id: &str| json!([{"reference": format!("ServiceRequest/{id}")}]);
    assert_eq!(asked(json!({"basedOn": based("77")})), ["ServiceRequest/77"]);
    assert_eq!(asked(json!({"basedOn": based("checked")})), Vec::<String>::new());
    let without = json!({"basedOn": based("checked"), "serviceType": null});
    assert_eq!(asked(without), ["ServiceRequest/checked"]);
    assert_eq!(asked(json!({"basedOn": [{"reference": "CarePlan/1"}]})), Vec::<String>::new());
}

#[test]
fn what_is_based_on_a_checked_order_is_surgical_and_bears_its_number() {
    let order = json!({
        "resourceType": "ServiceRequest", "id": "77", "identifier": [{"value": "CHECKED"}],
        "code": {"coding": [{"code": "UNMAPPED"}]},
    });
    let route = Route::new().knows(&[order]);
    let number = |resource: &Value| {
        route.group(resource).order_no.map(|number| number.reveal().to_owned()).unwrap_or_default()
    };
    let based = json!([{"reference": "ServiceRequest/77"}]);
    let plain = json!({"basedOn": based, "serviceType": null});
    assert_eq!(number(&notice_with(plain)), "CHECKED");
    let other = json!({"basedOn": based, "code": {"coding": [{"code": "x"}]}});
    assert_eq!(number(&record_with(other)), "CHECKED");
    let known = json!({"basedOn": [{"identifier": {"value": "CHECKED"}}], "code": null});
    assert_eq!(number(&record_with(known)), "CHECKED");
    let own = json!({"identifier": [{"value": "CHECKED"}], "code": {"text": "x"}});
    assert_eq!(number(&order_with(own)), "CHECKED");
    // A requisition is shared with laboratory orders, so it makes none of them surgical.
    let shared = json!({"requisition": {"value": "CHECKED"}, "code": {"text": "x"}});
    assert!(matches!(route.read(&order_with(shared)), Reading::NotSurgical { .. }));
    assert_eq!(number(&order_with(json!({"requisition": {"value": "R1"}}))), "R1");
}

#[test]
fn an_update_that_hides_its_codes_stays_the_order_that_was_checked() {
    let mut route = Route::new();
    (route.action, route.identity) = (Action::Change, Some("ServiceRequest/checked"));
    let hidden = order_with(json!({"code": {"text": "x"}}));
    assert_eq!(route.order(&hidden).action(), Action::Change);
}

#[test]
fn codes_on_a_list_and_mapped_codes_make_an_order_surgical() {
    let route = Route::new();
    let listed = json!({"code": {"coding": [{"code": "x"}, {"code": "99.9999"}]}});
    assert!(matches!(route.read(&order_with(listed)), Reading::Surgical(_)));
    let map = "local_code,local_system,code,note\nLC01,urn:his,51.2300,\n";
    let text = include_str!("../../../../mappings/fhir/r4.toml")
        .replace("concept_maps = []\n", "concept_maps = \"his.csv\"\n");
    let mapping = crate::mapping::fhir::FhirMapping::parse("x", &text, &|_| Ok(map.to_owned()));
    let route = Route::of(Box::leak(Box::new(mapping.unwrap())));
    let local = json!({"code": {"coding": [{"system": "urn:his", "code": "lc01"}]}});
    let line = route.group(&order_with(local)).lines.remove(0);
    let codes: Vec<&str> = line.coded[0].codings.iter().map(|c| c.code.as_str()).collect();
    assert_eq!(codes, ["51.2300", "LC01"]);
    let other = json!({"code": {"coding": [{"system": "urn:other", "code": "lc01"}]}});
    assert!(matches!(route.read(&order_with(other)), Reading::NotSurgical { .. }));
}

#[test]
fn places_are_fhirpath_from_the_body() {
    let notice = notice_with(json!({
        "serviceType": [{"text": "手术"}, {"concept": {"coding": [{"code": "51.2300"}]}}],
        "participant": [{"actor": staff("D1")}, {"actor": staff("D2")}],
    }));
    let line = Route::new().group(&notice).lines.remove(0);
    assert_eq!(
        line.coded[0].place,
        Some(Place::FhirPath("Appointment.serviceType[1].concept".into()))
    );
    let Primary::Unclear(at) = line.primary else { panic!("unclear") };
    assert_eq!(place(at), "Appointment.participant[0].actor");
}

#[test]
fn times_that_are_no_moment_are_said() {
    let route = Route::new();
    let read = |text: &str| {
        let group = route.group(&order_with(json!({"occurrenceDateTime": text})));
        (group.lines[0].times.len(), group.time_unreadable)
    };
    for text in ["2026-03-12", "2026-03-12T08:30:00", "2026-03-12T00:30:00.123Z"] {
        assert_eq!(read(text), (1, false), "{text}");
    }
    for text in ["2026", "2026-03", "20260312", "2026-13-01", "2026-03-12T25:00:00Z", "tomorrow"] {
        assert_eq!(read(text), (0, true), "{text}");
    }
}

#[test]
fn diagnoses_come_from_conditions_too() {
    let condition = json!({
        "resourceType": "Condition", "id": "5", "code": {"coding": [{"code": "K80.100"}]},
    });
    let order = order_with(json!({
        "reasonCode": [{"coding": [{"code": "K81.0"}]}, {"text": "pain"}],
        "reasonReference": [{"reference": "Condition/5"}, {"display": "x"}],
    }));
    let order = Route::new().knows(&[condition]).order(&order);
    let codes: Vec<&str> = order.diagnoses.iter().map(|code| code.reveal()).collect();
    assert_eq!(codes, ["K81.0", "K80.100"]);
}
