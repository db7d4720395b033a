//! Values out of places: repetitions, components, split parts.

use std::borrow::Cow;

use crate::domain::order::Place as Stood;
use crate::hl7::message::{Segment, Span};
use crate::mapping::hl7v2::place::{Condition, Place, Split, Test};
use crate::mapping::hl7v2::read::{Certain, Reader, VALUES_MAX};
use crate::mapping::reading::{Doubt, Unreadable};
use crate::mapping::terms::{fold, trim};

/// Values of one place in one segment, in order: not blank, trimmed.
pub(super) type Values<'m> = Vec<(Cow<'m, str>, usize)>;

impl<'m> Reader<'_, 'm> {
    pub(super) fn segment(&self, index: usize) -> Option<Segment<'m>> {
        self.message.segment_at(index)
    }

    /// Where something stood, as a refusal points at it.
    pub(super) fn place(
        &self,
        index: usize,
        field: usize,
        repetition: usize,
        component: usize,
    ) -> Option<Stood> {
        let id = self.id(index);
        let name = self.model.segments.name(id).to_owned();
        let sequence = self.ids.iter().take(index + 1).filter(|other| **other == id).count();
        Some(Stood::Hl7 { segment: name, sequence, field, repetition, component })
    }

    /// The texts of `place` in segment `index`. `strict`: an id or code, so sub-components are a doubt.
    pub(super) fn values(&self, place: &Place, index: usize, strict: bool) -> Certain<Values<'m>> {
        let mut values = Values::new();
        for (number, repetition) in self.repetitions(place, index) {
            let part = part(&repetition, place);
            if part.is_empty() {
                continue;
            }
            if strict && place.subcomponent == 0 && part.has_subcomponents() {
                return Err(self.doubt_at(Doubt::Subcomponents, index, place, number));
            }
            let text = part.text();
            match place.split {
                None => values.push((text, number)),
                Some(split) => {
                    let parts = parts(&text, split).take(VALUES_MAX + 1);
                    values.extend(parts.map(|p| (Cow::Owned(p.to_owned()), number)));
                }
            }
            if values.len() > VALUES_MAX {
                self.unless(Doubt::Size, strict)?;
                break;
            }
        }
        // Blank parts of a split keep their number until here, so that names and codes pair up.
        if place.split.is_none() {
            values.retain(|(text, _)| !trim(text).is_empty());
        }
        Ok(values)
    }

    /// The first value of the first of `places` that has one, in `indexes`.
    pub(super) fn first(
        &self,
        places: &[Place],
        indexes: impl Iterator<Item = usize> + Clone,
        strict: bool,
    ) -> Certain<Option<String>> {
        for place in places {
            for index in self.only(indexes.clone(), place.segment) {
                if place.split.is_none() {
                    if let Some(text) = self.first_text(place, index, strict)? {
                        return Ok(Some(text));
                    }
                    continue;
                }
                let values = self.values(place, index, strict)?;
                let found = values.iter().map(|(text, _)| trim(text)).find(|t| !t.is_empty());
                if let Some(text) = found {
                    return Ok(Some(text.to_owned()));
                }
            }
        }
        Ok(None)
    }

    /// No more repetitions than are read.
    pub(super) fn not_too_repeated(
        &self,
        place: &Place,
        index: usize,
        strict: bool,
    ) -> Certain<()> {
        let field = self.field(index, place.field);
        let over = strict && field.is_some_and(|f| f.repetition_count() > VALUES_MAX);
        self.unless(Doubt::Size, over)
    }

    fn first_text(&self, place: &Place, index: usize, strict: bool) -> Certain<Option<String>> {
        for (number, repetition) in self.repetitions(place, index) {
            let part = part(&repetition, place);
            if part.is_empty() {
                continue;
            }
            if strict && place.subcomponent == 0 && part.has_subcomponents() {
                return Err(self.doubt_at(Doubt::Subcomponents, index, place, number));
            }
            let text = part.text();
            let text = trim(&text);
            if !text.is_empty() {
                return Ok(Some(text.to_owned()));
            }
        }
        Ok(None)
    }

    /// The repetitions of the field that count, from 1; empty ones are left out.
    pub(super) fn repetitions(
        &self,
        place: &Place,
        index: usize,
    ) -> impl Iterator<Item = (usize, Span<'m>)> + use<'m> {
        let counts = place.condition.as_ref().is_none_or(|c| self.holds(c, index));
        let field = if counts { self.field(index, place.field) } else { None };
        let repetitions = field.into_iter().flat_map(|f| f.repetitions()).enumerate();
        repetitions.map(|(at, span)| (at + 1, span)).filter(|(_, span)| !span.is_empty())
    }

    /// Whether the segment has exactly one of these values, nothing trimmed or folded.
    pub(super) fn exactly(&self, tests: &[Test], index: usize) -> bool {
        tests.iter().filter(|test| test.place.segment == self.id(index)).any(|test| {
            let field = self.field(index, test.place.field);
            let part = field.map(|field| match test.place.component {
                0 => field,
                component => field.component(component),
            });
            part.is_some_and(|part| part.bytes() == test.value.as_bytes())
        })
    }

    /// Whether the segment has this value, trimmed and folded; without a component named, in
    /// component 1 or 2 of any repetition.
    pub(super) fn matches(&self, test: &Test, index: usize) -> bool {
        let wanted = |span: Span<'_>| same(&span, &test.folded);
        self.repetitions(&test.place, index).any(|(_, repetition)| match test.place.component {
            0 => wanted(repetition.component(1)) || wanted(repetition.component(2)),
            component => wanted(repetition.component(component)),
        })
    }

    fn holds(&self, condition: &Condition, index: usize) -> bool {
        let field = self.field(index, condition.field);
        let component = field.map(|field| field.component(condition.component.max(1)));
        component.is_some_and(|component| same(&component, &condition.value))
    }

    pub(super) fn unless(&self, why: Doubt, doubtful: bool) -> Certain<()> {
        if doubtful { Err(Unreadable::new(why)) } else { Ok(()) }
    }
}

/// The first components, those that are there and not empty; found in one go.
pub(super) fn components<'m, const N: usize>(repetition: &Span<'m>) -> [Option<Span<'m>>; N] {
    let mut parts = repetition.components();
    std::array::from_fn(|_| parts.next().filter(|part| !part.is_empty()))
}

/// The component that a place means; component 1 where it names none.
pub(super) fn part<'m>(repetition: &Span<'m>, place: &Place) -> Span<'m> {
    // A split place reads the whole field, whatever delimiters the text of it may hold.
    if place.component == 0 && place.split.is_some() {
        return *repetition;
    }
    let component = repetition.component(place.component.max(1));
    if place.subcomponent == 0 { component } else { component.subcomponent(place.subcomponent) }
}

fn parts(text: &str, split: Split) -> impl Iterator<Item = &str> {
    let step = split.step.unwrap_or(usize::MAX);
    text.split(split.separator).skip(split.first - 1).step_by(step)
}

fn same(span: &Span<'_>, folded: &str) -> bool {
    if span.is_empty() {
        return false;
    }
    let text = span.text();
    let text = trim(&text);
    if text.is_ascii() { text.eq_ignore_ascii_case(folded) } else { fold(text) == folded }
}
