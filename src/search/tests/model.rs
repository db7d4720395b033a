//! The index against a plain list.

use proptest::prelude::*;

use crate::search::ask::Query;
use crate::search::row::Term;
use crate::search::tests::{at, index, patient, row};

fn term() -> impl Strategy<Value = Term> {
    prop_oneof![
        (0_u8..4).prop_map(|n| patient(&format!("P{n}"))),
        (0_u8..3).prop_map(|n| Term::Surgeon(format!("D{n}"))),
        (0_u8..3).prop_map(|n| Term::Department(format!("030{n}"))),
        (0_u8..2).prop_map(|n| Term::Rule(["grant-missing", "filing-due"][usize::from(n)].into())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_asked_the_index_finds_what_a_list_holds(
        entries in proptest::collection::vec(proptest::collection::vec(term(), 0..5), 0..60),
        sought in proptest::collection::vec(term(), 0..3),
        departments in proptest::option::of(proptest::collection::vec(0_u8..4, 0..3)),
        since in proptest::option::of(0_i64..70),
        until in proptest::option::of(0_i64..70),
        limit in 0_u32..9,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let index = index().await;
            let rows: Vec<_> = (1_u64..).zip(entries).map(|(seq, terms)| row(seq, terms)).collect();
            for batch in rows.chunks(7) {
                index.take(batch, batch.last().unwrap().seq).await.unwrap();
            }
            let departments: Option<Vec<String>> = departments
                .map(|some| some.into_iter().map(|n| format!("030{n}")).collect());
            let mut query = Query {
                terms: sought.clone(),
                departments: departments.clone(),
                since: since.map(at),
                until: until.map(at),
                before: None,
                limit,
            };
            let of = |terms: &[Term]| departments.as_ref().is_none_or(|own| own.iter()
                .any(|one| terms.contains(&Term::Department(one.clone()))));
            let expected: Vec<u64> = rows.iter().rev()
                .filter(|row| sought.iter().all(|term| row.terms.contains(term)))
                .filter(|row| of(&row.terms))
                .filter(|row| since.is_none_or(|since| row.at >= at(since)))
                .filter(|row| until.is_none_or(|until| row.at < at(until)))
                .map(|row| row.seq)
                .collect();
            let mut found = Vec::new();
            loop {
                let page = index.find(&query).await.unwrap();
                found.extend(page.found.iter().map(|found| found.seq));
                query.before = page.next;
                if page.next.is_none() {
                    break;
                }
            }
            assert_eq!(found, expected);
        });
    }
}
