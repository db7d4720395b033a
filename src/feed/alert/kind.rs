//! What an alert is about, and how grave it is.

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $zh:literal $en:literal,)+) => {
        /// The types of contract §8.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AlertKind {
            $($(#[$doc])* $variant,)+
        }

        impl AlertKind {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The public name: the `type` of the CloudEvent.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// A few words for people.
            pub fn chinese(self) -> &'static str {
                match self { $(Self::$variant => $zh,)+ }
            }

            /// The same in English.
            pub fn english(self) -> &'static str {
                match self { $(Self::$variant => $en,)+ }
            }
        }
    };
}

kinds! {
    /// A message was refused; of a route that observes: would have been.
    OrderBlocked = "orgate.order.blocked" "拒绝" "refused",
    /// Forwarded, with findings.
    OrderFlagged = "orgate.order.flagged" "放行并提示" "forwarded, flagged",
    /// An emergency was let through, and an override file opened.
    OverrideOpened = "orgate.override.opened" "越权急诊" "emergency override",
    /// Nobody has reviewed an override in time.
    OverrideOverdue = "orgate.override.overdue" "越权审核超期" "override review overdue",
    /// An override was confirmed or rejected.
    OverrideReviewed = "orgate.override.reviewed" "越权已审核" "override reviewed",
    /// What was done differs from what was ordered, or should not have been done.
    RecordDeviation = "orgate.record.deviation" "手术记录不符" "record deviates",
    /// A case that must be reported one by one.
    RestrictedCase = "orgate.restricted.case" "限制类技术病例" "restricted technique",
    /// Its report is late.
    RestrictedOverdue = "orgate.restricted.overdue" "逐例上报超期" "case report overdue",
    /// A change of the register stops what was allowed.
    TechniqueStopped = "orgate.technique.stopped" "技术停止或授权终止" "technique or grant stopped",
    /// Something could not be known.
    Gap = "orgate.gap" "无法判定" "could not be known",
    /// The gate was switched off or on.
    Bypass = "orgate.bypass" "旁路" "bypass",
    /// The ledger cannot be written, or its chain is broken.
    LedgerBroken = "orgate.ledger.broken" "账本异常" "ledger",
    /// A certificate must be renewed, or has been.
    CertificateExpiring = "orgate.certificate.expiring" "证书须更新" "certificate",
    /// A route, the register or a receiver does not answer.
    RouteDown = "orgate.route.down" "中断" "down",
    /// It answers again.
    RouteUp = "orgate.route.up" "恢复" "up again",
}

/// How grave an alert is. In order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To be seen in the day's list.
    Low,
    /// To be looked at today.
    Medium,
    /// To be looked at now; it waits for no grouping.
    High,
}

impl Severity {
    /// The public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The severity of a public name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|s| s.as_str() == name)
    }
}
