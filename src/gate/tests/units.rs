//! Several orders in one unit: what the whole of it is.

use super::*;

fn at_stage(stage: Stage, surgeon: &str, department: &str) -> Order {
    let mut order = order(surgeon, None, Action::New);
    order.stage = stage;
    order.groups[0].department = Some(department.to_owned());
    order
}

#[tokio::test]
async fn a_unit_is_a_record_only_if_all_of_it_is() {
    let bench = bench().await;
    bench.broken.store(true, Ordering::SeqCst);
    let (record, elective) =
        (at_stage(Stage::Record, "D1", "普外科"), at_stage(Stage::Order, "D1", "普外科"));
    for (message, unit) in
        [("1", vec![record.clone(), elective.clone()]), ("2", vec![elective, record.clone()])]
    {
        let outcome =
            bench.gate.pass(request(message, Subject::Orders(unit), Stance::Enforce)).await;
        assert_eq!(decision(&outcome), Decision::Unavailable, "an order beside a record");
    }
    let outcome =
        bench.gate.pass(request("3", Subject::Orders(vec![record]), Stance::Enforce)).await;
    assert!(matches!(outcome, Outcome::Forward(passage) if passage.is_unrecorded()));
}

#[tokio::test]
async fn what_a_department_is_only_observed_for_does_not_refuse_the_unit_of_another() {
    let bench = bench().await;
    let unit = |message: &'static str, first: Order, second: Order| {
        let mut request = request(message, Subject::Orders(vec![first, second]), Stance::Enforce);
        request.stance = Arc::new(RouteStance {
            stance: Stance::Enforce,
            departments: vec!["普外科".to_owned()],
        });
        request
    };
    // D9 may not; he belongs to a department that is not enforced yet.
    let (good, observed) =
        (at_stage(Stage::Order, "D1", "普外科"), at_stage(Stage::Order, "D9", "眼科"));
    let refused = at_stage(Stage::Order, "D9", "普外科");
    let mut other = good.clone();
    other.groups[0].department = Some("眼科".to_owned());
    for (message, first, second, expected) in [
        ("1", good.clone(), observed.clone(), Decision::ForwardFlagged),
        ("2", observed.clone(), good, Decision::ForwardFlagged),
        ("3", observed, refused.clone(), Decision::Block),
        ("4", other, refused, Decision::Block),
    ] {
        assert_eq!(decision(&bench.gate.pass(unit(message, first, second)).await), expected);
    }
}
