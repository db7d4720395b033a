//! Pieces → orders, by the route's mapping; deletions → withdrawals. Pure, apart from what it is told of references.

use jiff::tz::TimeZone;

use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Action, Attestation, Group, Order, Redacted, Stage};
use crate::domain::technique::Lists;
use crate::fhir::JUDGED_TYPES;
use crate::fhir::interaction::Target;
use crate::inbound::fhir::Config;
use crate::inbound::fhir::doubt::Doubt;
use crate::inbound::fhir::named::Name;
use crate::inbound::fhir::pieces::{Piece, What};
use crate::mapping::fhir::{FhirContext, References, Subject};
use crate::mapping::{Reading, Unreadable};

/// What reading depends on besides the pieces.
#[derive(Clone, Copy)]
pub struct Reader<'r> {
    /// The route.
    pub config: &'r Config,
    /// The catalogue, for the surgical test.
    pub catalogue: &'r Catalogue,
    /// The technique lists, likewise.
    pub lists: &'r Lists,
    /// Whether every message that the mapping knows counts as surgical: as the route says, and while the register,
    /// which tells them apart, is not usable.
    pub all_surgical: bool,
    /// The hospital's time zone.
    pub zone: &'r TimeZone,
    /// Whether an order of this number was checked.
    pub checked_order: &'r (dyn Fn(&str) -> bool + Sync),
    /// The number of the order at an address of the server.
    pub order_at: &'r (dyn Fn(&str) -> Option<String> + Sync),
}

/// A piece, read.
pub(super) struct ReadPiece {
    pub(super) entry: Option<usize>,
    pub(super) came: Came,
    /// What the server will know it by.
    pub(super) name: Option<Name>,
}

/// What came of a piece.
pub(super) enum Came {
    /// None of the gate's business.
    Nothing {
        /// Scheduling that met no surgical test.
        scheduling: bool,
    },
    /// To be judged.
    Order(Box<Order>),
    /// Cannot be read with certainty.
    Doubt(Doubt),
}

impl Reader<'_> {
    /// Reads one piece; the references that would have to be looked up to read it in full.
    pub(super) fn read(
        &self,
        piece: &Piece<'_>,
        references: &dyn References,
    ) -> (ReadPiece, Vec<String>) {
        let entry = piece.entry;
        let of = |came, name| ReadPiece { entry, came, name };
        let resource = match &piece.what {
            What::Doubt(doubt) => return (of(Came::Doubt(doubt.clone()), None), Vec::new()),
            // A patch that nobody has applied.
            What::Patch(..) => {
                return (of(Came::Doubt(Doubt::current_unreadable()), None), Vec::new());
            }
            What::Deletion(target) => {
                let order = Came::Order(Box::new(self.withdrawal(target)));
                return (of(order, None), Vec::new());
            }
            What::Resource(resource) => resource,
        };
        let known = |order_no: &str| self.knows(order_no);
        let context = FhirContext {
            catalogue: self.catalogue,
            listed: &|code| self.lists.mention(code),
            checked_order: &known,
            all_surgical: self.all_surgical,
            zone: self.zone,
            references,
        };
        let subject = Subject {
            resource: &resource.resource,
            path: &resource.path,
            action: resource.action,
            identity: resource.identity.as_deref(),
        };
        let read = self.config.mapping.read(subject, &context);
        let came = match read.reading {
            Reading::NotSurgical { scheduling, .. } => Came::Nothing { scheduling },
            Reading::Unreadable(unreadable) => Came::Doubt(placed(unreadable, &resource.path)),
            Reading::Surgical(order) if order.action() == Action::Other => {
                Came::Nothing { scheduling: false }
            }
            Reading::Surgical(order) => Came::Order(Box::new(self.numbered(order))),
        };
        let name = match &came {
            Came::Order(order) if resource.whole => Name::new(entry, resource, order),
            _ => None,
        };
        (of(came, name), read.unresolved)
    }

    /// Orders that are named by their address get their own number, so that all of a case has one.
    fn numbered(&self, mut order: Order) -> Order {
        for group in &mut order.groups {
            let address = group.order_no.as_ref().map(Redacted::reveal).unwrap_or_default();
            if let Some(number) = self.number_of(address) {
                group.order_no = Redacted::new(number);
            }
        }
        order
    }

    /// The number of the order that is written as `Type/id`.
    fn number_of(&self, relative: &str) -> Option<String> {
        let (resource_type, _) = relative.split_once('/')?;
        let judged = JUDGED_TYPES.contains(&resource_type);
        let address = judged.then(|| format!("{}/{relative}", self.config.upstream.url()))?;
        (self.order_at)(&address)
    }

    fn knows(&self, order_no: &str) -> bool {
        (self.checked_order)(order_no)
            || self.number_of(order_no).is_some_and(|number| (self.checked_order)(&number))
    }

    /// DELETE: nobody may be kept from calling an operation off, and the case's story holds it.
    fn withdrawal(&self, target: &Target) -> Order {
        let relative = target.id.as_ref().map(|id| format!("{}/{id}", target.resource_type));
        let order_no = relative.map(|relative| self.number_of(&relative).unwrap_or(relative));
        Order {
            stage: stage_of(&target.resource_type).unwrap_or(Stage::Order),
            message_time: None,
            patient: None,
            encounter: None,
            diagnoses: Vec::new(),
            groups: vec![Group {
                action: Action::Withdraw,
                urgency: None,
                order_no: order_no.and_then(Redacted::new),
                department: None,
                site: None,
                ordering_doctor: None,
                attestation: Attestation::default(),
                discussion: None,
                consent: None,
                lines: Vec::new(),
                time_unreadable: false,
            }],
        }
    }
}

/// The checkpoint of a resource type.
pub(super) fn stage_of(resource_type: &str) -> Option<Stage> {
    match resource_type {
        "ServiceRequest" => Some(Stage::Order),
        "Appointment" => Some(Stage::Notice),
        "Procedure" => Some(Stage::Record),
        _ => None,
    }
}

fn placed(unreadable: Unreadable, path: &str) -> Doubt {
    let doubt = Doubt::from(unreadable);
    if doubt.place.is_some() { doubt } else { doubt.at(path) }
}
