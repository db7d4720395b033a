//! Faults of a FHIR mapping file: all at once, each with its line and what to write instead.

use crate::mapping::fhir::FhirMapping;

/// A small file without fault.
const SMALL: &str = r#"name = "small"
[[resource]]
type = "ServiceRequest"
stage = "order"
based_on = "$.basedOn[*]"
[resource.action]
at = "$.status"
withdraw = "revoked"
[resource.surgical]
category = "$.category[*]"
any = "387713003"
based_on = true
[resource.procedure]
codes = "$.code"
[[resource.person]]
at = "$.performer[*]"
is = "surgeon"
"#;

fn faults(text: &str) -> Vec<(usize, String)> {
    let missing = |_: &str| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let faults = FhirMapping::parse("x.toml", text, &missing).map(|_| ()).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.line, fault.what)).collect()
}

#[track_caller]
fn told(text: &str, line: usize, part: &str) {
    let found = faults(text);
    assert!(found.iter().any(|(at, what)| *at == line && what.contains(part)), "{found:#?}");
}

#[test]
fn the_small_file_has_none() {
    assert_eq!(faults(SMALL), []);
}

#[test]
fn all_faults_are_told_at_once_each_on_its_line() {
    let text = SMALL
        .replace("\"ServiceRequest\"", "\"Task\"")
        .replace("\"order\"", "\"request\"")
        .replace("\"$.status\"", "\"status\"")
        .replace("any =", "codes = true\nany_of =")
        .replace("\"$.code\"", "\"$.code[\"")
        .replace("is = \"surgeon\"", "is = \"chief\"");
    let lines: Vec<usize> = faults(&text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [3, 4, 7, 9, 12, 15, 16], "{:#?}", faults(&text));
    told(&text, 3, "`Task` is not judged; write one of ServiceRequest, Appointment, Procedure");
    told(&text, 4, "`request` is no stage; write order, notice or record");
    told(&text, 7, "`status` is no JSONPath");
    told(&text, 9, "`category` says where, `any` says which codes there; write both");
    told(&text, 12, "`any_of` is not a key here; possible are");
    told(&text, 15, "for example $.code, $.performer[*]");
    told(&text, 16, "is = \"surgeon\", is = \"team\", role");
}

#[test]
fn what_is_missing_is_said() {
    told("", 1, "`name` is missing");
    told("", 1, "no [[resource]]");
    let text = "name = \"x\"\n[[resource]]\ntype = \"Procedure\"\nstage = \"record\"\n";
    told(text, 2, "[resource.surgical] is missing");
    told(text, 2, "[resource.procedure] is missing");
}

#[test]
fn keys_that_need_each_other_say_so() {
    told(
        &SMALL.replace("based_on = \"$.basedOn[*]\"\n", ""),
        8,
        "has no `based_on` with the places",
    );
    told(&SMALL.replace("at = \"$.status\"\n", ""), 6, "`at` is missing");
    let role = SMALL.replace("is = \"surgeon\"", "role = \"$.type\"\nteam = \"1\"");
    told(&role, 15, "`surgeon` lists none");
    told(&format!("{SMALL}sole = \"surgeon\"\n"), 15, "need `role`");
    told(&format!("{SMALL}sole = \"team\"\n"), 18, "write sole = \"surgeon\"");
    let both =
        SMALL.replace("is = \"surgeon\"", "role = \"$.type\"\nteam = \"1\"\nsurgeon = \"1\"");
    told(&both, 15, "is in both lists");
    told(&SMALL.replace("withdraw = ", "other = \"revoked\"\nwithdraw = "), 8, "is listed twice");
    told(&SMALL.replace("\"387713003\"", "\"urn:x|\""), 11, "no code");
    let twice = SMALL.replace("name = \"small\"\n", "");
    told(&format!("{SMALL}{twice}"), 18, "`ServiceRequest` is described twice");
}

#[test]
fn a_filter_that_looks_at_the_whole_resource_is_a_fault() {
    let text = SMALL.replace("$.performer[*]", "$.performer[?@.a == $.b]");
    told(&text, 16, "write @ instead of $");
}

#[test]
fn an_example_that_is_read_otherwise_is_told_by_line() {
    let example = "[[example]]\nname = \"e\"\nresource = '''\n{\"resourceType\": \"ServiceRequest\",\n\
                   \"code\": {\"coding\": [{\"code\": \"7\"}]}, \"category\": [{\"coding\": [{\"code\": \
                   \"387713003\"}]}]}\n'''\nexpect = \"order\"\naction = \"change\"\ncases = \"D1: 7\"\n";
    let none = |_: &str| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let mapping = FhirMapping::parse("x.toml", &format!("{SMALL}{example}"), &none).unwrap();
    let found = mapping.run_examples();
    let lines: Vec<usize> = found.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [25, 26], "{found:#?}");
    let broken = example.replace("[{\"code\": \"7\"}]", "[{\"code\": }]");
    told(&format!("{SMALL}{broken}"), 22, "not JSON");
    told(&format!("{SMALL}{}", example.replace("\"order\"", "\"reply\"")), 24, "nothing to expect");
    told(&format!("{SMALL}{}", example.replace("cases", "team")), 18, "`cases` is missing");
    told(&format!("{SMALL}{example}interaction = \"patch\"\n"), 27, "is no interaction");
}
