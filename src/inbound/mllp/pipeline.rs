//! Which answer belongs to which message. Senders may send several messages before the first is
//! answered; answers go back in the order of the messages, each to its own, whatever comes late.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use crate::ledger::EntryId;
use crate::telemetry::trace::Trace;

/// How many messages may be in flight on one connection; then the gate stops reading from it.
pub const IN_FLIGHT_MAX: usize = 256;
/// How many messages may wait for an acknowledgement that need not come.
const POSSIBLE_MAX: usize = 64;

/// What the answer to a message may refer to in MSA-2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A message, or a batch.
    Known {
        /// MSH-10 as sent; of a batch, that of its first message.
        control_id: Bytes,
        /// BHS-11 as sent.
        batch_id: Option<Bytes>,
    },
    /// Nobody could read it: the answer may refer to anything.
    Unknown,
}

impl Reference {
    fn is(&self, id: &[u8]) -> bool {
        match self {
            Self::Known { control_id, batch_id } => {
                control_id == id || batch_id.as_ref().is_some_and(|batch| batch == id)
            }
            Self::Unknown => false,
        }
    }
}

/// A forwarded message that waits for the downstream system's answer.
#[derive(Debug)]
pub struct Expected {
    /// What its answer refers to.
    pub reference: Reference,
    /// When the answer is overdue.
    pub deadline: Instant,
    /// When it was forwarded.
    pub sent: Instant,
    /// Its ledger entry, if it was checked.
    pub entry: Option<EntryId>,
    /// What is told of its way.
    pub trace: Trace,
}

/// What became of a reply.
#[derive(Debug)]
pub enum Placed {
    /// It answers this message.
    Answers(Expected),
    /// It is an acknowledgement that might come and did: the application acknowledgement after an
    /// accept acknowledgement, or any where MSH-15/16 do not promise one.
    Follows,
    /// It belongs to no message in flight, and no message is in flight that it could be taken for:
    /// the downstream system speaks on its own.
    Unsolicited,
    /// It is late or foreign and must not be given to any message.
    Foreign,
}

#[derive(Debug)]
enum Slot {
    /// Forwarded, unanswered.
    Waiting(Expected),
    /// Answered, but not yet its turn.
    Ready(Bytes),
    /// Refused without an answer.
    Silent,
}

/// The messages in flight on one connection.
#[derive(Debug, Default)]
pub struct Pipeline {
    slots: VecDeque<Slot>,
    possible: VecDeque<Reference>,
}

/// The acknowledgement a reply carries.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledges<'r> {
    /// MSA-1.
    pub code: &'r [u8],
    /// MSA-2.
    pub control_id: &'r [u8],
}

impl Pipeline {
    /// A message went downstream.
    pub fn forwarded(&mut self, expected: Expected) {
        self.slots.push_back(Slot::Waiting(expected));
    }

    /// A message went downstream that need not be answered (MSH-15/16): nobody waits for it, but an
    /// answer that comes is passed on.
    pub fn forwarded_unpromised(&mut self, reference: Reference) {
        self.possible.push_back(reference);
        if self.possible.len() > POSSIBLE_MAX {
            self.possible.pop_front();
        }
    }

    /// A message was refused with this answer, or without one.
    pub fn refused(&mut self, answer: Option<Bytes>) {
        self.slots.push_back(answer.map_or(Slot::Silent, Slot::Ready));
    }

    /// The downstream system sent `frame`.
    pub fn replied(&mut self, frame: &Bytes, ack: Option<Acknowledges<'_>>) -> Placed {
        let Some(ack) = ack else { return self.replied_without_msa(frame) };
        let is_own =
            |slot: &Slot| matches!(slot, Slot::Waiting(e) if e.reference.is(ack.control_id));
        let mut found = self.slots.iter().position(is_own);
        if found.is_none() && ack.control_id.is_empty() && !ack.code.ends_with(b"A") {
            // Some receivers cannot read MSH-10 of what they reject. Only an only message can be meant;
            // and an acceptance always names what it accepts.
            found = self.sole_waiting();
        }
        if let Some(index) = found {
            if ack.code.starts_with(b"C") {
                let control_id = Bytes::copy_from_slice(ack.control_id);
                self.forwarded_unpromised(Reference::Known { control_id, batch_id: None });
            }
            return self.place(index, frame);
        }
        let by_id = self.possible.iter().position(|possible| possible.is(ack.control_id));
        let unknown = || self.possible.iter().position(|p| *p == Reference::Unknown);
        if let Some(index) = by_id.or_else(unknown) {
            // After an accept acknowledgement the application's may still come; then no more.
            if !ack.code.starts_with(b"C") {
                self.possible.remove(index);
            }
            self.slots.push_back(Slot::Ready(frame.clone()));
            return Placed::Follows;
        }
        Placed::Foreign
    }

