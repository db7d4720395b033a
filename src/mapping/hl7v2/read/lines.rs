//! The procedures of a group: which segments hold them, their codes, what belongs to each.

use crate::domain::order::CodedPlace;
use crate::hl7::message::Span;
use crate::mapping::hl7v2::model::ProcedureRule;
use crate::mapping::hl7v2::place::{ADD, Place, UNMAPPED};
use crate::mapping::hl7v2::read::groups::Group;
use crate::mapping::hl7v2::read::take::components;
use crate::mapping::hl7v2::read::{Certain, PAIRS_MAX, Reader, VALUES_MAX};
use crate::mapping::reading::Doubt;
use crate::mapping::terms::trim;

/// Whose a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The group's.
    Group,
    /// The procedure's that begins at this segment.
    Line(usize),
    /// A deleted line's; it does not count at all.
    Deleted,
}

/// Whose each segment of the message is.
pub(super) struct Owners(Vec<Owner>);

impl Owners {
    pub(super) fn of(&self, index: usize) -> Owner {
        self.0.get(index).copied().unwrap_or(Owner::Group)
    }

    fn set(&mut self, index: usize, owner: Owner) {
        if let Some(slot) = self.0.get_mut(index) {
            *slot = owner;
        }
    }
}

/// A procedure before its surgeon is known.
#[derive(Debug)]
pub(super) struct Draft {
    /// The segment it stands in; `None`: the group names none, or another place than its lines.
    pub(super) anchor: Option<usize>,
    pub(super) coded: Vec<CodedPlace>,
    pub(super) name: Option<String>,
}

/// The procedures of a group and whose its segments are.
pub(super) struct Drafts {
    pub(super) lines: Vec<Draft>,
    pub(super) owners: Owners,
    /// A line was deleted.
    pub(super) deleted: bool,
}

