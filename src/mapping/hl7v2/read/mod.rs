//! One HL7 message → [`Reading`], by the compiled file.
//!
//! | file | does |
//! |---|---|
//! | `kind` | MSH-9 → which `[[message]]` |
//! | `doubt` | what two readers could see differently in the whole message |
//! | `groups` | where the orders of the message begin and end; their action |
//! | `surgical` | which of them are surgical |
//! | `lines` | the procedures of a group |
//! | `persons` | who performs them |
//! | `facts` | everything else |
//! | `take` | values out of places |

mod doubt;
mod facts;
mod groups;
mod kind;
mod lines;
mod persons;
mod surgical;
mod take;

use std::cell::OnceCell;
use std::ops::Range;

use crate::domain::order::{Action, Order};
use crate::hl7::message::{Message, Span};
use crate::mapping::hl7v2::model::{ActionRule, MessageRule, Model};
use crate::mapping::hl7v2::place::{SegmentId, UNMAPPED};
use crate::mapping::hl7v2::read::groups::Group;
use crate::mapping::hl7v2::read::kind::Kind;
use crate::mapping::reading::{Context, Doubt, Reading, Unreadable};

/// Reads `message`, by bytes too where the character set is in doubt.
pub(super) fn read(model: &Model, message: &Message<'_>, context: &Context<'_>) -> Reading {
    if kind::untyped(message) {
        return Reading::Unreadable(Unreadable::new(Doubt::MessageType));
    }
    // Not even its stage is certain then: another reader sees another message in it.
    if doubt::hides_header(message) {
        return Reading::Unreadable(Unreadable::new(Doubt::SegmentName));
    }
    let first = read_once(model, message, context);
    if message.encoding().certain && !context.compare_bytes {
        return first.reading;
    }
    let Some(bytewise) = message.bytewise() else { return first.reading };
    let second = read_once(model, &bytewise, context);
    if !first.named && !second.named {
        return first.reading;
    }
    if doubt::agree(&first.reading, &second.reading) {
        return first.reading;
    }
    let mut unreadable = Unreadable::new(Doubt::Charset);
    unreadable.stage = first.stage().or(second.stage());
    Reading::Unreadable(unreadable)
}

struct Once {
    reading: Reading,
    /// The mapping names the type.
    named: bool,
}

impl Once {
    fn stage(&self) -> Option<crate::domain::order::Stage> {
        match &self.reading {
            Reading::Surgical(order) => Some(order.stage),
            Reading::Unreadable(unreadable) => unreadable.stage,
            Reading::NotSurgical { .. } => None,
        }
    }
}

fn read_once(model: &Model, message: &Message<'_>, context: &Context<'_>) -> Once {
    let (rule, named) = match kind::of(message, model) {
        Kind::Named(rule) => (rule, true),
        Kind::Unnamed(Some(rule)) => (rule, false),
        Kind::Unnamed(None) => {
            let reply = message.named(b"MSA").next().is_some();
            let reading = Reading::NotSurgical { scheduling: false, reply };
            return Once { reading, named: false };
        }
        Kind::Doubtful => {
            let reading = Reading::Unreadable(Unreadable::new(Doubt::MessageType));
            return Once { reading, named: true };
        }
    };
    let (mut plain_names, mut present) = (true, [0; 2]);
    let mut ids = Vec::with_capacity(message.len());
    for segment in message.segments() {
        let name = segment.name();
        plain_names &= name.len() == 3 && kind::plain(name);
        let id = model.segments.id(name).unwrap_or(UNMAPPED);
        if let Some(word) = present.get_mut(usize::from(id.0 / 128)) {
            *word |= 1 << (id.0 % 128);
        }
        ids.push(id);
    }
    let reader = Reader {
        model,
        context,
        message,
        rule,
        named,
        ids,
        plain_names,
        present,
        fields: OnceCell::new(),
    };
    let reading = reader.read().unwrap_or_else(|mut unreadable| {
        unreadable.stage = Some(rule.stage);
        Reading::Unreadable(unreadable)
    });
    Once { reading, named }
}

/// Procedures, persons, diagnoses or times of one group; real messages have a handful. Some of them
/// are compared each with each.
const LISTED_MAX: usize = 200;
/// Values of one field, by repetition or split.
const VALUES_MAX: usize = 1000;
/// Groups (or procedures of a group) times segments: each may look at all of them.
const PAIRS_MAX: usize = 1_000_000;
/// Segments of a message whose fields are indexed; longer ones are searched, which needs no memory.
const INDEXED_MAX: usize = 2000;

/// Everything that stays the same while one message is read.
struct Reader<'r, 'm> {
    model: &'r Model,
    context: &'r Context<'r>,
    message: &'m Message<'m>,
    rule: &'r MessageRule,
    /// The mapping names the type, so doubts about it are ours.
    named: bool,
    /// For each segment of the message its id.
    ids: Vec<SegmentId>,
    /// Every line begins with three capitals or digits and nothing else before its first field.
    plain_names: bool,
    /// Bit n: a segment with id n is there.
    present: [u128; 2],
    /// Made once the message is known to be surgical; looked up many times then.
    fields: OnceCell<FieldIndex<'m>>,
}

