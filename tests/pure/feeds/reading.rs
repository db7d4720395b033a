//! What the shipped feeds read from a body, as rows of a table.

use std::fmt;
use std::path::Path;

use jiff::tz::TimeZone;
use orgate::domain::catalogue::Catalogue;
use orgate::domain::order::{Action, Order, Primary};
use orgate::mapping::Reading;
use orgate::mapping::fhir::{FhirContext, FhirMapping, Subject};
use serde_json::Value;

use crate::feeds::bodies::Body;

/// resource, mapping, outcome, action, surgical, surgeons, codes, times.
#[derive(PartialEq)]
pub(crate) struct Row(pub(crate) Vec<String>);

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" | "))
    }
}

/// The shipped feeds.
pub(crate) struct Feeds {
    r4: FhirMapping,
    r5: FhirMapping,
    catalogue: Catalogue,
    zone: TimeZone,
}

impl Feeds {
    pub(crate) fn shipped() -> Self {
        Self {
            r4: feed("r4.toml"),
            r5: feed("r5.toml"),
            catalogue: Catalogue::default(),
            zone: TimeZone::get("Asia/Shanghai").expect("the bundled database has it"),
        }
    }

    /// A row for each judged resource.
    pub(crate) fn read(&self, body: &Body) -> Vec<Row> {
        let r5 = body.file.starts_with("r5") || body.file.contains("/R5__");
        let (name, feed) = if r5 { ("r5", &self.r5) } else { ("r4", &self.r4) };
        let row = |(path, resource): (String, &Value)| {
            let read = |all_surgical| self.one(feed, body, &path, resource, all_surgical);
            let surgical = match read(false) {
                Reading::Surgical(_) => "yes",
                Reading::NotSurgical { .. } => "no",
                Reading::Unreadable(_) => "unreadable",
            };
            let mut columns = vec![path.clone(), name.to_owned()];
            columns.extend(match read(true) {
                Reading::Surgical(order) => of_order(&order, surgical),
                Reading::Unreadable(unreadable) => {
                    let mut row = vec![format!("unreadable: {}", unreadable.why.as_str())];
                    row.resize(6, String::new());
                    row
                }
                Reading::NotSurgical { .. } => vec!["not-surgical".to_owned()],
            });
            Row(columns)
        };
        body.judged().into_iter().map(row).collect()
    }

    fn one(
        &self,
        feed: &FhirMapping,
        body: &Body,
        path: &str,
        resource: &Value,
        all_surgical: bool,
    ) -> Reading {
        let subject = Subject { resource, path, action: Action::New, identity: None };
        let context = FhirContext {
            catalogue: &self.catalogue,
            listed: &|_| false,
            checked_order: &|_| false,
            all_surgical,
            zone: &self.zone,
            references: body,
        };
        feed.read(subject, &context).reading
    }
}

/// The mapping file of this name under `mappings/fhir`.
fn feed(name: &str) -> FhirMapping {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/fhir");
    let text = std::fs::read_to_string(folder.join(name)).expect("the feed is there");
    let load = |map: &str| std::fs::read_to_string(folder.join(map));
    FhirMapping::parse(name, &text, &load).expect("the feed is without fault")
}

fn of_order(order: &Order, surgical: &str) -> Vec<String> {
    let group = order.groups.first().expect("a surgical order has a group");
    let mut row = vec![order.stage.as_str().to_owned(), group.action.as_str().to_owned()];
    row.push(surgical.to_owned());
    let Some(line) = group.lines.first() else {
        row.resize(6, String::new());
        return row;
    };
    row.push(match &line.primary {
        Primary::Missing => "missing".to_owned(),
        Primary::Unclear(_) => "unclear".to_owned(),
        Primary::Named(persons) => {
            let who = persons.iter().map(|person| match &person.id {
                Some(id) => id.to_string(),
                None => person.full_name().unwrap_or_default(),
            });
            who.collect::<Vec<_>>().join("; ")
        }
    });
    let codes = line.coded.iter().flat_map(|place| &place.codings);
    row.push(codes.map(|coding| coding.code.to_string()).collect::<Vec<_>>().join("; "));
    let times = line.times.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    row.push(if group.time_unreadable { format!("{times} unreadable") } else { times });
    row
}
