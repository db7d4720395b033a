//! `[[example]]` and `[[example.group]]`.

use crate::domain::procedure::ProcedureCode;
use crate::hl7::charset::{Charset, Named};
use crate::mapping::expected::{self, GROUP_KEYS, ORDER_KEYS};
use crate::mapping::hl7v2::example::{Example, ExpectedGroup};
use crate::mapping::section::{Section, Word};

/// What `expect` may say, beside `unreadable: WHY`.
const EXPECT: [&str; 6] = ["order", "notice", "record", "not-surgical", "scheduling", "reply"];
pub(super) fn read(root: &Section<'_>) -> Vec<Example> {
    let mut examples = Vec::new();
    for section in root.sections("example") {
        examples.extend(example(&section));
        section.finish();
    }
    examples
}

fn example(section: &Section<'_>) -> Option<Example> {
    let name = section.required("name", "\"an elective order\"");
    let message = section.required("message", "'''the segments, one a line'''");
    let expect = section.required("expect", "\"order\"");
    let charset = charset(section);
    let line_end = line_end(section);
    let catalogue = section.texts("catalogue");
    let catalogue = catalogue.iter().filter_map(|word| ProcedureCode::new(word.text)).collect();
    let checked = section.texts("checked_orders");
    let all_surgical = section.flag("all_surgical");
    let facts = expected::read(section, &ORDER_KEYS);
    let mut groups = Vec::new();
    for group in section.sections("group") {
        let line = group.faults.line_of(group.span().start);
        groups.push(ExpectedGroup { line, facts: expected::read(&group, &GROUP_KEYS) });
        if !group.has("cases") {
            group.fault("`cases` is missing; write [\"SURGEON: CODE\"], or [] for none");
        }
        group.finish();
    }
    let (name, message, expect) = (name?, message?, expect?);
    expected::check_kind(section, &expect, &EXPECT);
    Some(Example {
        name: name.text.to_owned(),
        line: section.faults.line_of(section.span().start),
        payload: payload(section, &message, charset.flatten(), line_end),
        charset: charset.flatten().filter(|_| section.flag("fixed_charset")),
        catalogue,
        checked_orders: checked.iter().map(|word| word.text.to_owned()).collect(),
        all_surgical,
        expect: expect.text.to_owned(),
        facts,
        groups,
    })
}

/// The character set the message is encoded in; `None` after a fault.
fn charset(section: &Section<'_>) -> Option<Option<Charset>> {
    let Some(word) = section.text("charset") else { return Some(None) };
    match Charset::named(word.text.as_bytes()) {
        Named::Charset(charset) => Some(Some(charset)),
        Named::Unreadable | Named::Unknown => {
            let what = format!("`{}` is no character set; write utf-8 or gb18030", word.text);
            section.faults.add(&word.span, what);
            None
        }
    }
}

fn line_end(section: &Section<'_>) -> &'static [u8] {
    let Some(word) = section.text("line_end") else { return b"\r" };
    match word.text {
        "cr" => b"\r",
        "crlf" => b"\r\n",
        "lf" => b"\n",
        other => {
            let what = format!("`{other}` is no line end; write cr, crlf or lf");
            section.faults.add(&word.span, what);
            b"\r"
        }
    }
}

fn payload(
    section: &Section<'_>,
    message: &Word<'_>,
    charset: Option<Charset>,
    line_end: &[u8],
) -> Vec<u8> {
    let charset = charset.unwrap_or(Charset::Utf8);
    let mut payload = Vec::with_capacity(message.text.len());
    for line in message.text.lines().filter(|line| !line.trim().is_empty()) {
        match charset.encode(line) {
            Some(bytes) => payload.extend_from_slice(&bytes),
            None => {
                let what = format!("the message has a character that {} lacks", charset.as_str());
                section.faults.add(&message.span, what);
            }
        }
        payload.extend_from_slice(line_end);
    }
    payload
}
