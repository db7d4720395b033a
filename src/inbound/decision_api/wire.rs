//! AuthZEN requests as they are written (Authorization API 1.0 §6, §7). What is not known is passed over.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::inbound::console::object::{from_slice, maybe, maybe_list, object};

/// The longest staff number or procedure code, in characters.
pub(super) const ID_CHARS_MAX: usize = 64;
/// The longest other text.
const TEXT_CHARS_MAX: usize = 128;
/// The most diagnoses; a front page has some dozens.
const DIAGNOSES_MAX: usize = 100;
/// The most evaluations of one request.
pub(super) const EVALUATIONS_MAX: usize = 100;

/// Who is to operate.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct SurgeonSubject {
    /// Always `surgeon`.
    #[serde(rename = "type")]
    pub(super) _kind: SubjectKind,
    /// The staff number, without blanks.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[!-~\u4e00-\u9fff]+$",
        example = "D1023"
    )]
    pub(super) id: String,
    /// Passed over.
    #[serde(rename = "properties")]
    #[schema(value_type = Option<Object>)]
    pub(super) _properties: Option<Map<String, Value>>,
}

/// What kind of subject.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SubjectKind {
    Surgeon,
}

/// What is to be done.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct PerformAction {
    /// Always `perform`.
    #[serde(rename = "name")]
    pub(super) _name: ActionName,
    /// Passed over.
    #[serde(rename = "properties")]
    #[schema(value_type = Option<Object>)]
    pub(super) _properties: Option<Map<String, Value>>,
}

/// What kind of action.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ActionName {
    Perform,
}

/// What is to be performed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct ProcedureResource {
    /// Always `procedure`.
    #[serde(rename = "type")]
    pub(super) _kind: ResourceKind,
    /// A code of the institution's catalogue, or one of its aliases.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[!-~\u4e00-\u9fff]+$",
        example = "52.7x00"
    )]
    pub(super) id: String,
    /// Passed over.
    #[serde(rename = "properties")]
    #[schema(value_type = Option<Object>)]
    pub(super) _properties: Option<Map<String, Value>>,
}

/// What kind of resource.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ResourceKind {
    Procedure,
}

/// The circumstances. Other members are passed over.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(super) struct Circumstances {
    /// The checkpoint (SG 29); `order` if absent.
    pub(super) stage: Option<StageName>,
    /// `elective` if absent.
    pub(super) urgency: Option<UrgencyName>,
    /// When it is to begin, with offset; now if absent.
    #[schema(format = DateTime, pattern = r"^20[0-9]{2}-", example = "2026-03-02T08:30:00+08:00")]
    pub(super) time: Option<String>,
    /// 院区
    #[schema(max_length = 128)]
    pub(super) site: Option<String>,
    /// The patient's number, for discussions and the story of the case.
    #[schema(max_length = 128)]
    pub(super) patient: Option<String>,
    /// The ordering department.
    #[schema(max_length = 128)]
    pub(super) department: Option<String>,
    /// ICD-10 codes.
    #[schema(max_items = 100)]
    pub(super) diagnoses: Option<Vec<String>>,
}

/// A checkpoint.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum StageName {
    Order,
    Notice,
    Record,
}

/// How soon the operation must be done.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UrgencyName {
    Elective,
    Urgent,
    Emergency,
}

/// One question.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct EvaluationRequest {
    #[serde(deserialize_with = "object")]
    pub(super) subject: SurgeonSubject,
    #[serde(rename = "action", deserialize_with = "object")]
    pub(super) _action: PerformAction,
    #[serde(deserialize_with = "object")]
    pub(super) resource: ProcedureResource,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) context: Option<Circumstances>,
}

/// Several questions; what stands at the top counts for each that does not say otherwise.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct EvaluationsRequest {
    #[serde(flatten)]
    pub(super) defaults: PartialEvaluation,
    /// Absent or empty: the top itself is the only question.
    #[serde(default, deserialize_with = "maybe_list")]
    #[schema(max_items = 100)]
    pub(super) evaluations: Option<Vec<PartialEvaluation>>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) options: Option<EvaluationOptions>,
}

