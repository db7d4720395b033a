//! Verdict → acknowledgement (contract §5). Nowhere else in `inbound/mllp` is an ack code chosen.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::order::Place;
use crate::domain::rule::Rule;
use crate::domain::verdict::{CaseVerdict, Effect, Gap, Subject, Verdict};
use crate::gate::Answer;
use crate::hl7::ack::{
    ErrorCode, ErrorEntry, OrderEcho, OrderRefused, Refusal, ReplyType, refuse, refuse_unreadable,
};
use crate::hl7::answering::{AckCode, Answering, RefusalCode, answering};
use crate::hl7::batch::Batch;
use crate::hl7::charset::CharsetSetting;
use crate::hl7::message::{Header, Message};
use crate::inbound::gaps;
use crate::inbound::mllp::RefusalStyle;
use crate::inbound::mllp::connection::Route;
use crate::mapping::Unreadable;
use crate::rules::table::row;

/// How to refuse the message in `payload`; builds the answer only if it is needed.
pub(super) fn answer(route: &Route, payload: Bytes, doubted: Option<Unreadable>) -> Answer {
    let config = Arc::clone(&route.config);
    let gate = Arc::clone(&route.gate);
    let doubt_zh =
        doubted.as_ref().map(|d| format!("报文无法确切读取，未转发：{}。", d.why.chinese()));
    let doubt_en = doubted.as_ref().map(|d| {
        format!(
            "the message cannot be read with certainty and was not forwarded: {}",
            d.why.english()
        )
    });
    Box::new(move |verdict, entry| {
        let own_id = entry.get(entry.len().saturating_sub(20)..).unwrap_or(entry);
        let facts = Answered {
            payload: &payload,
            charset: &config.charset,
            style: config.refusal,
            verdict,
            entry,
            doubt: doubt_zh.as_deref().zip(doubt_en.as_deref()),
            doubt_place: doubted.as_ref().and_then(|d| d.place.as_ref()),
        };
        let refusal = Refusal {
            code: AckCode::ApplicationReject,
            reply: if config.refusal.plain_ack { ReplyType::Ack } else { ReplyType::Order },
            errors: facts.errors(),
            orders: Vec::new(),
            // MSH-10 holds 20 characters; the last 20 of a ULID tell entries apart.
            control_id: own_id,
            time: gate.clock().now(),
            zone: gate.zone(),
            batch_id: None,
        };
        facts.write(refusal).map(Bytes::from)
    })
}

/// What an answer is built from.
struct Answered<'a> {
    payload: &'a [u8],
    charset: &'a CharsetSetting,
    style: RefusalStyle,
    verdict: &'a Verdict,
    entry: &'a str,
    /// What the mapping doubts, in Chinese and English.
    doubt: Option<(&'a str, &'a str)>,
    doubt_place: Option<&'a Place>,
}

impl<'a> Answered<'a> {
    fn write<'r>(&'r self, mut refusal: Refusal<'r>) -> Option<Vec<u8>> {
        let batch = Batch::split(self.payload).ok();
        refusal.batch_id = batch.as_ref().and_then(|batch| batch.control_id(self.charset));
        let first = batch.as_ref().and_then(|batch| batch.payloads().next());
        let Some(Ok(message)) = first.map(|first| Message::read(first, self.charset)) else {
            return Some(refuse_unreadable(first.unwrap_or(self.payload), self.charset, &refusal));
        };
        let header = message.header();
        let wanted = answering(header.accept_ack(), header.application_ack());
        // A refusal of its own, which may borrow from the message.
        let mut refusal = refusal;
        refusal.code = self.code(wanted)?;
        let orders = message.named(b"ORC").map(|orc| OrderEcho {
            control: OrderRefused::answering(orc.field(1).bytes()),
            placer: orc.field(2).bytes(),
            filler: orc.field(3).bytes(),
        });
        refusal.orders = orders.collect();
        Some(refuse(&message, &refusal))
    }

    /// MSA-1; `None` where the sender has said that it reads no refusal.
    fn code(&self, wanted: Answering) -> Option<AckCode> {
        let wanted = match wanted {
            Answering::Silent if self.style.answer_unwanted => Answering::Application,
            other => other,
        };
        let code = if self.style.reject { RefusalCode::Reject } else { RefusalCode::Error };
        let blocked = self.verdict.findings().any(|(_, f)| f.effect == Effect::Block);
        let retriable = !blocked && self.verdict.gaps.iter().any(|gap| gap.retriable());
        wanted.code(code, retriable)
    }

    /// One entry for each blocking finding; the gaps where nothing blocks.
    fn errors(&self) -> Vec<ErrorEntry<'a>> {
        let findings = self.verdict.findings().filter(|(_, f)| f.effect == Effect::Block);
        let mut errors: Vec<ErrorEntry<'a>> = findings
            .map(|(case, finding)| ErrorEntry {
                place: place(case, finding.subject),
                code: error_code(finding.rule),
                rule: finding.rule.as_str(),
                title: row(finding.rule).title,
                entry: self.entry,
                sentence_zh: &finding.text_zh,
                sentence_en: &finding.text_en,
            })
            .collect();
        if errors.is_empty() {
            let refusing = self.verdict.gaps.iter().filter(|gap| gap.refuses());
            errors.extend(refusing.map(|gap| {
                let unreadable = *gap == Gap::MessageUnreadable;
                let (zh, en) =
                    self.doubt.filter(|_| unreadable).unwrap_or_else(|| gaps::sentences(*gap));
                ErrorEntry {
                    place: self.doubt_place.filter(|_| unreadable),
                    code: ErrorCode::Application,
                    rule: gap.as_str(),
                    title: gaps::title(*gap),
                    entry: self.entry,
                    sentence_zh: zh,
                    sentence_en: en,
                }
            }));
        }
        errors
    }
}

fn place(case: &CaseVerdict, subject: Subject) -> Option<&Place> {
    match subject {
        Subject::Surgeon => case.surgeon_place.as_ref(),
        Subject::Procedure => case.procedure_place.as_ref(),
        Subject::Time | Subject::Message => None,
    }
}

/// HL70357 of a rule: 101 what is missing, 204 what is not known, 207 the rest.
fn error_code(rule: Rule) -> ErrorCode {
    match rule {
        Rule::ProcedureMissing | Rule::SurgeonMissing => ErrorCode::RequiredFieldMissing,
        Rule::TechniqueNotInCatalogue | Rule::SurgeonUnknown => ErrorCode::UnknownKey,
        _ => ErrorCode::Application,
    }
}

/// Whether the sender is sure to get an answer on this connection: original mode, or an accept
/// acknowledgement always. Everything else may be answered elsewhere, or not at all.
pub(super) fn answer_promised(header: &Header<'_>) -> bool {
    let blank = |field: &[u8]| field.trim_ascii().is_empty();
    let accept = header.accept_ack();
    (blank(accept) && blank(header.application_ack())) || accept.trim_ascii() == b"AL"
}

/// MSH-10 as text for the ledger.
pub fn control_id(payload: &[u8]) -> String {
    let first = Batch::split(payload).ok();
    let first = first.as_ref().and_then(|batch| batch.payloads().next());
    let message = first.and_then(|first| Message::read(first, &CharsetSetting::Auto).ok());
    message
        .map(|message| String::from_utf8_lossy(message.header().control_id()).into_owned())
        .unwrap_or_default()
}
