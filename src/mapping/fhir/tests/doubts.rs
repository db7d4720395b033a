//! "Two readings, settled" of contract §10: what is unreadable, and that nobody is kept from calling off.

use serde_json::{Value, json};

use crate::domain::order::{Action, Stage};
use crate::mapping::fhir::tests::route::{
    Route, notice_with, order_with, participant, practitioner, record_with, staff,
};
use crate::mapping::{Doubt, Reading};

/// Members of an order that are read, each with a wrong JSON type, and where the doubt points.
fn wrong_members() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"status": 1}), "ServiceRequest.status"),
        (json!({"status": ["revoked"]}), "ServiceRequest.status"),
        (json!({"doNotPerform": "true"}), "ServiceRequest.doNotPerform"),
        (json!({"code": "51.2300"}), "ServiceRequest.code"),
        (json!({"code": [{"coding": []}]}), "ServiceRequest.code"),
        (json!({"code": {"coding": {"code": "51.2300"}}}), "ServiceRequest.code"),
        (json!({"code": {"coding": [{"code": 51.23}]}}), "ServiceRequest.code"),
        (json!({"code": {"coding": [{"code": "51.2300"}], "concept": {}}}), "ServiceRequest.code"),
        (json!({"category": {"coding": []}}), "ServiceRequest.category"),
        (json!({"orderDetail": {"coding": []}}), "ServiceRequest.orderDetail"),
        (json!({"basedOn": {"reference": "ServiceRequest/1"}}), "ServiceRequest.basedOn"),
        (json!({"basedOn": ["ServiceRequest/1"]}), "ServiceRequest.basedOn[0]"),
        (json!({"performer": {"reference": "Practitioner/3"}}), "ServiceRequest.performer"),
        (json!({"performer": ["Practitioner/3"]}), "ServiceRequest.performer[0]"),
        (json!({"performer": [{"reference": 3}]}), "ServiceRequest.performer[0]"),
        (json!({"performer": [{"identifier": "D1"}]}), "ServiceRequest.performer[0]"),
        (json!({"priority": ["stat"]}), ""),
        (json!({"occurrenceDateTime": 2026}), ""),
        (json!({"occurrencePeriod": "2026-03-12"}), "ServiceRequest.occurrencePeriod"),
        (json!({"identifier": {"value": "A1"}}), "ServiceRequest.identifier"),
        (json!({"subject": "Patient/P1"}), "ServiceRequest.subject"),
        (json!({"reasonCode": {"coding": []}}), "ServiceRequest.reasonCode"),
        (json!({"contained": {"id": "x"}, "performer": [{"reference": "#x"}]}), ""),
    ]
}

#[test]
fn a_member_of_the_wrong_json_type_is_unreadable() {
    let route = Route::new();
    for (members, place) in wrong_members() {
        let Some((why, at)) = route.doubt(&order_with(members.clone())) else {
            panic!("{members} is read")
        };
        assert_eq!(why, Doubt::MemberType, "{members}");
        assert!(place.is_empty() || at == place, "{members}: {at}");
    }
    let notices = [
        json!({"participant": {"actor": {}}}),
        json!({"participant": [{"actor": []}]}),
        json!({"participant": [{"type": {"coding": []}, "actor": staff("D1")}]}),
        json!({"serviceType": {"coding": []}}),
        json!({"start": 5}),
        json!({"minutesDuration": "90"}),
    ];
    for members in notices {
        let (why, _) = route.doubt(&notice_with(members.clone())).unwrap();
        assert_eq!(why, Doubt::MemberType, "{members}");
    }
    for members in [json!({"performer": [{"actor": 5}]}), json!({"category": []})] {
        let (why, _) = route.doubt(&record_with(members.clone())).unwrap();
        assert_eq!(why, Doubt::MemberType, "{members}");
    }
}

#[test]
fn nobody_is_kept_from_calling_an_operation_off() {
    let route = Route::new();
    for (members, _) in wrong_members() {
        if members.get("status").is_some() {
            continue;
        }
        let mut order = order_with(members);
        order["status"] = json!("revoked");
        order["orderDetail"] = json!([{"coding": [{"code": "47.0100"}]}]);
        let read = route.order(&order);
        assert_eq!((read.stage, read.action()), (Stage::Order, Action::Withdraw), "{order}");
    }
}

