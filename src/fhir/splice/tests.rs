//! The splice against the same done to values, and the bytes that must stay.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fhir::splice::{with, without};

fn spliced(batch: &str, refused: &[usize]) -> Option<String> {
    without(batch.as_bytes(), refused).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn filled(response: &str, forwarded: usize, ours: &[(usize, Value)]) -> Option<String> {
    with(response.as_bytes(), forwarded, ours).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn an_entry_goes_with_the_comma_before_it_and_nothing_else() {
    let batch = "{ \"entry\" : [ {\"a\":1.0} ,\n {\"b\":\"]\"},\t{\"c\":[]} ] , \"z\" : 1e2 }\r\n";
    let same = spliced(batch, &[]);
    assert_eq!(same.as_deref(), Some(batch));
    let rest = "{ \"entry\" : [ {\"a\":1.0},\t{\"c\":[]} ] , \"z\" : 1e2 }\r\n";
    assert_eq!(spliced(batch, &[1]).as_deref(), Some(rest));
    let rest = "{ \"entry\" : [ {\"b\":\"]\"},\t{\"c\":[]} ] , \"z\" : 1e2 }\r\n";
    assert_eq!(spliced(batch, &[0]).as_deref(), Some(rest));
    let rest = "{ \"entry\" : [ {\"a\":1.0} ] , \"z\" : 1e2 }\r\n";
    assert_eq!(spliced(batch, &[1, 2]).as_deref(), Some(rest));
    let rest = "{ \"entry\" : [  ] , \"z\" : 1e2 }\r\n";
    assert_eq!(spliced(batch, &[0, 1, 2]).as_deref(), Some(rest));
}

#[test]
fn the_list_is_found_however_its_key_is_written_and_only_at_the_top() {
    let batch = r#"{"x":{"entry":[1]},"\u0065ntry":[{"entry":[7]},2]}"#;
    let rest = r#"{"x":{"entry":[1]},"\u0065ntry":[2]}"#;
    assert_eq!(spliced(batch, &[0]).as_deref(), Some(rest));
    assert_eq!(spliced(r#"{"a":1}"#, &[]).as_deref(), Some(r#"{"a":1}"#));
}

#[test]
fn what_cannot_be_spliced_is_not() {
    for batch in [r#"{"entry":[1],"entry":[2]}"#, r#"{"entry":{}}"#, "[]", "{", "{} x", ""] {
        assert_eq!(spliced(batch, &[]), None, "{batch}");
    }
    assert_eq!(spliced(r#"{"entry":[1]}"#, &[1]), None);
    assert_eq!(without(b"{\"entry\":[\"\xff\"]}", &[]), None);
}

#[test]
fn ours_are_put_at_their_places_and_the_rest_stays() {
    let response = "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[ {\"a\":1.0} ,\n{\"b\":2} ]}\n";
    let (one, two) = (json!({"x": 1}), json!({"y": 2}));
    let whole = "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[ {\"x\":1},{\"a\":1.0},{\"y\":2} ,\n{\"b\":2} ]}\n";
    let ours = [(0, one.clone()), (2, two.clone())];
    assert_eq!(filled(response, 2, &ours).as_deref(), Some(whole));
    let whole = "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[ {\"a\":1.0} ,\n{\"b\":2},{\"y\":2},{\"x\":1} ]}\n";
    let ours = [(3, one.clone()), (2, two)];
    assert_eq!(filled(response, 2, &ours).as_deref(), Some(whole));
    assert_eq!(filled(response, 2, &[]).as_deref(), Some(response));
    let empty = "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\"} ";
    let whole = "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[{\"x\":1}]} ";
    assert_eq!(filled(empty, 0, &[(0, one.clone())]).as_deref(), Some(whole));
    let empty = "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[ ]}";
    let whole = "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[{\"x\":1} ]}";
    assert_eq!(filled(empty, 0, &[(0, one)]).as_deref(), Some(whole));
}

#[test]
fn a_response_that_does_not_fit_is_left_alone() {
    let response =
        |kind: &str| format!("{{\"resourceType\":\"Bundle\",\"type\":\"{kind}\",\"entry\":[1]}}");
    let ours = [(1, json!({}))];
    assert!(filled(&response("batch-response"), 1, &ours).is_some());
    assert_eq!(filled(&response("searchset"), 1, &ours), None);
    assert_eq!(filled(&response("batch-response"), 2, &ours), None);
    assert_eq!(filled(&response("batch-response"), 1, &[(2, json!({}))]), None);
    assert_eq!(filled(&response("batch-response"), 1, &[(1, json!(1)), (1, json!(2))]), None);
    let outcome = r#"{"resourceType":"OperationOutcome","type":"batch-response","entry":[1]}"#;
    assert_eq!(filled(outcome, 1, &ours), None);
    assert_eq!(filled("<Bundle/>", 1, &ours), None);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i32>().prop_map(|number| json!(number)),
        "[a\\]\\[{}\",术 ]{0,6}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[a-c\"]|entry", inner, 0..3)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn bundle(kind: &str, entries: &[Value], pretty: bool) -> String {
    let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": entries, "id": "x"});
    if pretty { serde_json::to_string_pretty(&bundle).unwrap() } else { bundle.to_string() }
}

proptest! {
    #[test]
    fn splicing_bytes_is_splicing_values(
        entries in prop::collection::vec((value(), any::<bool>()), 0..6),
        pretty in any::<bool>(),
    ) {
        let (all, refused): (Vec<Value>, Vec<bool>) = entries.into_iter().unzip();
        let indexes: Vec<usize> = (0..all.len()).filter(|at| refused[*at]).collect();
        let batch = bundle("batch", &all, pretty);
        let rest = without(batch.as_bytes(), &indexes).unwrap();
        let kept: Vec<Value> =
            (0..all.len()).filter(|at| !refused[*at]).map(|at| all[at].clone()).collect();
        let mut model: Value = serde_json::from_str(&batch).unwrap();
        model["entry"] = json!(kept);
        prop_assert_eq!(serde_json::from_slice::<Value>(&rest).unwrap(), model);

        let response = bundle("batch-response", &kept, pretty);
        let ours: Vec<(usize, Value)> =
            indexes.iter().map(|at| (*at, all[*at].clone())).collect();
        let whole = with(response.as_bytes(), kept.len(), &ours).unwrap();
        let mut model: Value = serde_json::from_str(&response).unwrap();
        model["entry"] = json!(all);
        prop_assert_eq!(serde_json::from_slice::<Value>(&whole).unwrap(), model);
        if indexes.is_empty() {
            prop_assert_eq!(rest, batch.into_bytes());
            prop_assert_eq!(whole, response.into_bytes());
        }
    }

    #[test]
    fn splicing_is_total(bytes in "[\\[\\]{}\":, entry1\\\\]{0,40}", at in 0_usize..3) {
        let _ = without(bytes.as_bytes(), &[at]);
        let _ = with(bytes.as_bytes(), at, &[(at, json!(1))]);
    }
}