    fn replied_without_msa(&mut self, frame: &Bytes) -> Placed {
        match self.sole_waiting() {
            Some(index) => self.place(index, frame),
            None if self.waiting() == 0 => {
                self.slots.push_back(Slot::Ready(frame.clone()));
                Placed::Unsolicited
            }
            None => Placed::Foreign,
        }
    }

    fn place(&mut self, index: usize, frame: &Bytes) -> Placed {
        let Some(slot) = self.slots.get_mut(index) else { return Placed::Foreign };
        match std::mem::replace(slot, Slot::Ready(frame.clone())) {
            Slot::Waiting(expected) => Placed::Answers(expected),
            other => {
                *slot = other;
                Placed::Foreign
            }
        }
    }

    fn sole_waiting(&self) -> Option<usize> {
        let mut waiting =
            self.slots.iter().enumerate().filter(|(_, slot)| matches!(slot, Slot::Waiting(_)));
        let first = waiting.next().map(|(index, _)| index);
        if waiting.next().is_some() { None } else { first }
    }

    /// The next answer whose turn it is.
    pub fn next_answer(&mut self) -> Option<Bytes> {
        loop {
            match self.slots.front()? {
                Slot::Waiting(_) => return None,
                Slot::Silent => {
                    self.slots.pop_front();
                }
                Slot::Ready(_) => {
                    let Some(Slot::Ready(frame)) = self.slots.pop_front() else { return None };
                    return Some(frame);
                }
            }
        }
    }