impl<'r> Reader<'r, '_> {
    /// The first `[[procedure]]` with codes in this group counts, else the first that is there at
    /// all, else there is one procedure of which nothing is known.
    pub(super) fn drafts(&self, group: &Group, strict: bool) -> Certain<Drafts> {
        let mut drafts = Drafts {
            lines: Vec::new(),
            owners: Owners(vec![Owner::Group; self.ids.len()]),
            deleted: group.own.clone().next().is_some_and(|i| self.exactly(&self.rule.deleted, i)),
        };
        if drafts.deleted {
            drafts.owners.0.fill(Owner::Deleted);
            return Ok(drafts);
        }
        let mut chosen: Option<(usize, bool)> = None;
        for (number, rule) in self.model.procedures.iter().enumerate() {
            drafts.deleted |= self.mark_deleted(rule, group, &mut drafts.owners);
            let coded = matches!(chosen, Some((_, true)));
            if coded || self.has_any(&rule.unless_message_has) {
                continue;
            }
            let lines = self.lines_of(rule, group, &drafts.owners, strict)?;
            let has_codes = lines.iter().any(|line| !line.coded.is_empty());
            if has_codes || chosen.is_none() && !lines.is_empty() {
                chosen = Some((number, has_codes));
                drafts.lines = lines;
            }
        }
        if let Some(rule) = chosen.and_then(|(number, _)| self.model.procedures.get(number)) {
            self.mark_owned(rule, group, &mut drafts.owners);
        }
        self.add_unnamed_codes(group, chosen.map(|(n, _)| n), &mut drafts, strict)?;
        let pairs = drafts.lines.len().saturating_mul(self.ids.len());
        if pairs > PAIRS_MAX {
            self.unless(Doubt::Size, strict)?;
            drafts.lines.truncate(PAIRS_MAX / self.ids.len().max(1));
        }
        if drafts.lines.is_empty() && !drafts.deleted {
            drafts.lines.push(Draft { anchor: None, coded: Vec::new(), name: None });
        }
        Ok(drafts)
    }

    fn live<'s>(
        &'s self,
        rule: &'s ProcedureRule,
        group: &Group,
        owners: &'s Owners,
    ) -> impl Iterator<Item = usize> {
        let live = |i: &usize| owners.of(*i) != Owner::Deleted;
        self.only(group.own.clone(), rule.each).filter(live)
    }

    fn lines_of(
        &self,
        rule: &ProcedureRule,
        group: &Group,
        owners: &Owners,
        strict: bool,
    ) -> Certain<Vec<Draft>> {
        let mut lines = Vec::new();
        for anchor in self.live(rule, group, owners) {
            let mut coded = Vec::new();
            for place in &rule.codes {
                coded.extend(self.coded(place, anchor, strict)?);
            }
            let mut names = Vec::new();
            for place in &rule.name {
                names.extend(self.values(place, anchor, false)?);
                if !names.is_empty() {
                    break;
                }
            }
            let mut names = names.into_iter().map(|(text, _)| trim(&text).to_owned());
            let mut further = Vec::new();
            for place in &rule.further {
                let codes = self.coded(place, anchor, strict)?;
                further.extend(codes.into_iter().filter(|c| !c.codings.is_empty()));
            }
            let first = lines.len();
            for place in coded {
                let name = names.next().filter(|n| !n.is_empty());
                if !place.codings.is_empty() {
                    lines.push(Draft { anchor: Some(anchor), coded: vec![place], name });
                } else if name.is_some() {
                    lines.push(Draft { anchor: Some(anchor), coded: Vec::new(), name });
                }
            }
            if lines.len() == first {
                let name = names.find(|n| !n.is_empty());
                lines.push(Draft { anchor: Some(anchor), coded: Vec::new(), name });
            }
            if let Some(line) = lines.get_mut(first) {
                line.coded.append(&mut further);
            }
            let codes: usize = lines.iter().map(|line| line.coded.len().max(1)).sum();
            if self.too_many(codes, strict)? {
                break;
            }
        }
        Ok(lines)
    }

    /// Every value of a place of codes; one without a code keeps its turn, so that names pair up.
    fn coded(&self, place: &Place, index: usize, strict: bool) -> Certain<Vec<CodedPlace>> {
        if place.whole_field() {
            self.not_too_repeated(place, index, strict)?;
            let repetitions = self.repetitions(place, index).take(VALUES_MAX);
            return repetitions
                .map(|(number, repetition)| {
                    self.coded_field(place, index, number, &repetition, strict)
                })
                .collect();
        }
        let values = self.values(place, index, strict)?;
        let coded = values.into_iter().map(|(text, number)| CodedPlace {
            codings: self.model.concepts.codings(&text, None, None),
            place: self.place(index, place.field, number, place.component),
        });
        Ok(coded.collect())
    }

    fn coded_field(
        &self,
        place: &Place,
        index: usize,
        number: usize,
        repetition: &Span<'_>,
        strict: bool,
    ) -> Certain<CodedPlace> {
        let mut codings = Vec::new();
        let [a, b, c, d, e, f] = components(repetition);
        for (code, display, system) in [(a, b, c), (d, e, f)] {
            let Some(code) = code else { continue };
            if strict && code.has_subcomponents() {
                return Err(self.doubt_at(Doubt::Subcomponents, index, place, number));
            }
            let text = |span: Option<Span<'_>>| {
                let text = span.map(|span| trim(&span.text()).to_owned());
                text.filter(|text| !text.is_empty())
            };
            codings.append(&mut self.model.concepts.codings(
                &code.text(),
                text(display),
                text(system),
            ));
        }
        Ok(CodedPlace { codings, place: self.place(index, place.field, number, 0) })
    }

    /// Codes in places of a `[[procedure]]` that was not chosen: one that is a procedure of its own,
    /// named by no line, is a case too (rules.md §2).
    fn add_unnamed_codes(
        &self,
        group: &Group,
        chosen: Option<usize>,
        drafts: &mut Drafts,
        strict: bool,
    ) -> Certain<()> {
        for (number, rule) in self.model.procedures.iter().enumerate() {
            if Some(number) == chosen {
                continue;
            }
            let anchors: Vec<usize> = self.live(rule, group, &drafts.owners).collect();
            for index in anchors {
                for place in rule.codes.iter().chain(&rule.further) {
                    for coded in self.coded(place, index, strict)? {
                        if self.too_many(drafts.lines.len(), strict)? {
                            return Ok(());
                        }
                        if self.is_unnamed(&coded, &drafts.lines) {
                            let coded = vec![coded];
                            drafts.lines.push(Draft { anchor: None, coded, name: None });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn is_unnamed(&self, coded: &CodedPlace, lines: &[Draft]) -> bool {
        let catalogue = self.context.catalogue;
        let known = coded.codings.iter().find(|coding| self.code_known(&coding.code));
        let Some(known) = known else { return false };
        let resolved = catalogue.resolve(&known.code);
        let codings = lines.iter().flat_map(|l| &l.coded).flat_map(|place| &place.codings);
        !codings.into_iter().any(|other| {
            other.code == known.code
                || resolved.is_some_and(|this| {
                    catalogue.resolve(&other.code).is_some_and(|that| this.code == that.code)
                })
        })
    }

    fn mark_deleted(&self, rule: &ProcedureRule, group: &Group, owners: &mut Owners) -> bool {
        let mut any = false;
        // The extra group takes its surgeons from the whole message.
        let reach = if group.extra { self.all() } else { group.own.clone() };
        for anchor in self.only(reach, rule.each) {
            if self.exactly(&rule.deleted, anchor) {
                self.own(rule, group, anchor, Owner::Deleted, owners);
                any = true;
            }
        }
        any
    }

    fn mark_owned(&self, rule: &'r ProcedureRule, group: &Group, owners: &mut Owners) {
        let live: Vec<usize> = self.live(rule, group, owners).collect();
        for anchor in live {
            self.own(rule, group, anchor, Owner::Line(anchor), owners);
        }
    }

    /// The segment and those behind it that belong to it; segments that the file does not read
    /// do not end them.
    fn own(
        &self,
        rule: &ProcedureRule,
        group: &Group,
        anchor: usize,
        owner: Owner,
        owners: &mut Owners,
    ) {
        let end = if group.own.contains(&anchor) { group.own.end } else { self.ids.len() };
        let behind = anchor + 1..end;
        let behind = behind.take_while(|i| {
            let id = self.id(*i);
            matches!(id, UNMAPPED | ADD) || rule.owns.contains(&id)
        });
        for index in std::iter::once(anchor).chain(behind) {
            owners.set(index, owner);
        }
    }
}
