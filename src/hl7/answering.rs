//! Which acknowledgement a refused message may be answered with: MSH-15 and MSH-16.

/// What the sender can take in as an answer on the same connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answering {
    /// An application acknowledgement: AE, AR.
    Application,
    /// An accept acknowledgement, the only thing it will read: CE, CR.
    Accept,
    /// The sender has said that it reads no refusal: alarm instead.
    Silent,
}

/// MSA-1 of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckCode {
    /// `AE`: the content is refused.
    ApplicationError,
    /// `AR`: refused for a reason outside the content; may be sent again.
    ApplicationReject,
    /// `CE`, the same as an accept acknowledgement.
    CommitError,
    /// `CR`, likewise.
    CommitReject,
}

impl AckCode {
    /// As MSA-1 writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApplicationError => "AE",
            Self::ApplicationReject => "AR",
            Self::CommitError => "CE",
            Self::CommitReject => "CR",
        }
    }

    /// Whether it belongs to an accept acknowledgement, which is always a general ACK.
    pub fn is_accept(self) -> bool {
        matches!(self, Self::CommitError | Self::CommitReject)
    }
}

/// The setting `refusal` of a route: what an application acknowledgement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RefusalCode {
    /// AE: most senders do not send again.
    #[default]
    Error,
    /// AR.
    Reject,
}

impl Answering {
    /// MSA-1, `None` when nothing may be sent. `retriable`: refused for a gap, so that sending
    /// again later is right.
    pub fn code(self, refusal: RefusalCode, retriable: bool) -> Option<AckCode> {
        match (self, refusal, retriable) {
            (Self::Silent, _, _) => None,
            (Self::Accept, _, false) => Some(AckCode::CommitError),
            (Self::Accept, _, true) => Some(AckCode::CommitReject),
            (Self::Application, RefusalCode::Error, false) => Some(AckCode::ApplicationError),
            (Self::Application, _, _) => Some(AckCode::ApplicationReject),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Blank,
    Never,
    /// Always, or on error: a refusal is wanted in both cases.
    Refusal,
    SuccessOnly,
    Other,
}

impl Wish {
    fn read(field: &[u8]) -> Self {
        match field.trim_ascii().to_ascii_uppercase().as_slice() {
            b"" | b"\"\"" => Self::Blank,
            b"NE" => Self::Never,
            b"AL" | b"ER" => Self::Refusal,
            b"SU" => Self::SuccessOnly,
            _ => Self::Other,
        }
    }
}

/// The table of contract §5 for `accept` = MSH-15 and `application` = MSH-16 as written.
pub fn answering(accept: &[u8], application: &[u8]) -> Answering {
    match (Wish::read(accept), Wish::read(application)) {
        (Wish::SuccessOnly, _) | (_, Wish::SuccessOnly) | (Wish::Never, Wish::Never) => {
            Answering::Silent
        }
        (Wish::Refusal, Wish::Never | Wish::Blank) => Answering::Accept,
        _ => Answering::Application,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_answered_as_the_table_says() {
        use Answering::{Accept, Application, Silent};
        let values = ["", "NE", "AL", "ER", "SU", "XX"];
        let table = [
            [Application, Application, Application, Application, Silent, Application],
            [Application, Silent, Application, Application, Silent, Application],
            [Accept, Accept, Application, Application, Silent, Application],
            [Accept, Accept, Application, Application, Silent, Application],
            [Silent, Silent, Silent, Silent, Silent, Silent],
            [Application, Application, Application, Application, Silent, Application],
        ];
        for (accept, row) in values.iter().zip(table) {
            for (application, expected) in values.iter().zip(row) {
                let found = answering(accept.as_bytes(), application.as_bytes());
                assert_eq!(found, expected, "{accept}/{application}");
            }
        }
        assert_eq!(answering(b" al ", b"\"\""), Accept);
    }

    #[test]
    fn gaps_ask_to_send_again_and_refusals_do_not() {
        use RefusalCode::{Error, Reject};
        let code = |a: Answering, r, gap| a.code(r, gap).map(AckCode::as_str);
        assert_eq!(code(Answering::Application, Error, false), Some("AE"));
        assert_eq!(code(Answering::Application, Reject, false), Some("AR"));
        assert_eq!(code(Answering::Application, Error, true), Some("AR"));
        assert_eq!(code(Answering::Accept, Error, false), Some("CE"));
        assert_eq!(code(Answering::Accept, Reject, true), Some("CR"));
        assert_eq!(code(Answering::Silent, Error, true), None);
    }
}
