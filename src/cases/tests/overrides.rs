//! How many operations a surgeon's overrides were for, against a plain reading of rules.md §7: what is one is put together
//! until nothing is left to put together.

use proptest::prelude::*;

use super::*;

/// Whether two documents are of one patient and operation by themselves.
fn one(a: &Document, b: &Document) -> bool {
    let numbered = a.order_no.is_some() && a.order_no == b.order_no;
    let alike = a.patient.is_some() && a.patient == b.patient && a.day == b.day;
    numbered || alike && a.codes.iter().any(|code| b.codes.contains(code))
}

fn expected(list: &[Document], asked: &Document) -> u32 {
    let mut sets: Vec<Vec<&Document>> = list.iter().map(|document| vec![document]).collect();
    sets.push(vec![asked]);
    'again: loop {
        for first in 0..sets.len() {
            for second in first + 1..sets.len() {
                if sets[first].iter().any(|a| sets[second].iter().any(|b| one(a, b))) {
                    let moved = sets.remove(second);
                    sets[first].extend(moved);
                    continue 'again;
                }
            }
        }
        return u32::try_from(sets.len() - 1).unwrap();
    }
}

/// One with an override, or the one that asks.
fn document() -> impl Strategy<Value = Document> {
    (0..9_u8, 0..5_u8, 1..8_u8, 5..7_i8).prop_map(|(number, patient, codes, on)| Document {
        order_no: (number > 0).then(|| Redacted::new(number.to_string()).unwrap()),
        patient: (patient > 0).then(|| Redacted::new(format!("P{patient}")).unwrap()),
        codes: [("A", 1), ("B", 2), ("C", 4)]
            .iter()
            .filter(|(_, bit)| codes & bit > 0)
            .map(|(text, _)| code(text))
            .collect(),
        day: day(on),
        ..overridden(order(""))
    })
}

/// In memory, and when written.
async fn live(list: &[Document], sought: &Document) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let cases = open(folder.path()).await;
    enter_all(&cases, list);
    let asked = Asked {
        order_no: sought.order_no.clone(),
        patient: sought.patient.clone(),
        codes: sought.codes.clone(),
        day: sought.day,
        ..asked(None)
    };
    for _ in 0..2 {
        let count = cases.overrides(&surgeon("D1"), now(), &asked).await;
        prop_assert_eq!(count, expected(list, sought));
        cases.flush(Duration::from_secs(60)).await.unwrap();
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn overrides_are_counted_as_by_a_plain_reading(
        list in prop::collection::vec(document(), 0..16),
        sought in document(),
    ) {
        let list: Vec<Document> = (0..)
            .zip(list)
            .map(|(nth, document)| Document { entry: format!("e{nth:03}"), ..document })
            .collect();
        runtime().block_on(live(&list, &sought))?;
    }
}
