//! Why a request cannot be judged, or is not let through unjudged: for the record, and in words.

use crate::domain::order::{Place, Stage};
use crate::fhir::bundle::BundleFault;
use crate::fhir::document::Unsound;
use crate::fhir::interaction::Evasion;
use crate::fhir::media::CodingFault;
use crate::fhir::patch::PatchFault;
use crate::mapping::Unreadable;

/// What kind of refusal a doubt leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It can be read in two ways, or not at all.
    Unreadable,
    /// It stands in a form that the gate does not judge.
    Form,
    /// It is longer than the limit.
    TooLong,
    /// An operation that the route does not allow.
    NotAllowed,
    /// What is needed to read it could not be had now.
    Unavailable,
    /// What it changes is not there.
    Missing,
}

/// Why a request cannot be judged.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    /// Of a bounded set, the same for ever.
    pub(super) why: &'static str,
    pub(super) class: Class,
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
    /// The checkpoint, where that much is certain.
    pub(super) stage: Option<Stage>,
    /// FHIRPath.
    pub(super) place: Option<String>,
}

impl Doubt {
    pub(super) fn new(class: Class, why: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { why, class, zh, en, stage: None, place: None }
    }

    pub(super) fn at(self, place: impl Into<String>) -> Self {
        Self { place: Some(place.into()), ..self }
    }

    /// The body's type or id is not that of the address.
    pub(super) fn address_disagrees() -> Self {
        Self::new(
            Class::Unreadable,
            "fhir-address",
            "请求体的resourceType或id与URL不一致，请核对后重新提交",
            "resourceType or id of the body is not that of the URL; make them agree",
        )
    }

    /// XML, a patch of another kind, an unknown content type.
    pub(super) fn form() -> Self {
        Self::new(
            Class::Form,
            "fhir-form",
            "请求体格式不能核查，请以UTF-8编码的application/fhir+json提交",
            "the body stands in a form that cannot be judged; send application/fhir+json in UTF-8",
        )
    }

    /// Longer than the limit.
    pub(super) fn too_long() -> Self {
        Self::new(
            Class::TooLong,
            "fhir-too-long",
            "请求体超过长度上限（max_body_kib），请拆分提交",
            "the body is longer than max_body_kib; send it in parts",
        )
    }

    /// It did not come in time.
    pub(super) fn slow() -> Self {
        Self::new(
            Class::Unreadable,
            "fhir-cut-off",
            "请求体未在限定时间内发完，请重新提交",
            "the body did not come in time; send it again",
        )
    }

    /// An operation that is not allowed on a judged route.
    pub(super) fn not_allowed() -> Self {
        Self::new(
            Class::NotAllowed,
            "fhir-operation",
            "该接口不允许这项操作：其中的医嘱无法核查",
            "this operation can store orders that cannot be judged; allow_operations of the route permits it",
        )
    }

    /// The resource that is to be patched cannot be read with certainty.
    pub(super) fn current_unreadable() -> Self {
        Self::new(
            Class::Unreadable,
            "fhir-current",
            "无法确切读取待修改的资源，未转发；请改用PUT提交完整资源",
            "the resource to be patched cannot be read with certainty; send it whole with PUT",
        )
    }

    /// There is nothing to be patched. The server would mostly say so too; but one that takes it all the same, or that has
    /// the resource by then, would store what nobody has judged.
    pub(super) fn nothing_to_patch() -> Self {
        Self::new(
            Class::Missing,
            "fhir-current-missing",
            "FHIR服务器上没有待修改的资源，未转发；请核对地址",
            "the server does not hold the resource to be patched; check the address",
        )
    }

    /// Too many bodies are held at a time for this one to be read.
    pub(super) fn overloaded() -> Self {
        Self::new(
            Class::Unavailable,
            "fhir-overloaded",
            "同时提交的请求过多，暂时无法核查，请稍后重新提交",
            "too many request bodies at a time to read this one; send again shortly",
        )
    }

    /// The resource that is to be patched cannot be had now.
    pub(super) fn current_unavailable() -> Self {
        Self::new(
            Class::Unavailable,
            "fhir-current-unavailable",
            "暂时无法从FHIR服务器读取待修改的资源，请稍后重新提交",
            "the resource to be patched cannot be read from the server at present; send again shortly",
        )
    }
}

impl From<Evasion> for Doubt {
    fn from(evasion: Evasion) -> Self {
        Self::new(Class::Unreadable, evasion.as_str(), evasion.chinese(), evasion.english())
    }
}

impl From<Unsound> for Doubt {
    fn from(unsound: Unsound) -> Self {
        if unsound == Unsound::TooLong {
            return Self::too_long();
        }
        Self::new(Class::Unreadable, unsound.as_str(), unsound.chinese(), unsound.english())
    }
}

impl From<BundleFault> for Doubt {
    fn from(fault: BundleFault) -> Self {
        let class = match fault {
            BundleFault::TooMany => Class::TooLong,
            _ => Class::Unreadable,
        };
        Self::new(class, fault.as_str(), fault.chinese(), fault.english())
    }
}

impl From<PatchFault> for Doubt {
    fn from(fault: PatchFault) -> Self {
        Self::new(Class::Unreadable, fault.as_str(), fault.chinese(), fault.english())
    }
}

impl From<CodingFault> for Doubt {
    fn from(fault: CodingFault) -> Self {
        match fault {
            CodingFault::TooLong => Self::too_long(),
            CodingFault::Unknown => Self::new(
                Class::Form,
                "fhir-coding",
                "Content-Encoding不能识别，请使用gzip、deflate、br或不压缩",
                "the Content-Encoding is not known; use gzip, deflate, br or none",
            ),
            CodingFault::Broken => Self::new(
                Class::Unreadable,
                "fhir-coding-broken",
                "请求体不能按Content-Encoding解压，请重新提交",
                "the body is not what its Content-Encoding says",
            ),
        }
    }
}

impl From<Unreadable> for Doubt {
    fn from(unreadable: Unreadable) -> Self {
        let why = unreadable.why;
        let place = match unreadable.place {
            Some(Place::FhirPath(path)) => Some(path),
            _ => None,
        };
        let stage = unreadable.stage;
        Self {
            stage,
            place,
            ..Self::new(Class::Unreadable, why.as_str(), why.chinese(), why.english())
        }
    }
}
