//! The refusals we write ourselves, as bytes in a frame (contract §5).
//!
//! Raw fields of the request (applications, control id, order numbers) are copied byte for byte, up
//! to a byte that would end the segment; our own text is escaped for the sender's delimiters and
//! encoded in the sender's character set, in English where that has no Chinese.

mod write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::order::Place;
use crate::hl7::ack::write::Writer;
use crate::hl7::answering::AckCode;
use crate::hl7::charset::{Charset, CharsetSetting};
use crate::hl7::frame;
use crate::hl7::message::Message;

/// Which kind of message the refusal is; the setting `refusal_reply` of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReplyType {
    /// ORR to ORM, ORG to OMG, SRR to SRM, else ACK.
    #[default]
    Order,
    /// Always ACK.
    Ack,
}

/// A code of MSA-1 as HL7 table 0008 has it; a sender may have written anything.
pub fn known_code(code: &str) -> Option<&'static str> {
    ["AA", "AE", "AR", "CA", "CE", "CR"].into_iter().find(|known| *known == code)
}

/// ORC-1 of an order in an order-level refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRefused {
    /// `UA`, unable to accept: a new order.
    New,
    /// `UX`, unable to change.
    Change,
    /// `UM`, unable to replace.
    Replace,
}

impl OrderRefused {
    /// The answer to ORC-1 `control` of a request.
    pub fn answering(control: &[u8]) -> Self {
        match control.trim_ascii().to_ascii_uppercase().as_slice() {
            b"XO" | b"XX" | b"RL" | b"OE" => Self::Change,
            b"RP" | b"RU" => Self::Replace,
            _ => Self::New,
        }
    }

    /// As ORC-1 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "UA",
            Self::Change => "UX",
            Self::Replace => "UM",
        }
    }
}

/// One order of the request, echoed.
#[derive(Clone, Copy)]
pub struct OrderEcho<'a> {
    /// ORC-1.
    pub control: OrderRefused,
    /// ORC-2 of the request as written.
    pub placer: &'a [u8],
    /// ORC-3 of the request as written.
    pub filler: &'a [u8],
}

/// HL70357: what kind of error a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// 101: a field the decision needs is missing.
    RequiredFieldMissing,
    /// 204: the surgeon or the procedure is not known.
    UnknownKey,
    /// 207: everything else; HL7 has no code for "refused on business grounds".
    Application,
}

impl ErrorCode {
    /// Number and text of table 0357.
    pub fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::RequiredFieldMissing => ("101", "Required field missing"),
            Self::UnknownKey => ("204", "Unknown key identifier"),
            Self::Application => ("207", "Application internal error"),
        }
    }
}

/// One blocking finding or gap.
#[derive(Clone, Copy)]
pub struct ErrorEntry<'a> {
    /// The field concerned, where there is one.
    pub place: Option<&'a Place>,
    /// ERR-3.
    pub code: ErrorCode,
    /// The id of the rule or gap; ASCII.
    pub rule: &'a str,
    /// A few words of ASCII.
    pub title: &'a str,
    /// The ledger entry.
    pub entry: &'a str,
    /// The sentence for the doctor, in Chinese.
    pub sentence_zh: &'a str,
    /// The same in English, for character sets without Chinese.
    pub sentence_en: &'a str,
}

/// Everything a refusal says.
#[derive(Clone)]
pub struct Refusal<'a> {
    /// MSA-1.
    pub code: AckCode,
    /// Which kind of message.
    pub reply: ReplyType,
    /// One per blocking finding, in the order of the verdict.
    pub errors: Vec<ErrorEntry<'a>>,
    /// For ORR and ORG; ignored otherwise.
    pub orders: Vec<OrderEcho<'a>>,
    /// Our own MSH-10.
    pub control_id: &'a str,
    /// MSH-7.
    pub time: Timestamp,
    /// The zone MSH-7 is written in.
    pub zone: &'a TimeZone,
    /// BHS-11 of the request, when it is a batch that has one: the answer is a batch too, and
    /// refers to it.
    pub batch_id: Option<&'a [u8]>,
}

/// The framed answer to `message`; of a batch, to its first message.
pub fn refuse(message: &Message<'_>, refusal: &Refusal<'_>) -> Vec<u8> {
    let id = refusal.batch_id.unwrap_or(message.header().control_id());
    frame::wrap(&Writer::new(message, message.encoding().reply).reply(refusal, id))
}

/// The framed answer to a payload that is no message we can read: everything its header gives, else
/// a default header and an empty MSA-2. Always a general ACK.
pub fn refuse_unreadable(
    payload: &[u8],
    setting: &CharsetSetting,
    refusal: &Refusal<'_>,
) -> Vec<u8> {
    let charset = match setting {
        CharsetSetting::Fixed(charset) => *charset,
        CharsetSetting::Auto => Charset::Ascii,
    };
    let refusal = Refusal { reply: ReplyType::Ack, orders: Vec::new(), ..refusal.clone() };
    let plain = CharsetSetting::Fixed(Charset::Ascii);
    let answered = Message::read(payload, &plain).map(|message| {
        let id = refusal.batch_id.unwrap_or(message.header().control_id());
        Writer::new(&message, charset).reply(&refusal, id)
    });
    let answer = answered.or_else(|_| {
        let nothing = Message::read(b"MSH|^~\\&|||||||||P|2.4\r", &plain)?;
        let id = refusal.batch_id.unwrap_or_default();
        Ok::<_, crate::hl7::message::MessageError>(
            Writer::new(&nothing, charset).reply(&refusal, id),
        )
    });
    frame::wrap(&answer.unwrap_or_default())
}

#[cfg(test)]
mod tests;
