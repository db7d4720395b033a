//! What claims mean.

use serde_json::{Map, Value, json};

use crate::accounts::account::{Role, Scope};
use crate::accounts::oidc::person::{Person, complete};
use crate::accounts::oidc::settings::{Claims, Settings};

fn settings() -> Settings {
    Settings {
        issuer: "https://id.example".to_owned(),
        client_id: "orgate".to_owned(),
        secret_file: None,
        ca_file: None,
        scopes: Vec::new(),
        redirect: "https://gate.example/login/oidc/done".to_owned(),
        label: String::new(),
        claims: Claims {
            account: "preferred_username".to_owned(),
            name: "name".to_owned(),
            staff: "staff_no".to_owned(),
            roles: "realm_access.roles".to_owned(),
            departments: Some("departments".to_owned()),
        },
        roles: vec![
            ("yiwuke".to_owned(), vec![Role::Reviewer, Role::Viewer]),
            ("shenji".to_owned(), vec![Role::Auditor, Role::Viewer]),
        ],
    }
}

fn map(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

fn person(claims: Value) -> Person {
    Person::of(&settings(), "s-1", &map(claims))
}

#[test]
fn groups_become_roles_and_unmapped_ones_nothing() {
    let all = person(json!({
        "preferred_username": "Zhang.San@hospital.example", "name": "张样例", "staff_no": 1023,
        "realm_access": { "roles": ["shenji", "others", "yiwuke"] }, "departments": ["0301", "0302"],
    }));
    assert_eq!(all.subject, "https://id.example s-1");
    assert_eq!((all.account.as_str(), all.display.as_str()), ("zhang.san", "张样例"));
    assert_eq!(all.staff.as_deref(), Some("1023"));
    assert_eq!(all.roles, [Role::Viewer, Role::Reviewer, Role::Auditor]);
    let own = ["0301", "0302"].map(str::to_owned).to_vec();
    assert_eq!(all.scope, Some(Scope::Departments(own)));
    for none in [json!([]), json!(["YIWUKE", "yiwuke2"]), json!({ "yiwuke": true }), Value::Null] {
        assert!(person(json!({ "realm_access": { "roles": none } })).roles.is_empty());
    }
    assert_eq!(person(json!({ "realm_access.roles": "yiwuke" })).roles.len(), 2);
}

#[test]
fn what_is_not_said_is_not_made_up() {
    let bare = person(json!({}));
    assert_eq!((bare.staff, bare.roles), (None, Vec::new()));
    assert_eq!(bare.scope, Some(Scope::Departments(Vec::new())), "none, and not all");
    assert!(bare.account.starts_with("oidc-") && bare.account.len() == 17, "{}", bare.account);
    assert_eq!(bare.display, bare.account);
    for odd in ["张三", "a b", "x", "../admin", "@", "a\u{0}dmin;"] {
        let name = person(json!({ "preferred_username": odd })).account;
        assert_eq!(name, bare.account, "{odd}: always the same for the same person");
    }
    let all = person(json!({ "departments": "*" })).scope;
    assert_eq!(all, Some(Scope::All));
    let own = ["0301", "0302"].map(str::to_owned).to_vec();
    let text = person(json!({ "departments": "0302；0301;" })).scope;
    assert_eq!(text, Some(Scope::Departments(own)));
    let long = person(json!({ "name": format!("\u{202e}{}\n", "长".repeat(500)) })).display;
    assert!(long.chars().count() <= 80, "{long}");
}

#[test]
fn claims_that_lack_one_are_not_complete() {
    let full = json!({
        "preferred_username": "a", "name": "b", "staff_no": "c", "realm_access": { "roles": [] },
        "departments": [],
    });
    assert!(complete(&settings(), &map(full.clone())));
    for name in ["preferred_username", "name", "staff_no", "realm_access", "departments"] {
        let mut less = map(full.clone());
        less.remove(name);
        assert!(!complete(&settings(), &less), "{name}");
    }
}