#[test]
fn only_the_exact_statuses_of_a_type_call_off() {
    let route = Route::new();
    let action = |resource: &Value| route.order(resource).action();
    for status in ["revoked", "entered-in-error"] {
        assert_eq!(action(&order_with(json!({"status": status}))), Action::Withdraw);
    }
    assert_eq!(action(&order_with(json!({"status": "completed"}))), Action::Other);
    for status in ["draft", "on-hold", "unknown", "Revoked", " revoked", "cancelled", "noshow", ""]
    {
        assert_eq!(action(&order_with(json!({"status": status}))), Action::New, "{status}");
    }
    for status in ["cancelled", "noshow", "entered-in-error"] {
        assert_eq!(action(&notice_with(json!({"status": status}))), Action::Withdraw);
    }
    assert_eq!(action(&notice_with(json!({"status": "revoked"}))), Action::New);
    assert_eq!(action(&record_with(json!({"status": "completed"}))), Action::New);
    assert_eq!(action(&record_with(json!({"status": "cancelled"}))), Action::New);
    for intent in ["proposal", "plan", "option", "order"] {
        let draft = order_with(json!({"status": "draft", "intent": intent}));
        assert_eq!(action(&draft), Action::New, "{intent}");
    }
}

#[test]
fn a_reference_and_an_identifier_of_different_people_are_unreadable() {
    let role = json!({
        "resourceType": "PractitionerRole", "id": "12", "practitioner": {"reference": "Practitioner/3"},
    });
    let route = Route::new().knows(&[practitioner("3", "D1023"), role]);
    let performer = |reference: &str, number: &str| {
        let mut performer = staff(number);
        performer["reference"] = json!(reference);
        order_with(json!({"performer": [performer]}))
    };
    for reference in ["Practitioner/3", "PractitionerRole/12"] {
        assert_eq!(route.doubt(&performer(reference, "D1023")), None);
        let doubt = route.doubt(&performer(reference, "D1030"));
        assert_eq!(doubt, Some((Doubt::Persons, "ServiceRequest.performer[0]".to_owned())));
    }
    let notice = |number: &str| {
        let mut actor = staff(number);
        actor["reference"] = json!("Practitioner/3");
        notice_with(json!({"participant": [participant("PPRF", actor)]}))
    };
    assert_eq!(route.doubt(&notice("D1023")), None);
    assert_eq!(route.doubt(&notice("D1030")).unwrap().0, Doubt::Persons);
}

#[test]
fn a_reference_into_the_resource_that_leads_to_two_is_unreadable() {
    let twice = json!([practitioner("x", "D1023"), practitioner("x", "D1030")]);
    let order = order_with(json!({"contained": twice, "performer": [{"reference": "#x"}]}));
    assert_eq!(Route::new().doubt(&order).unwrap().0, Doubt::Reference);
}

#[test]
fn a_doubt_about_what_is_not_surgical_is_none() {
    let route = Route::new();
    let lab = json!({"code": {"coding": [{"code": "3024-7"}]}, "performer": {"a": 1}, "status": 5});
    assert!(matches!(route.read(&order_with(lab)), Reading::NotSurgical { .. }));
    // Whether it is surgical cannot be told.
    let unknown = json!({"code": {"coding": [{"code": "3024-7"}]}, "category": "surgery?"});
    assert_eq!(route.doubt(&order_with(unknown)).unwrap().0, Doubt::MemberType);
}

#[test]
fn a_resource_of_absurd_size_is_unreadable() {
    let route = Route::new();
    let many = |what: Value, times: usize| Value::Array(vec![what; times]);
    let coding = json!({"code": "51.2300"});
    for members in [
        json!({"performer": many(staff("D1023"), 201)}),
        json!({"orderDetail": many(json!({"coding": [coding]}), 201)}),
        json!({"code": {"coding": many(coding.clone(), 1001)}}),
        json!({"basedOn": many(json!({"reference": "ServiceRequest/1"}), 201)}),
        json!({"occurrenceTiming": {"event": many(json!("2026-03-12"), 1001)}}),
        json!({"contained": many(json!({"id": "a"}), 1001), "performer": [{"reference": "#b"}]}),
    ] {
        assert_eq!(route.doubt(&order_with(members)).unwrap().0, Doubt::Size);
    }
    let off = json!({"status": "revoked", "performer": many(staff("D1023"), 5000)});
    assert_eq!(route.order(&order_with(off)).action(), Action::Withdraw);
}
