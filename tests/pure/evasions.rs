//! Which interaction a request is: every row of `tests/data/evasions/paths.csv`.

use orgate::fhir::interaction::{Allowed, Head, Interaction, Target, Write, classify};

/// Columns of the table; `allow` holds operations, and `outside` for what lies outside the base.
#[derive(serde::Deserialize)]
struct Row {
    method: String,
    base: String,
    path: String,
    query: String,
    headers: String,
    body: String,
    allow: String,
    expected: String,
}

fn target(target: &Target) -> String {
    let mut text = target.identity().unwrap_or_else(|| target.resource_type.clone());
    if let Some(condition) = &target.condition {
        text.push('?');
        text.push_str(condition);
    }
    text
}

fn told(interaction: &Interaction) -> String {
    match interaction {
        Interaction::Stream => "stream".to_owned(),
        Interaction::Unjudged { resource_type } => format!("unjudged {resource_type}"),
        Interaction::Write(Write::Create(aim)) => format!("create {}", target(aim)),
        Interaction::Write(Write::Update(aim)) => format!("update {}", target(aim)),
        Interaction::Write(Write::Patch(aim)) => format!("patch {}", target(aim)),
        Interaction::Write(Write::Bundle) => "bundle".to_owned(),
        Interaction::Write(Write::Operation(name)) => format!("operation {name}"),
        Interaction::Delete(aim) => format!("delete {}", target(aim)),
        Interaction::Doubtful(evasion) => format!("doubtful {}", evasion.as_str()),
        Interaction::NotAllowed(name) => format!("not-allowed {name}"),
        Interaction::OutsideBase => "outside-base".to_owned(),
    }
}

#[test]
fn every_row_of_the_table_is_the_interaction_it_says() {
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/evasions/paths.csv");
    let mut reader = csv::Reader::from_path(table).expect("the table can be read");
    let mut wrong = Vec::new();
    let mut count = 0;
    for (at, row) in reader.deserialize().enumerate() {
        let row: Row = row.expect("a row of the table");
        let (outside, operations): (Vec<&str>, Vec<&str>) =
            row.allow.split_whitespace().partition(|word| *word == "outside");
        let operations = operations.into_iter().map(str::to_owned).collect();
        let allowed = Allowed { operations, outside_base: !outside.is_empty() };
        let head = Head {
            method: &row.method,
            path: &row.path,
            query: (!row.query.is_empty()).then_some(&*row.query),
            has_body: row.body == "yes",
            has_header: &|name| row.headers.split_whitespace().any(|own| own == name),
        };
        let came = told(&classify(&row.base, &head, &allowed));
        if came != row.expected {
            let Row { method, path, query, expected, .. } = &row;
            wrong.push(format!("line {}: {method} {path} {query}: {came}, not {expected}", at + 2));
        }
        count += 1;
    }
    assert!(count > 200, "{count} rows");
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
