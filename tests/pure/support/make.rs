//! Short ways to write down the nouns, each good unless the test says otherwise.

use jiff::civil::Date;
use orgate::domain::grant::{Grant, GrantStatus, Right, Scope, Supervision};
use orgate::domain::order::{
    Action, Attestation, CodedPlace, Coding, Group, Line, Order, Person, Primary, Stage,
};
use orgate::domain::procedure::{
    Admission, Ethics, Grade, Procedure, ProcedureCode, ProcedureStatus,
};
use orgate::domain::surgeon::{Base, Surgeon, SurgeonId, SurgeonStatus};

/// A code.
pub(crate) fn code(text: &str) -> ProcedureCode {
    ProcedureCode::new(text).expect("a code that is not blank")
}

/// A staff number.
pub(crate) fn staff(text: &str) -> SurgeonId {
    SurgeonId::new(text).expect("a staff number that is not blank")
}

/// A grade.
pub(crate) fn grade(number: u8) -> Grade {
    Grade::from_number(number).expect("a grade from 1 to 4")
}

/// An established catalogue item that may be performed.
pub(crate) fn item(text: &str, number: u8) -> Procedure {
    Procedure {
        code: code(text),
        name: format!("术式{text}"),
        grade: grade(number),
        code_system: None,
        aliases: Vec::new(),
        reference_grade: None,
        grade_document: None,
        specialty: None,
        status: ProcedureStatus::Active,
        status_reason: None,
        admission: Admission::Established,
        ethics: Ethics::NotRequired,
        valid_from: None,
        valid_to: None,
    }
}

/// A grant without a defect, evaluated on `evaluated_on`.
pub(crate) fn grant(scope: Scope, evaluated_on: Option<Date>) -> Grant {
    Grant {
        scope,
        right: Right::Perform,
        sites: Vec::new(),
        valid_from: None,
        valid_to: None,
        status: GrantStatus::Active,
        document_no: Some("院医发〔2025〕1号".to_owned()),
        document_on: None,
        evaluated_on,
        trained_on: None,
        supervision: Supervision::None,
    }
}

/// A licensed surgeon without grants.
pub(crate) fn surgeon(id: &str, name: &str) -> Surgeon {
    Surgeon {
        id: staff(id),
        name: name.to_owned(),
        department: None,
        status: SurgeonStatus::Active,
        licence_to: None,
        base: Base::Primary,
        grants: Vec::new(),
    }
}

/// A person as a message names them.
pub(crate) fn person(id: Option<&str>, name: &[&str]) -> Person {
    Person {
        id: id.map(staff),
        name: name.iter().map(|part| (*part).to_owned()).collect(),
        place: None,
    }
}

/// The codings of one place.
pub(crate) fn coded(codes: &[&str]) -> CodedPlace {
    let coding = |text: &&str| Coding { code: code(text), system: None, display: None };
    CodedPlace { codings: codes.iter().map(coding).collect(), place: None }
}

/// A line of one place of codes.
pub(crate) fn line(codes: &[&str], primary: Primary) -> Line {
    Line {
        coded: if codes.is_empty() { Vec::new() } else { vec![coded(codes)] },
        name: None,
        primary,
        team: Vec::new(),
        stated_grade: None,
        times: Vec::new(),
        duration_min: None,
        place: None,
    }
}

/// A new elective group.
pub(crate) fn group(lines: Vec<Line>) -> Group {
    Group {
        action: Action::New,
        urgency: None,
        order_no: None,
        department: None,
        site: None,
        ordering_doctor: None,
        attestation: Attestation::default(),
        discussion: None,
        consent: None,
        lines,
        time_unreadable: false,
    }
}

/// A message of these groups.
pub(crate) fn order(stage: Stage, groups: Vec<Group>) -> Order {
    Order {
        stage,
        message_time: None,
        patient: None,
        encounter: None,
        diagnoses: Vec::new(),
        groups,
    }
}
