//! Orders that one unit of a protocol writes apart, as the one order they are.
//!
//! HL7 v2 says an operation of two procedures in one message; FHIR says it in two resources of one Bundle. Both must be
//! judged alike: who assists, whether all of it may be overridden, and what the case's story holds.

use crate::domain::order::{Group, Line, Order};

/// Joins what speaks of one patient at one checkpoint into one order, and in it what bears one order number and differs
/// only in its procedures into one group. Everything else stays as it is, in its order.
pub fn gather(orders: Vec<Order>) -> Vec<Order> {
    let mut gathered: Vec<Order> = Vec::with_capacity(orders.len());
    for order in orders {
        match gathered.iter_mut().find(|known| one_order(known, &order)) {
            Some(known) => order.groups.into_iter().for_each(|group| join(known, group)),
            None => gathered.push(order),
        }
    }
    gathered
}

fn one_order(a: &Order, b: &Order) -> bool {
    a.patient.is_some()
        && (a.stage, &a.patient, &a.encounter, &a.diagnoses, a.message_time)
            == (b.stage, &b.patient, &b.encounter, &b.diagnoses, b.message_time)
}

fn join(order: &mut Order, group: Group) {
    let same = order.groups.iter_mut().find(|known| one_group(known, &group));
    match same {
        Some(known) => known.lines.extend(group.lines),
        None => order.groups.push(group),
    }
}

/// Whether two groups differ in nothing but their lines.
fn one_group(a: &Group, b: &Group) -> bool {
    let without_lines = |group: &Group| Group { lines: Vec::<Line>::new(), ..group.clone() };
    a.order_no.is_some() && without_lines(a) == without_lines(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::{Action, Attestation, Primary, Redacted, Stage, Urgency};

    fn order(patient: &str, order_no: &str, name: &str) -> Order {
        let line = Line {
            coded: Vec::new(),
            name: Some(name.to_owned()),
            primary: Primary::Missing,
            team: Vec::new(),
            stated_grade: None,
            times: Vec::new(),
            duration_min: None,
            place: None,
        };
        let group = Group {
            action: Action::New,
            urgency: Some(Urgency::Emergency),
            order_no: Redacted::new(order_no),
            department: None,
            site: None,
            ordering_doctor: None,
            attestation: Attestation::default(),
            discussion: None,
            consent: None,
            lines: vec![line],
            time_unreadable: false,
        };
        Order {
            stage: Stage::Order,
            message_time: None,
            patient: Redacted::new(patient),
            encounter: None,
            diagnoses: Vec::new(),
            groups: vec![group],
        }
    }

    /// The names of the lines: `|` between orders, `/` between groups.
    fn shape(orders: Vec<Order>) -> String {
        let name = |line: &Line| line.name.clone().unwrap_or_default();
        let group = |group: &Group| group.lines.iter().map(name).collect::<Vec<_>>().join(" ");
        let order = |order: Order| order.groups.iter().map(group).collect::<Vec<_>>().join("/");
        gather(orders).into_iter().map(order).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn resources_of_one_order_number_are_the_lines_of_one_group() {
        let orders = vec![order("p", "1", "a"), order("p", "1", "b"), order("p", "2", "c")];
        assert_eq!(shape(orders), "a b/c");
    }

    #[test]
    fn what_another_patient_or_nobody_is_named_in_stays_apart() {
        let orders = vec![order("p", "1", "a"), order("q", "1", "b"), order("p", "1", "c")];
        assert_eq!(shape(orders), "a c|b");
        assert_eq!(shape(vec![order("", "1", "a"), order("", "1", "b")]), "a|b");
    }

    #[test]
    fn groups_without_a_number_or_of_another_action_stay_apart() {
        assert_eq!(shape(vec![order("p", "", "a"), order("p", "", "b")]), "a/b");
        let mut withdrawn = order("p", "1", "b");
        withdrawn.groups[0].action = Action::Withdraw;
        assert_eq!(shape(vec![order("p", "1", "a"), withdrawn]), "a/b");
    }
}
