//! What surrounded a message, as an entry holds it: only what its verdict could depend on.
//!
//! Fields stand in alphabetical order (canonical JSON).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::Calendar;
use crate::domain::discussion::Discussion;
use crate::domain::order::{Redacted, Stage, Urgency};
use crate::domain::procedure::{Grade, Procedure, ProcedureCode};
use crate::domain::story::{Booking, Chapter, Story};
use crate::domain::surgeon::SurgeonId;
use crate::domain::technique::{Dossier, ListCode, Lists, Technique};
use crate::gate::facts::{SurgeonFacts, value, word};
use crate::gate::order_facts::{STAGES, URGENCIES};
use crate::gate::words::{CONCLUSIONS, CONTENTS, DAYS, DECISIONS, KINDS, LEVELS, STATES};
use crate::rules::Surroundings;

/// The surroundings of one order.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AroundFacts {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bookings: Vec<BookingFacts>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    calendar: BTreeMap<Date, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    colleagues: BTreeMap<String, Vec<(String, String)>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    discussions: Vec<DiscussionFacts>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    discussions_unknown: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dossiers: Vec<DossierFacts>,
    lists_version: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on_site: Vec<SurgeonFacts>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    order_rights_in_use: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    overrides: BTreeMap<String, u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    register_unknown: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stories: Vec<StoryFacts>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    techniques: Vec<TechniqueFacts>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BookingFacts {
    entry: String,
    from: Timestamp,
    surgeon: String,
    to: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiscussionFacts {
    codes: Vec<String>,
    conclusion: String,
    contents: Vec<String>,
    disciplines: Vec<String>,
    held_on: Timestamp,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    order_no: Option<String>,
    patient: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DossierFacts {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    ethics_approved_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    filed_on: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    filing_no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    first_case_on: Option<Date>,
    item: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    self_assessed_on: Option<Date>,
    state: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoryFacts {
    known: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    notice: Option<ChapterFacts>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    order: Option<ChapterFacts>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChapterFacts {
    decision: String,
    entry: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    grade: Option<u8>,
    judged_at: Timestamp,
    procedures: Vec<String>,
    refused: bool,
    stage: String,
    surgeons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    urgency: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TechniqueFacts {
    codes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    diagnoses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    document: Option<String>,
    item: String,
    kind: String,
    level: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    valid_from: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    valid_to: Option<Date>,
}

impl AroundFacts {
    /// Of what surrounded an order that names `codes`; of grants those that speak of `procedures`.
    pub(super) fn new(
        around: &Surroundings,
        codes: &[ProcedureCode],
        procedures: &[Arc<Procedure>],
    ) -> Self {
        let listed = around.lists.meaning(codes);
        let items: Vec<&str> = listed.iter().map(|technique| technique.item.as_str()).collect();
        let dossiers = around.lists.dossiers.iter().filter(|d| items.contains(&d.item.as_str()));
        let dossiers: Vec<&Dossier> = dossiers.collect();
        Self {
            bookings: around.bookings.iter().map(BookingFacts::new).collect(),
            calendar: calendar(&around.calendar, &dossiers),
            colleagues: around.colleagues.iter().map(colleague).collect(),
            discussions: around.discussions.iter().map(DiscussionFacts::new).collect(),
            discussions_unknown: around.discussions_unknown,
            dossiers: dossiers.into_iter().map(DossierFacts::new).collect(),
            lists_version: around.lists.version,
            on_site: around.on_site.iter().map(|s| SurgeonFacts::new(s, procedures)).collect(),
            order_rights_in_use: around.order_rights_in_use,
            overrides: around.overrides.iter().map(|(id, n)| (id.to_string(), *n)).collect(),
            register_unknown: around.register_unknown,
            stories: around.stories.iter().map(StoryFacts::new).collect(),
            techniques: listed.into_iter().map(TechniqueFacts::new).collect(),
        }
    }

    /// Puts the surroundings back; `None` when the entry does not make sense.
    pub(super) fn restore(&self) -> Option<Surroundings> {
        let techniques = self.techniques.iter().map(TechniqueFacts::restore);
        let dossiers = self.dossiers.iter().map(DossierFacts::restore);
        let lists = Lists::new(
            self.lists_version,
            techniques.collect::<Option<_>>()?,
            dossiers.collect::<Option<_>>()?,
        );
        let days = self.calendar.iter().map(|(day, kind)| Some((*day, value(kind, DAYS)?)));
        let discussions: Option<Vec<Discussion>> =
            self.discussions.iter().map(DiscussionFacts::restore).collect();
        let on_site = self.on_site.iter().map(|s| s.restore().map(Arc::new));
        let overrides = self.overrides.iter().map(|(id, n)| Some((SurgeonId::new(id)?, *n)));
        let colleagues = self.colleagues.iter().map(|(code, some)| {
            let some = some.iter().map(|(id, name)| Some((SurgeonId::new(id)?, name.clone())));
            Some((ProcedureCode::new(code)?, some.collect::<Option<_>>()?))
        });
        Some(Surroundings {
            lists: Arc::new(lists),
            calendar: Arc::new(Calendar::new(days.collect::<Option<Vec<_>>>()?)),
            discussions: discussions?,
            register_unknown: self.register_unknown,
            discussions_unknown: self.discussions_unknown,
            stories: self.stories.iter().map(StoryFacts::restore).collect::<Option<_>>()?,
            bookings: self.bookings.iter().map(BookingFacts::restore).collect::<Option<_>>()?,
            on_site: on_site.collect::<Option<_>>()?,
            overrides: overrides.collect::<Option<_>>()?,
            order_rights_in_use: self.order_rights_in_use,
            colleagues: colleagues.collect::<Option<_>>()?,
        })
    }
}

/// The named days of the years in which a filing deadline can lie: the year of the first case and the next.
fn calendar(calendar: &Calendar, dossiers: &[&Dossier]) -> BTreeMap<Date, String> {
    let open = dossiers.iter().filter(|dossier| dossier.filed_on.is_none());
    let years: Vec<i16> = open.filter_map(|d| d.first_case_on).map(|day| day.year()).collect();
    let needed = |day: &Date| years.iter().any(|y| day.year() == *y || day.year() == *y + 1);
    let days = calendar.days().filter(|(day, _)| needed(day));
    days.map(|(day, kind)| (day, word(kind, DAYS))).collect()
}

fn colleague(
    (code, some): (&ProcedureCode, &Vec<(SurgeonId, String)>),
) -> (String, Vec<(String, String)>) {
    let some = some.iter().map(|(id, name)| (id.to_string(), name.clone()));
    (code.to_string(), some.collect())
}

impl BookingFacts {
    fn new(booking: &Booking) -> Self {
        Self {
            entry: booking.entry.clone(),
            from: booking.from,
            surgeon: booking.surgeon.to_string(),
            to: booking.to,
        }
    }

    fn restore(&self) -> Option<Booking> {
        let surgeon = SurgeonId::new(&self.surgeon)?;
        Some(Booking { surgeon, from: self.from, to: self.to, entry: self.entry.clone() })
    }
}

impl DiscussionFacts {
    fn new(discussion: &Discussion) -> Self {
        Self {
            codes: discussion.codes.iter().map(ToString::to_string).collect(),
            conclusion: word(discussion.conclusion, CONCLUSIONS),
            contents: discussion.contents.iter().map(|c| word(*c, CONTENTS)).collect(),
            disciplines: discussion.disciplines.clone(),
            held_on: discussion.held_on,
            id: discussion.id.clone(),
            order_no: discussion.order_no.as_ref().map(|n| n.reveal().to_owned()),
            patient: discussion.patient.reveal().to_owned(),
        }
    }

    fn restore(&self) -> Option<Discussion> {
        Some(Discussion {
            id: self.id.clone(),
            patient: Redacted::new(&*self.patient)?,
            held_on: self.held_on,
            order_no: self.order_no.as_deref().and_then(Redacted::new),
            codes: self.codes.iter().map(|c| ProcedureCode::new(c)).collect::<Option<_>>()?,
            disciplines: self.disciplines.clone(),
            contents: self.contents.iter().map(|c| value(c, CONTENTS)).collect::<Option<_>>()?,
            conclusion: value(&self.conclusion, CONCLUSIONS)?,
        })
    }
}

impl DossierFacts {
    fn new(dossier: &Dossier) -> Self {
        Self {
            ethics_approved_on: dossier.ethics_approved_on,
            filed_on: dossier.filed_on,
            filing_no: dossier.filing_no.clone(),
            first_case_on: dossier.first_case_on,
            item: dossier.item.clone(),
            self_assessed_on: dossier.self_assessed_on,
            state: word(dossier.state, STATES),
        }
    }

    fn restore(&self) -> Option<Dossier> {
        Some(Dossier {
            item: self.item.clone(),
            self_assessed_on: self.self_assessed_on,
            ethics_approved_on: self.ethics_approved_on,
            first_case_on: self.first_case_on,
            filed_on: self.filed_on,
            filing_no: self.filing_no.clone(),
            state: value(&self.state, STATES)?,
        })
    }
}

impl StoryFacts {
    fn new(story: &Story) -> Self {
        Self {
            known: story.known,
            notice: story.notice.as_ref().map(ChapterFacts::new),
            order: story.order.as_ref().map(ChapterFacts::new),
        }
    }

    fn restore(&self) -> Option<Story> {
        let chapter = |facts: &Option<ChapterFacts>| match facts {
            Some(facts) => facts.restore().map(Some),
            None => Some(None),
        };
        Some(Story {
            known: self.known,
            order: chapter(&self.order)?,
            notice: chapter(&self.notice)?,
        })
    }
}

impl ChapterFacts {
    fn new(chapter: &Chapter) -> Self {
        Self {
            decision: word(chapter.decision, DECISIONS),
            entry: chapter.entry.clone(),
            grade: chapter.grade.map(Grade::number),
            judged_at: chapter.judged_at,
            procedures: chapter.procedures.iter().map(ToString::to_string).collect(),
            refused: chapter.refused,
            stage: word(chapter.stage, STAGES),
            surgeons: chapter.surgeons.iter().map(ToString::to_string).collect(),
            urgency: chapter.urgency.map(|urgency| word(urgency, URGENCIES)),
        }
    }

    fn restore(&self) -> Option<Chapter> {
        let stage: Stage = value(&self.stage, STAGES)?;
        let urgency: Option<Urgency> = match &self.urgency {
            Some(urgency) => Some(value(urgency, URGENCIES)?),
            None => None,
        };
        Some(Chapter {
            entry: self.entry.clone(),
            stage,
            judged_at: self.judged_at,
            decision: value(&self.decision, DECISIONS)?,
            refused: self.refused,
            urgency,
            surgeons: self.surgeons.iter().map(|s| SurgeonId::new(s)).collect::<Option<_>>()?,
            procedures: self
                .procedures
                .iter()
                .map(|code| ProcedureCode::new(code))
                .collect::<Option<_>>()?,
            grade: self.grade.and_then(Grade::from_number),
        })
    }
}

impl TechniqueFacts {
    fn new(technique: &Technique) -> Self {
        Self {
            codes: technique.codes.iter().map(ListCode::written).collect(),
            diagnoses: technique.diagnoses.clone(),
            document: technique.document.clone(),
            item: technique.item.clone(),
            kind: word(technique.kind, KINDS),
            level: word(technique.level, LEVELS),
            name: technique.name.clone(),
            valid_from: technique.valid_from,
            valid_to: technique.valid_to,
        }
    }

    fn restore(&self) -> Option<Technique> {
        Some(Technique {
            item: self.item.clone(),
            kind: value(&self.kind, KINDS)?,
            level: value(&self.level, LEVELS)?,
            name: self.name.clone(),
            codes: self.codes.iter().map(|code| ListCode::new(code)).collect::<Option<_>>()?,
            diagnoses: self.diagnoses.clone(),
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            document: self.document.clone(),
        })
    }
}