    /// How many forwarded messages are unanswered.
    pub fn waiting(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot, Slot::Waiting(_))).count()
    }

    /// How many messages are in flight in all.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing is in flight.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether an acknowledgement that need not come is outstanding.
    pub fn may_be_answered(&self) -> bool {
        !self.possible.is_empty()
    }

    /// When the oldest unanswered message is overdue.
    pub fn deadline(&self) -> Option<Instant> {
        self.slots.iter().find_map(|slot| match slot {
            Slot::Waiting(expected) => Some(expected.deadline),
            Slot::Ready(_) | Slot::Silent => None,
        })
    }

    /// Nobody is waited for any more; answers that came already keep their turn.
    pub fn release(&mut self) -> Vec<Expected> {
        let mut released = Vec::new();
        for slot in std::mem::take(&mut self.slots) {
            match slot {
                Slot::Waiting(expected) => released.push(expected),
                Slot::Ready(_) | Slot::Silent => self.slots.push_back(slot),
            }
        }
        released
    }

    /// The messages that will never be answered now, oldest first.
    pub fn abandon(&mut self) -> impl Iterator<Item = Expected> + '_ {
        self.slots.drain(..).filter_map(|slot| match slot {
            Slot::Waiting(expected) => Some(expected),
            Slot::Ready(_) | Slot::Silent => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    fn known(id: &'static str) -> Reference {
        Reference::Known { control_id: Bytes::from_static(id.as_bytes()), batch_id: None }
    }

    fn expected(id: &'static str) -> Expected {
        let now = clock::monotonic();
        let trace = Trace::off();
        Expected { reference: known(id), deadline: now, sent: now, entry: None, trace }
    }

    fn ack(code: &'static str, id: &'static str) -> Option<Acknowledges<'static>> {
        Some(Acknowledges { code: code.as_bytes(), control_id: id.as_bytes() })
    }

    fn frame(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn answers_go_back_in_the_order_of_the_messages_however_they_come() {
        let mut pipeline = Pipeline::default();
        pipeline.forwarded(expected("1"));
        pipeline.refused(Some(frame("refusal of 2")));
        pipeline.forwarded(expected("3"));
        assert!(matches!(pipeline.replied(&frame("to 3"), ack("AA", "3")), Placed::Answers(_)));
        assert_eq!(pipeline.next_answer(), None);
        assert!(matches!(pipeline.replied(&frame("to 1"), ack("AA", "1")), Placed::Answers(_)));
        assert_eq!(pipeline.next_answer(), Some(frame("to 1")));
        assert_eq!(pipeline.next_answer(), Some(frame("refusal of 2")));
        assert_eq!(pipeline.next_answer(), Some(frame("to 3")));
        assert_eq!(pipeline.next_answer(), None);
    }

    #[test]
    fn a_late_or_foreign_reply_is_given_to_nobody() {
        let mut pipeline = Pipeline::default();
        pipeline.forwarded(expected("7"));
        assert!(matches!(pipeline.replied(&frame("late"), ack("AA", "6")), Placed::Foreign));
        assert_eq!(pipeline.waiting(), 1);
        assert!(matches!(pipeline.replied(&frame("own"), ack("AA", "7")), Placed::Answers(_)));
        assert!(matches!(pipeline.replied(&frame("twice"), ack("AA", "7")), Placed::Foreign));
    }

    #[test]
    fn a_reply_without_an_id_answers_only_an_only_message() {
        let mut pipeline = Pipeline::default();
        pipeline.forwarded(expected("1"));
        pipeline.forwarded(expected("2"));
        assert!(matches!(pipeline.replied(&frame("?"), ack("AR", "")), Placed::Foreign));
        assert!(matches!(pipeline.replied(&frame("?"), None), Placed::Foreign));
        assert!(matches!(pipeline.replied(&frame("1"), ack("AA", "1")), Placed::Answers(_)));
        assert!(matches!(pipeline.replied(&frame("?"), ack("AA", "")), Placed::Foreign));
        assert!(matches!(pipeline.replied(&frame("?"), ack("AR", "")), Placed::Answers(_)));
    }

    #[test]
    fn a_batch_is_answered_by_its_own_id_or_by_that_of_its_first_message() {
        for id in ["batch", "first"] {
            let batch_id = Some(Bytes::from_static(b"batch"));
            let control_id = Bytes::from_static(b"first");
            let reference = Reference::Known { control_id, batch_id };
            let mut pipeline = Pipeline::default();
            pipeline.forwarded(Expected { reference, ..expected("") });
            assert!(matches!(pipeline.replied(&frame("x"), ack("AA", id)), Placed::Answers(_)));
        }
    }

    #[test]
    fn what_nobody_could_read_may_be_answered_once_by_anything_that_answers_no_other() {
        let mut pipeline = Pipeline::default();
        pipeline.forwarded_unpromised(Reference::Unknown);
        pipeline.forwarded(expected("2"));
        assert!(matches!(pipeline.replied(&frame("2"), ack("AA", "2")), Placed::Answers(_)));
        assert!(matches!(pipeline.replied(&frame("?"), ack("AE", "1")), Placed::Follows));
        assert!(matches!(pipeline.replied(&frame("?"), ack("AE", "1")), Placed::Foreign));
    }

    #[test]
    fn an_application_ack_may_follow_its_accept_ack_once() {
        let mut pipeline = Pipeline::default();
        pipeline.forwarded(expected("1"));
        assert!(matches!(pipeline.replied(&frame("ca"), ack("CA", "1")), Placed::Answers(_)));
        assert!(matches!(pipeline.replied(&frame("aa"), ack("AA", "1")), Placed::Follows));
        assert!(matches!(pipeline.replied(&frame("aa"), ack("AA", "1")), Placed::Foreign));
        assert_eq!(pipeline.next_answer(), Some(frame("ca")));
        assert_eq!(pipeline.next_answer(), Some(frame("aa")));
    }

    #[test]
    fn a_refusal_without_an_answer_holds_up_nobody() {
        let mut pipeline = Pipeline::default();
        pipeline.refused(None);
        pipeline.refused(Some(frame("x")));
        assert_eq!(pipeline.next_answer(), Some(frame("x")));
        assert!(pipeline.is_empty());
    }

    #[test]
    fn the_downstream_system_may_speak_on_its_own_when_nothing_is_in_flight() {
        let mut pipeline = Pipeline::default();
        assert!(matches!(pipeline.replied(&frame("query"), None), Placed::Unsolicited));
        assert_eq!(pipeline.next_answer(), Some(frame("query")));
    }
}