/// A question that may leave out what stands at the top.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(super) struct PartialEvaluation {
    #[serde(default, deserialize_with = "maybe")]
    pub(super) subject: Option<SurgeonSubject>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) action: Option<PerformAction>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) resource: Option<ProcedureResource>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) context: Option<Circumstances>,
}

/// How several are evaluated.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub(super) struct EvaluationOptions {
    /// `execute_all` if absent.
    pub(super) evaluations_semantic: Option<Semantic>,
}

/// Until which answer evaluations go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Semantic {
    #[default]
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

/// What is wrong with a request; bounded, no content.
pub(super) type Wrong = &'static str;

impl EvaluationRequest {
    /// Reads one question.
    pub(super) fn read(body: &[u8]) -> Result<Self, Wrong> {
        let request: Self = from_slice(body).map_err(|_| {
            "the body is no JSON object with `subject` (type surgeon, id), `action` (name perform) and \
             `resource` (type procedure, id)"
        })?;
        check_id(&request.subject.id)?;
        check_id(&request.resource.id)?;
        request.context.as_ref().map_or(Ok(()), Circumstances::check)?;
        Ok(request)
    }
}

impl EvaluationsRequest {
    /// Reads several questions.
    pub(super) fn read(body: &[u8]) -> Result<Self, Wrong> {
        let request: Self = from_slice(body)
            .map_err(|_| "the body is no JSON object with questions of AuthZEN 1.0")?;
        request.defaults.check()?;
        let evaluations = request.evaluations.as_deref().unwrap_or_default();
        if evaluations.len() > EVALUATIONS_MAX {
            return Err("more than 100 evaluations");
        }
        evaluations.iter().try_for_each(PartialEvaluation::check)?;
        Ok(request)
    }
}

impl PartialEvaluation {
    fn check(&self) -> Result<(), Wrong> {
        self.subject.as_ref().map_or(Ok(()), |subject| check_id(&subject.id))?;
        self.resource.as_ref().map_or(Ok(()), |resource| check_id(&resource.id))?;
        self.context.as_ref().map_or(Ok(()), Circumstances::check)
    }

    /// This question, with `defaults` where it says nothing; `None` when something is still missing.
    pub(super) fn with(&self, defaults: &Self) -> Option<EvaluationRequest> {
        Some(EvaluationRequest {
            subject: self.subject.clone().or_else(|| defaults.subject.clone())?,
            _action: self.action.clone().or_else(|| defaults.action.clone())?,
            resource: self.resource.clone().or_else(|| defaults.resource.clone())?,
            context: self.context.clone().or_else(|| defaults.context.clone()),
        })
    }
}

impl Circumstances {
    fn check(&self) -> Result<(), Wrong> {
        let texts = [&self.site, &self.patient, &self.department].into_iter().flatten();
        let diagnoses = self.diagnoses.as_deref().unwrap_or_default();
        if texts.chain(diagnoses).any(|text| text.chars().count() > TEXT_CHARS_MAX) {
            return Err("a text of `context` is longer than 128 characters");
        }
        if diagnoses.len() > DIAGNOSES_MAX {
            return Err("more than 100 diagnoses");
        }
        match &self.time {
            Some(time) if moment(time).is_none() => {
                Err("`context.time` is no time with offset, write 2026-03-02T08:30:00+08:00")
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// RFC 3339, of this century.
pub(super) fn moment(text: &str) -> Option<jiff::Timestamp> {
    let own = text.starts_with("20") && text.get(4..5) == Some("-") && text.get(10..11)? != " ";
    own.then(|| text.parse().ok()).flatten()
}

fn check_id(id: &str) -> Result<(), Wrong> {
    let fits = |c: char| matches!(c, '!'..='~' | '\u{4e00}'..='\u{9fff}');
    let length = id.chars().count();
    if (1..=ID_CHARS_MAX).contains(&length) && id.chars().all(fits) {
        Ok(())
    } else {
        Err("an `id` is empty, longer than 64 characters, or holds blanks")
    }
}