/// The fields of all mapped segments.
struct FieldIndex<'m> {
    spans: Vec<Span<'m>>,
    /// For each segment where its fields begin; one more for the end.
    begins: Vec<usize>,
}

/// Nothing, or a doubt.
type Certain<T> = Result<T, Unreadable>;

impl<'m> Reader<'_, 'm> {
    fn read(&self) -> Certain<Reading> {
        let nothing = |reply| Reading::NotSurgical { scheduling: self.rule.scheduling, reply };
        if self.has_any(&self.rule.reply_with) {
            return Ok(Reading::NotSurgical { scheduling: false, reply: true });
        }
        if !self.rule.requires.is_empty() && !self.has_any(&self.rule.requires) {
            if self.named {
                self.no_foreign_line(&self.rule.requires)?;
            }
            return Ok(nothing(false));
        }
        if self.named && self.may_be_checked() {
            self.no_foreign_line(&[])?;
            self.not_continued()?;
        }
        let groups = self.groups()?;
        let mut surgical = Vec::with_capacity(groups.len());
        for group in &groups {
            if self.is_surgical(group) {
                let action =
                    if group.extra { self.shared_action(&groups) } else { self.action(group)? };
                surgical.push((group, action));
            }
        }
        if surgical.is_empty() {
            return Ok(nothing(false));
        }
        self.order(&surgical).map(Reading::Surgical)
    }

    fn order(&self, surgical: &[(&Group, Action)]) -> Certain<Order> {
        let strict = surgical.iter().any(|(_, action)| action.checked());
        if strict && self.message.delimiters_in_doubt() {
            return Err(Unreadable::new(Doubt::Delimiters));
        }
        self.index_fields();
        let mut order = self.frame(strict)?;
        let mut emptied = Vec::new();
        for (group, action) in surgical {
            let (mut built, deleted) = self.group(group, *action)?;
            if group.extra {
                facts::complete(&mut built, &order.groups);
            }
            if deleted && built.lines.is_empty() {
                emptied.push(built);
            } else {
                order.groups.push(built);
            }
        }
        if order.groups.is_empty() {
            // Every line is deleted: nothing is left to perform.
            for group in &mut emptied {
                if group.action.checked() {
                    group.action = Action::Withdraw;
                }
            }
            order.groups = emptied;
        }
        Ok(order)
    }

    /// Not a type that only calls off or answers; that stays what it is, however it is read.
    fn may_be_checked(&self) -> bool {
        match &self.rule.action {
            ActionRule::Fixed(action) => action.checked(),
            ActionRule::Field { .. } => true,
        }
    }

    /// All indexes of segments.
    fn all(&self) -> Range<usize> {
        0..self.ids.len()
    }

    fn id(&self, index: usize) -> SegmentId {
        self.ids.get(index).copied().unwrap_or(UNMAPPED)
    }

    fn index_fields(&self) {
        if self.ids.len() > INDEXED_MAX {
            return;
        }
        let mut index = FieldIndex {
            spans: Vec::with_capacity(16 * self.ids.len()),
            begins: Vec::with_capacity(self.ids.len() + 1),
        };
        for (segment, id) in self.message.segments().zip(&self.ids) {
            index.begins.push(index.spans.len());
            // The header counts otherwise, and little of it is read.
            if *id != UNMAPPED && !segment.is_header() {
                let last = self.model.segments.highest_field(*id);
                segment.collect_fields(last, &mut index.spans);
            }
        }
        index.begins.push(index.spans.len());
        let _ = self.fields.set(index);
    }

    /// Field `number` of a mapped segment, if it is written.
    fn field(&self, index: usize, number: usize) -> Option<Span<'m>> {
        if let Some(fields) = self.fields.get() {
            let begin = *fields.begins.get(index)?;
            let end = *fields.begins.get(index + 1)?;
            if begin < end {
                return fields.spans.get(begin..end)?.get(number).copied();
            }
        }
        Some(self.message.segment_at(index)?.field(number))
    }

    fn has(&self, id: SegmentId) -> bool {
        let word = self.present.get(usize::from(id.0 / 128)).copied().unwrap_or(0);
        word >> (id.0 % 128) & 1 == 1
    }

    fn has_any(&self, wanted: &[SegmentId]) -> bool {
        wanted.iter().any(|id| self.has(*id))
    }

    /// Those of `indexes` at which a segment with this id stands.
    fn only<I: Iterator<Item = usize>>(
        &self,
        indexes: I,
        id: SegmentId,
    ) -> impl Iterator<Item = usize> {
        let indexes = self.has(id).then_some(indexes);
        indexes.into_iter().flatten().filter(move |index| self.id(*index) == id)
    }

    /// Whether a list is longer than it may be: a doubt, but nothing to keep anybody from calling
    /// an operation off.
    fn too_many(&self, many: usize, strict: bool) -> Certain<bool> {
        let over = many > LISTED_MAX;
        if over && strict { Err(Unreadable::new(Doubt::Size)) } else { Ok(over) }
    }
}
