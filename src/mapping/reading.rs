//! What comes out of a message, and what the caller must say to get it.

use jiff::tz::TimeZone;

use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Order, Place, Stage};
use crate::domain::procedure::ProcedureCode;

/// What reading needs beside the message and the mapping.
pub struct Context<'c> {
    /// The institution's catalogue: a code that resolves in it makes a group surgical.
    pub catalogue: &'c Catalogue,
    /// Whether a code is on a technique list; that makes a group surgical too.
    pub listed: &'c dyn Fn(&ProcedureCode) -> bool,
    /// Whether an order of this number was checked before.
    pub checked_order: &'c dyn Fn(&str) -> bool,
    /// The route says `surgical = "all"`: every group of every mapped type is surgical.
    pub all_surgical: bool,
    /// The route says `downstream_charset = "bytes"`: it splits bytes whatever is declared, so the
    /// bytewise reading must agree even where the character set is certain.
    pub compare_bytes: bool,
    /// For times without an offset.
    pub zone: &'c TimeZone,
}

/// A message, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// None of the gate's business.
    NotSurgical {
        /// Scheduling that met no test: counted, so that unmapped theatre bookings show.
        scheduling: bool,
        /// It answers another message.
        reply: bool,
    },
    /// Surgical, and understood.
    Surgical(Order),
    /// A type that the mapping knows, and something that the verdict needs has two readings.
    Unreadable(Unreadable),
}

/// What cannot be read with certainty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Why.
    pub why: Doubt,
    /// Where, if it is one place.
    pub place: Option<Place>,
    /// The checkpoint the message would be judged at, if its type is certain.
    pub stage: Option<Stage>,
}

/// The ways in which two readers of a message could disagree (contract §10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// Repetitions, components, blanks or case in MSH-9 let it name different types.
    MessageType,
    /// A segment that only a more generous reader sees under a mapped name.
    SegmentName,
    /// ADD continues a segment in a field that is read.
    SegmentContinued,
    /// MSH-14 or DSC: the rest is in another message.
    MessageContinued,
    /// Sub-components in an id or a code.
    Subcomponents,
    /// The field of the action has several values.
    Action,
    /// Split by characters the message says something else than split by bytes.
    Charset,
    /// MSH-2 does not declare a delimiter that the text holds.
    Delimiters,
    /// PID segments of different patients.
    Patients,
    /// More orders, procedures, persons or values than any real message has.
    Size,
    /// FHIR: a member that is read has another JSON type than FHIR gives it, or the shape of another
    /// version beside its own.
    MemberType,
    /// FHIR: a reference and the identifier beside it name different people.
    Persons,
    /// FHIR: a reference that leads to two resources.
    Reference,
}

impl Doubt {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::MessageType,
        Self::SegmentName,
        Self::SegmentContinued,
        Self::MessageContinued,
        Self::Subcomponents,
        Self::Action,
        Self::Charset,
        Self::Delimiters,
        Self::Patients,
        Self::Size,
        Self::MemberType,
        Self::Persons,
        Self::Reference,
    ];

    /// A short name, the same for ever: for records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MessageType => "message-type",
            Self::SegmentName => "segment-name",
            Self::SegmentContinued => "segment-continued",
            Self::MessageContinued => "message-continued",
            Self::Subcomponents => "sub-components",
            Self::Action => "action",
            Self::Charset => "charset",
            Self::Delimiters => "delimiters",
            Self::Patients => "patients",
            Self::Size => "size",
            Self::MemberType => "member-type",
            Self::Persons => "persons",
            Self::Reference => "reference",
        }
    }

    /// What is wrong and what to do, in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::MessageType => "MSH-9消息类型有歧义，请只填写一种类型",
            Self::SegmentName => "段名前后有空白、控制字符、大小写或换行异常，请按标准书写段名",
            Self::SegmentContinued => "用ADD段续写的字段无法确定，请写在同一段内",
            Self::MessageContinued => "消息被分成多条发送，请合并为一条完整消息",
            Self::Subcomponents => "编号或编码中含有子成分分隔符，请只填写一个值",
            Self::Action => "医嘱控制码有多个值，请只填写一个",
            Self::Charset => "字符集不明确，按字符与按字节读出的内容不同，请在MSH-18声明字符集",
            Self::Delimiters => "正文含有MSH-2未声明的分隔符，请在MSH-2写全分隔符",
            Self::Patients => "一条消息含有不同患者，请分开发送",
            Self::Size => "一条消息所含医嘱、手术或人员过多，请拆分发送",
            Self::MemberType => "资源中某元素的JSON类型与FHIR规定不符，请按所用FHIR版本填写",
            Self::Persons => "引用与其标识符指向不同的人，请核对后只保留一致的写法",
            Self::Reference => "同一引用指向两个资源，请保证编号唯一",
        }
    }

    /// The same in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::MessageType => "MSH-9 can be read as different types; write one",
            Self::SegmentName => {
                "a segment name has blanks, control characters, lower case or a foreign line end; \
                 write it as the standard does"
            }
            Self::SegmentContinued => {
                "ADD continues a field that is needed; write it in one segment"
            }
            Self::MessageContinued => "the message goes on in another one; send it whole",
            Self::Subcomponents => "an id or a code has sub-components; write one value",
            Self::Action => "the order control code has several values; write one",
            Self::Charset => {
                "split by characters and by bytes the message differs; declare the character set \
                 in MSH-18"
            }
            Self::Delimiters => {
                "the text holds a delimiter that MSH-2 does not declare; declare it"
            }
            Self::Patients => "the message names different patients; send one message for each",
            Self::Size => "the message holds too many orders, procedures or persons; split it",
            Self::MemberType => {
                "an element has another JSON type than FHIR gives it; write it as the version of \
                 FHIR in use does"
            }
            Self::Persons => {
                "a reference and the identifier beside it name different people; make them agree"
            }
            Self::Reference => "a reference leads to two resources; give each its own id",
        }
    }
}

impl Unreadable {
    pub(super) fn new(why: Doubt) -> Self {
        Self { why, place: None, stage: None }
    }
}
