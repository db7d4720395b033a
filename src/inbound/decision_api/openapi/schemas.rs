//! The bodies of the description that no code reads in this form: answers, and calls that are read piece by piece.
#![expect(dead_code, reason = "they carry the description and are never made")]

use utoipa::ToSchema;

/// Something went wrong (RFC 9457).
#[derive(ToSchema)]
pub(super) struct Problem {
    r#type: String,
    title: String,
    status: u16,
    detail: String,
}

/// An object without members that matter.
#[derive(ToSchema)]
pub(super) struct Nothing {}

/// AuthZEN metadata.
#[derive(ToSchema)]
pub(super) struct Metadata {
    policy_decision_point: String,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
}

/// An AuthZEN decision.
#[derive(ToSchema)]
pub(super) struct Decision {
    /// Whether a gate in the line would let it pass.
    decision: bool,
    context: DecisionContext,
}

/// The verdict, or what was missing.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum DecisionContext {
    #[schema(title = "verdict")]
    Verdict(VerdictDocument),
    #[schema(title = "error")]
    Error(Missing),
}

/// One of several questions was not complete.
#[derive(ToSchema)]
pub(super) struct Missing {
    error: MissingWhat,
}

/// What was missing.
#[derive(ToSchema)]
pub(super) struct MissingWhat {
    status: u16,
    message: String,
}

/// The answer to several questions, or to one.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Decisions {
    #[schema(title = "several")]
    Several(SeveralDecisions),
    #[schema(title = "one")]
    One(Decision),
}

/// In the order of the questions; fewer where the semantic ended them.
#[derive(ToSchema)]
pub(super) struct SeveralDecisions {
    #[schema(min_items = 1)]
    evaluations: Vec<Decision>,
}

/// A verdict.
#[derive(ToSchema)]
pub(super) struct VerdictDocument {
    #[schema(nullable = false)]
    action: Option<ActionWord>,
    cases: Vec<Case>,
    decision: DecisionWord,
    /// The ledger entry of this inquiry.
    #[schema(nullable = false, min_length = 26, max_length = 26)]
    entry: Option<String>,
    /// What could not be known.
    gaps: Vec<GapWord>,
    #[schema(nullable = false, format = DateTime)]
    operating_time: Option<String>,
    #[schema(nullable = false)]
    stage: Option<StageWord>,
    stance: StanceWord,
    #[schema(nullable = false)]
    urgency: Option<UrgencyWord>,
    #[schema(nullable = false)]
    unreadable: Option<UnreadableMessage>,
}

/// Why a message could not be read.
#[derive(ToSchema)]
pub(super) struct UnreadableMessage {
    why: String,
    text_zh: String,
    text_en: String,
}

/// One surgeon and one procedure.
#[derive(ToSchema)]
pub(super) struct Case {
    findings: Vec<Finding>,
    procedure: Procedure,
    surgeon: Surgeon,
}

/// As found in the catalogue, else as given.
#[derive(ToSchema)]
pub(super) struct Procedure {
    #[schema(nullable = false)]
    code: Option<String>,
    #[schema(nullable = false, minimum = 1, maximum = 4)]
    grade: Option<u8>,
    #[schema(nullable = false)]
    name: Option<String>,
}

/// As found in the register, else as given.
#[derive(ToSchema)]
pub(super) struct Surgeon {
    #[schema(nullable = false)]
    id: Option<String>,
    #[schema(nullable = false)]
    name: Option<String>,
}

/// One rule that applied.
#[derive(ToSchema)]
pub(super) struct Finding {
    /// `SG 16`
    cites: Vec<String>,
    effect: EffectWord,
    /// Whether an emergency lifts the rule.
    lifted: bool,
    /// A stable name.
    rule: String,
    text_en: String,
    text_zh: String,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($word:ident),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(ToSchema)]
            #[serde(rename_all = "kebab-case")]
            pub(super) enum $name { $($word),+ }
        )+
    };
}

words! {
    /// What a gate would do.
    DecisionWord { NotSurgical, Forward, ForwardFlagged, Override, Unavailable, Block }
    /// Whether it would act on it.
    StanceWord { Observe, Enforce }
    /// The checkpoint.
    StageWord { Order, Notice, Record }
    /// What is wanted.
    ActionWord { New, Change, Withdraw, Other }
    /// How soon.
    UrgencyWord { Elective, Urgent, Emergency }
    /// What a finding does.
    EffectWord { Block, Flag, Overridden }
    /// What could not be known.
    GapWord {
        PrivilegesUnavailable, CalendarUnknown, MessageUnreadable, LedgerUnavailable, Overloaded,
    }
    /// How grave a card is.
    IndicatorWord { Info, Warning, Critical }
    /// What became of a card.
    OutcomeWord { Accepted, Overridden }
    /// The hooks that have a service.
    HookWord { OrderSign, OrderSelect, AppointmentBook }
}

