//! The place syntax of mapping files, compiled once: `SEG-F[.C[.S]] [split CHAR take …] [where SEG-F.C = VALUE]`.

use crate::mapping::terms::fold;

/// A segment name that the mapping reads, as an index into [`Segments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentId(pub(super) u8);

/// A segment no place reads.
pub(super) const UNMAPPED: SegmentId = SegmentId(u8::MAX);

/// How many different segment names one file may read; their numbers fit a byte.
const SEGMENTS_MAX: usize = 200;
/// Highest field, component, sub-component or part a place may name; HL7 v2 has no segment with more.
const NUMBER_MAX: u16 = 999;

/// Continues the segment before it. Known to every file.
pub(super) const ADD: SegmentId = SegmentId(0);
/// Continues in another message. Known to every file.
pub(super) const DSC: SegmentId = SegmentId(1);

/// Every segment name that the file reads, with the highest field read of it.
#[derive(Clone, Debug)]
pub(super) struct Segments {
    names: Vec<([u8; 3], u16)>,
}

impl Default for Segments {
    fn default() -> Self {
        Self { names: vec![(*b"ADD", 0), (*b"DSC", 0)] }
    }
}

impl Segments {
    /// The id of `name`, entered when new.
    pub(super) fn enter(&mut self, name: &str, field: u16) -> Result<SegmentId, String> {
        let valid = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
        let Some(name) = <[u8; 3]>::try_from(name.as_bytes()).ok().filter(|n| n.iter().all(valid))
        else {
            return Err(format!(
                "`{name}` is no segment name; write three capitals or digits, like PR1"
            ));
        };
        if let Some(known) = self.names.iter().position(|(known, _)| *known == name) {
            if let Some((_, highest)) = self.names.get_mut(known) {
                *highest = field.max(*highest);
            }
            return Ok(SegmentId(u8::try_from(known).unwrap_or(u8::MAX)));
        }
        if self.names.len() >= SEGMENTS_MAX {
            return Err(format!("more than {SEGMENTS_MAX} segment names; split the file"));
        }
        self.names.push((name, field));
        Ok(SegmentId(u8::try_from(self.names.len() - 1).unwrap_or(u8::MAX)))
    }

    /// The id of a name exactly as written in a message.
    pub(super) fn id(&self, name: &[u8]) -> Option<SegmentId> {
        let name = <[u8; 3]>::try_from(name).ok()?;
        let known = self.names.iter().position(|(known, _)| *known == name)?;
        u8::try_from(known).ok().map(SegmentId)
    }

    /// The name of an id.
    pub(super) fn name(&self, id: SegmentId) -> &str {
        let name = self.names.get(usize::from(id.0));
        name.and_then(|(name, _)| std::str::from_utf8(name).ok()).unwrap_or("")
    }

    /// The highest field read of a segment.
    pub(super) fn highest_field(&self, id: SegmentId) -> usize {
        self.names.get(usize::from(id.0)).map_or(0, |(_, field)| usize::from(*field))
    }
}

/// Which parts of a split text count, from 1: `first`, then every `step`th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) separator: char,
    pub(super) first: usize,
    /// `None`: only the first.
    pub(super) step: Option<usize>,
}

/// Only segments in which this component has this folded value count.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) field: usize,
    pub(super) component: usize,
    pub(super) value: Box<str>,
}

/// Where in a message something stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) segment: SegmentId,
    pub(super) field: usize,
    /// 0: not named.
    pub(super) component: usize,
    /// 0: not named.
    pub(super) subcomponent: usize,
    pub(super) split: Option<Split>,
    pub(super) condition: Option<Condition>,
}

/// `PLACE = VALUE`.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) place: Place,
    /// As written.
    pub(super) value: Box<str>,
    /// Folded.
    pub(super) folded: Box<str>,
}

impl Place {
    /// Compiles `text`, entering its segment.
    pub(super) fn parse(text: &str, segments: &mut Segments) -> Result<Self, String> {
        let (text, condition) = match text.split_once(" where ") {
            Some((place, condition)) => (place, Some(condition)),
            None => (text, None),
        };
        let (text, split) = match text.split_once(" split ") {
            Some((place, split)) => (place, Some(parse_split(split)?)),
            None => (text, None),
        };
        let mut place = parse_position(text.trim(), segments)?;
        place.split = split;
        if let Some(condition) = condition {
            let test = Test::parse(condition, segments)?;
            if test.place.segment != place.segment {
                return Err(format!("`where {condition}` must test the same segment"));
            }
            place.condition = Some(Condition {
                field: test.place.field,
                component: test.place.component,
                value: test.folded,
            });
        }
        Ok(place)
    }

    /// Whether the place names a whole field, so that a code or person is read from its components.
    pub(super) fn whole_field(&self) -> bool {
        self.component == 0 && self.split.is_none()
    }
}

impl Test {
    /// Compiles `PLACE = VALUE`.
    pub(super) fn parse(text: &str, segments: &mut Segments) -> Result<Self, String> {
        let Some((place, value)) = text.split_once('=') else {
            return Err(format!(
                "`{text}` is no test; write a place, `=` and a value, like OBR-24 = SUR"
            ));
        };
        let place = parse_position(place.trim(), segments)?;
        let value = value.trim();
        if value.is_empty() {
            return Err(format!("`{text}` tests for nothing; write a value behind the `=`"));
        }
        Ok(Self { place, value: value.into(), folded: fold(value).into() })
    }
}

fn parse_position(text: &str, segments: &mut Segments) -> Result<Place, String> {
    let wrong = || format!("`{text}` is no place; write segment-field, like PR1-3 or ORC-12.1");
    let (name, numbers) = text.split_once('-').ok_or_else(wrong)?;
    let mut found = [0_u16; 3];
    let mut parts = numbers.split('.');
    for (slot, part) in found.iter_mut().zip(parts.by_ref()) {
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let number = part.parse::<u16>().ok().filter(|n| digits && (1..=NUMBER_MAX).contains(n));
        *slot = number.ok_or_else(wrong)?;
    }
    if parts.next().is_some() {
        return Err(format!("`{text}` has more than field.component.subcomponent"));
    }
    let [field, component, subcomponent] = found;
    let segment = segments.enter(name, field)?;
    Ok(Place {
        segment,
        field: usize::from(field),
        component: usize::from(component),
        subcomponent: usize::from(subcomponent),
        split: None,
        condition: None,
    })
}

fn parse_split(text: &str) -> Result<Split, String> {
    let wrong = || {
        format!(
            "`split {text}` is not understood; write like `split # take 1`, `split # take 2..` \
             or `split # take 1 every 3`"
        )
    };
    let (separator, take) = text.trim().split_once(" take ").ok_or_else(wrong)?;
    let mut characters = separator.trim().chars();
    let separator = characters.next().filter(|c| !c.is_alphanumeric()).ok_or_else(wrong)?;
    if characters.next().is_some() {
        return Err(wrong());
    }
    let number = |text: &str| {
        let number = text.trim().parse::<u16>().ok().filter(|n| (1..=NUMBER_MAX).contains(n));
        number.map(usize::from).ok_or_else(wrong)
    };
    let take = take.trim();
    let (first, step) = if let Some((first, step)) = take.split_once(" every ") {
        (number(first)?, Some(number(step)?))
    } else if let Some(first) = take.strip_suffix("..") {
        (number(first)?, Some(1))
    } else {
        (number(take)?, None)
    };
    Ok(Split { separator, first, step })
}
