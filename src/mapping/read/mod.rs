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

use std::ops::Range;

use crate::domain::order::{Action, Order};
use crate::hl7::message::Message;
use crate::mapping::model::{ActionRule, MessageRule, Model};
use crate::mapping::place::{SegmentId, UNMAPPED};
use crate::mapping::read::groups::Group;
use crate::mapping::read::kind::Kind;
use crate::mapping::reading::{Context, Doubt, Reading, Unreadable};

/// Reads `message`, by bytes too where the character set is in doubt.
pub(super) fn read(model: &Model, message: &Message<'_>, context: &Context<'_>) -> Reading {
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
    let ids = message.segments().map(|s| model.segments.id(s.name()).unwrap_or(UNMAPPED)).collect();
    let reader = Reader { model, context, message, rule, named, ids };
    let reading = reader.read().unwrap_or_else(|mut unreadable| {
        unreadable.stage = Some(rule.stage);
        Reading::Unreadable(unreadable)
    });
    Once { reading, named }
}

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
}

/// Nothing, or a doubt.
type Certain<T> = Result<T, Unreadable>;

impl Reader<'_, '_> {
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
        // A type that only calls off or answers stays what it is, however its segments are read.
        let may_be_checked = match &self.rule.action {
            ActionRule::Fixed(action) => action.checked(),
            ActionRule::Field { .. } => true,
        };
        if self.named && may_be_checked {
            self.no_foreign_line(&[])?;
            self.not_continued()?;
        }
        let groups = self.groups();
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

    /// All indexes of segments.
    fn all(&self) -> Range<usize> {
        0..self.ids.len()
    }

    fn id(&self, index: usize) -> SegmentId {
        self.ids.get(index).copied().unwrap_or(UNMAPPED)
    }

    fn has_any(&self, wanted: &[SegmentId]) -> bool {
        !wanted.is_empty() && self.ids.iter().any(|id| wanted.contains(id))
    }
}