/// The services.
#[derive(ToSchema)]
pub(super) enum ServiceWord {
    #[serde(rename = "orgate-order-sign")]
    OrderSign,
    #[serde(rename = "orgate-order-select")]
    OrderSelect,
    #[serde(rename = "orgate-appointment-book")]
    AppointmentBook,
}

/// A FHIR resource: a ServiceRequest, Appointment or Procedure is judged, and one that contains them.
#[derive(ToSchema)]
pub(super) struct FhirResource {
    #[serde(rename = "resourceType")]
    #[schema(example = "ServiceRequest")]
    resource_type: String,
    id: Option<String>,
}

/// `GET /cds-services`
#[derive(ToSchema)]
pub(super) struct Discovery {
    services: Vec<Service>,
}

/// One service.
#[derive(ToSchema)]
pub(super) struct Service {
    hook: HookWord,
    title: String,
    description: String,
    id: String,
}

macro_rules! calls {
    ($(#[$doc:meta] $call:ident $hook:ident $word:ident $context:ident {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty),+ $(,)?
    })+) => {
        $(
            #[$doc]
            #[derive(ToSchema)]
            #[serde(rename_all = "camelCase")]
            pub(super) struct $call {
                hook: $hook,
                #[schema(
                    format = "uuid",
                    pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
                )]
                hook_instance: String,
                fhir_server: Option<String>,
                context: $context,
                /// What the client has prefetched, by the names of the service.
                #[schema(value_type = Option<Object>)]
                prefetch: Option<String>,
            }

            /// The hook of the service.
            #[derive(ToSchema)]
            #[serde(rename_all = "kebab-case")]
            pub(super) enum $hook { $word }

            /// What the call is about.
            #[derive(ToSchema)]
            #[serde(rename_all = "camelCase")]
            pub(super) struct $context {
                /// `Practitioner/9`
                #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$")]
                user_id: String,
                #[schema(min_length = 1, max_length = 256, pattern = "^[!-~]+$")]
                patient_id: String,
                $($(#[$field_doc])* $field: $kind,)+
            }
        )+
    };
}

calls! {
    /// A call of order-sign.
    OrderSignCall OrderSignHook OrderSign OrderSignContext {
        /// The orders to be signed.
        draft_orders: Resources,
    }
    /// A call of order-select.
    OrderSelectCall OrderSelectHook OrderSelect OrderSelectContext {
        /// Which of the drafts are new: `ServiceRequest/7`.
        selections: Vec<String>,
        /// All drafts.
        draft_orders: Resources,
    }
    /// A call of appointment-book.
    AppointmentBookCall AppointmentBookHook AppointmentBook AppointmentBookContext {
        /// The appointments to be booked.
        appointments: Resources,
    }
}

/// A Bundle, or a bare list of resources.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Resources {
    #[schema(title = "bundle")]
    Bundle(Bundle),
    #[schema(title = "list")]
    List(Vec<FhirResource>),
}

/// A FHIR Bundle.
#[derive(ToSchema)]
pub(super) struct Bundle {
    #[serde(rename = "resourceType")]
    resource_type: BundleWord,
    #[schema(nullable = false, max_items = 100)]
    entry: Option<Vec<BundleEntry>>,
}

/// Always `Bundle`.
#[derive(ToSchema)]
pub(super) enum BundleWord {
    Bundle,
}

/// One of its entries.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BundleEntry {
    full_url: Option<String>,
    resource: Option<FhirResource>,
}

/// The answer to a call.
#[derive(ToSchema)]
pub(super) struct Cards {
    cards: Vec<Card>,
}

/// One order that is not clean.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Card {
    #[schema(format = "uuid")]
    uuid: String,
    #[schema(max_length = 139)]
    summary: String,
    /// Markdown.
    detail: String,
    indicator: IndicatorWord,
    source: Source,
}

/// Where a card comes from.
#[derive(ToSchema)]
pub(super) struct Source {
    label: String,
}

/// What became of cards.
#[derive(ToSchema)]
pub(super) struct Feedback {
    #[schema(min_items = 1, max_items = 100)]
    feedback: Vec<CardFeedback>,
}

/// What became of one card.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CardFeedback {
    #[schema(format = "uuid", pattern = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    card: String,
    outcome: OutcomeWord,
    override_reason: Option<OverrideReason>,
    outcome_timestamp: Option<String>,
}

/// Why a card was not followed.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OverrideReason {
    reason: Option<ReasonCoding>,
    #[schema(max_length = 1000)]
    user_comment: Option<String>,
}

/// One of the card's `overrideReasons`.
#[derive(ToSchema)]
pub(super) struct ReasonCoding {
    code: String,
    system: Option<String>,
}

/// A FHIR OperationOutcome.
#[derive(ToSchema)]
pub(super) struct OperationOutcome {
    #[serde(rename = "resourceType")]
    #[schema(pattern = "^OperationOutcome$")]
    resource_type: String,
    #[schema(value_type = Vec<Object>, min_items = 1)]
    issue: Vec<String>,
}
