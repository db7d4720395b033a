//! Random lives of cases, against a plain reading of rules.md §7: one list, read from the beginning each time.

use proptest::prelude::*;

use super::*;

/// An order or notice as the model follows it.
struct Paper {
    stage: Stage,
    number: Option<Redacted>,
    accepted: Option<Document>,
    attempt: Option<Document>,
    last: Document,
    withdrawn_at: Option<usize>,
    accepted_at: usize,
    touched: usize,
}

impl Paper {
    fn is_of(
        &self,
        number: Option<&Redacted>,
        other: &(Option<Redacted>, Vec<ProcedureCode>, Date),
    ) -> bool {
        match (&self.number, number) {
            (Some(own), Some(number)) => own == number,
            _ => {
                let (patient, codes, day) = other;
                patient.is_some()
                    && *patient == self.last.patient
                    && *day == self.last.day
                    && codes.iter().any(|code| self.last.codes.contains(code))
            }
        }
    }

    fn stands(&self) -> Option<&Document> {
        self.accepted.as_ref().or(self.attempt.as_ref())
    }
}

fn likeness(document: &Document) -> (Option<Redacted>, Vec<ProcedureCode>, Date) {
    (document.patient.clone(), document.codes.clone(), document.day)
}

/// What the whole list amounts to.
fn papers(list: &[Document]) -> Vec<Paper> {
    let mut papers: Vec<Paper> = Vec::new();
    for (now, document) in list.iter().enumerate() {
        let corrected = list.iter().any(|o| o.supersedes.as_ref() == Some(&document.entry));
        let before = &list[..now];
        let copy = before.iter().any(|old| {
            let corrected = list.iter().any(|o| o.supersedes.as_ref() == Some(&old.entry));
            old.message == document.message && !old.refused && !corrected
        });
        let mute = document.refused
            && (document.action == Action::Withdraw || document.stage != Stage::Order);
        if corrected || copy || mute || document.action == Action::Other {
            continue;
        }
        let number = document.order_no.as_ref();
        let of_stage = |paper: &&mut Paper| paper.stage == document.stage;
        let exact = papers
            .iter_mut()
            .filter(of_stage)
            .find(|p| number.is_some() && p.number.as_ref() == number);
        let mine = match exact {
            Some(paper) => Some(paper),
            None => papers
                .iter_mut()
                .filter(of_stage)
                .filter(|p| p.stands().is_some() && p.is_of(number, &likeness(document)))
                .max_by_key(|p| p.touched),
        };
        if mine.is_none() && document.action == Action::Withdraw {
            continue;
        }
        let mine = match mine {
            Some(paper) => paper,
            None => {
                papers.push(Paper {
                    stage: document.stage,
                    number: None,
                    accepted: None,
                    attempt: None,
                    last: document.clone(),
                    withdrawn_at: None,
                    accepted_at: now,
                    touched: now,
                });
                papers.last_mut().unwrap()
            }
        };
        mine.touched = now;
        mine.number = mine.number.clone().or_else(|| number.cloned());
        if document.action == Action::Withdraw {
            (mine.accepted, mine.attempt, mine.withdrawn_at) = (None, None, Some(now));
        } else if document.refused {
            mine.attempt = Some(document.clone());
        } else {
            (mine.accepted, mine.attempt) = (Some(document.clone()), None);
            (mine.withdrawn_at, mine.accepted_at) = (None, now);
        }
        mine.last = mine.stands().cloned().unwrap_or_else(|| mine.last.clone());
    }
    papers
}

fn in_force(paper: &Paper, papers: &[Paper]) -> bool {
    if paper.stage != Stage::Notice {
        return paper.stands().is_some();
    }
    let likeness = likeness(&paper.last);
    let mut orders = papers
        .iter()
        .filter(|o| o.stage == Stage::Order && o.is_of(paper.number.as_ref(), &likeness))
        .peekable();
    let any = orders.peek().is_some();
    let good = orders.any(|o| o.withdrawn_at.is_none_or(|at| at < paper.accepted_at));
    paper.accepted.is_some() && (!any || good)
}

type Sought = (Option<Redacted>, (Option<Redacted>, Vec<ProcedureCode>, Date));

fn pick<'p>(papers: &'p [Paper], stage: Stage, (number, like): &Sought) -> Option<&'p Paper> {
    let mut standing: Vec<&Paper> = papers
        .iter()
        .filter(|p| p.stage == stage && p.is_of(number.as_ref(), like) && in_force(p, papers))
        .collect();
    standing.sort_by_key(|p| {
        let exact = number.is_some() && p.number == *number;
        (exact, p.accepted.is_some(), p.touched)
    });
    standing.pop()
}

fn expected(list: &[Document], asked: &Asked) -> (Option<Document>, Option<Document>) {
    let papers = papers(list);
    let like = (asked.patient.clone(), asked.codes.clone(), asked.day);
    let sought = (asked.order_no.clone(), like);
    let (order, notice) =
        (pick(&papers, Stage::Order, &sought), pick(&papers, Stage::Notice, &sought));
    let as_other = |paper: &Paper| (paper.number.clone(), likeness(&paper.last));
    let order_too = order.or_else(|| pick(&papers, Stage::Order, &as_other(notice?)));
    let notice_too = notice.or_else(|| pick(&papers, Stage::Notice, &as_other(order?)));
    let document = |paper: Option<&Paper>| paper.and_then(|p| p.stands().cloned());
    (document(order_too), document(notice_too))
}

fn expected_bookings(list: &[Document], asked: &Asked) -> Vec<String> {
    let papers = papers(list);
    let like = (asked.patient.clone(), asked.codes.clone(), asked.day);
    let others = papers.iter().filter(|p| {
        p.stage == Stage::Notice && in_force(p, &papers) && !p.is_of(asked.order_no.as_ref(), &like)
    });
    let booked = others.filter_map(|p| p.accepted.as_ref()).filter(|d| !d.bookings.is_empty());
    let mut entries: Vec<String> = booked.map(|d| d.entry.clone()).collect();
    entries.sort();
    entries
}

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Say {
        stage: u8,
        action: u8,
        number: u8,
        patient: u8,
        codes: u8,
        day: i8,
        refused: bool,
    },
    /// A copy of an earlier message, perhaps decided otherwise.
    Repeat(usize, bool),
    /// A correction of an earlier entry.
    Correct(usize, bool),
    Stop,
    Crash,
    Rebuild,
}

fn step() -> impl Strategy<Value = Step> {
    let say = (0..3_u8, 0..6_u8, 0..4_u8, 0..3_u8, 1..4_u8, 5..7_i8, prop::bool::weighted(0.25));
    prop_oneof![
        12 => say.prop_map(|(stage, action, number, patient, codes, day, refused)| {
            Step::Say { stage, action, number, patient, codes, day, refused }
        }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(of, refused)| Step::Repeat(of, refused)),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(of, refused)| Step::Correct(of, refused)),
        1 => Just(Step::Stop),
        1 => Just(Step::Crash),
        1 => Just(Step::Rebuild),
    ]
}

fn say(step: &Step, nth: usize, list: &[Document]) -> Option<Document> {
    // Two entries share an instant: then the order of the ledger decides.
    let at = later(i64::try_from(nth / 2).unwrap());
    let entry = format!("e{nth:03}");
    let earlier = |of: &usize| list.get(of % list.len().max(1)).cloned();
    match step {
        Step::Say { stage, action, number, patient, codes, day: on, refused } => {
            let stage = [Stage::Order, Stage::Notice, Stage::Record][usize::from(*stage)];
            let action = match action {
                0 => Action::Withdraw,
                1 => Action::Other,
                2 => Action::Change,
                _ => Action::New,
            };
            let made = if stage == Stage::Notice { notice(&entry) } else { order(&entry) };
            let bookings = if action.checked() { made.bookings.clone() } else { Vec::new() };
            Some(Document {
                stage,
                action,
                bookings,
                refused: *refused && stage != Stage::Record,
                order_no: (*number > 0).then(|| Redacted::new(number.to_string()).unwrap()),
                patient: (*patient > 0).then(|| Redacted::new(format!("P{patient}")).unwrap()),
                codes: ["A", "B"]
                    .iter()
                    .zip([1, 2])
                    .filter(|(_, bit)| codes & bit > 0)
                    .map(|(c, _)| code(c))
                    .collect(),
                day: day(*on),
                at,
                ..made
            })
        }
        Step::Repeat(of, refused) => {
            let old = earlier(of)?;
            let refused = *refused && old.stage != Stage::Record;
            Some(Document { entry, at, refused, supersedes: None, ..old })
        }
        Step::Correct(of, refused) => {
            let old = earlier(of)?;
            Some(Document {
                supersedes: Some(old.entry.clone()),
                entry,
                at,
                refused: *refused,
                ..old
            })
        }
        Step::Stop | Step::Crash | Step::Rebuild => None,
    }
}

async fn reopen(folder: &Path, list: &[Document]) -> Cases {
    let cases = open(folder).await;
    let begun = cases.begin_catch_up().await.unwrap();
    for (seq, document) in (1_u64..).zip(list) {
        cases.catch_up(vec![document.clone()], seq).await;
    }
    cases.caught_up(begun, list.len() as u64).await.unwrap();
    cases
}

async fn live(steps: &[Step]) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let mut cases = reopen(folder.path(), &[]).await;
    let mut list: Vec<Document> = Vec::new();
    for step in steps {
        match step {
            Step::Stop => {
                cases.close(Duration::from_secs(60)).await;
                cases = reopen(folder.path(), &list).await;
            }
            Step::Crash => {
                drop(cases);
                cases = reopen(folder.path(), &list).await;
            }
            Step::Rebuild => {
                let mut rebuild = cases.rebuild().await.unwrap();
                for document in &list {
                    rebuild.take(vec![document.clone()]).await.unwrap();
                }
                rebuild.finish(list.len() as u64).await.unwrap();
            }
            spoken => {
                if let Some(document) = say(spoken, list.len(), &list) {
                    list.push(document.clone());
                    cases.enter(vec![document], Some(list.len() as u64));
                }
            }
        }
    }
    for number in [None, Some("1"), Some("2"), Some("3")] {
        for patient in ["", "P1", "P2"] {
            for codes in [vec![code("A")], vec![code("B")]] {
                let patient = Redacted::new(patient);
                let asked = Asked { patient, codes, ..asked(number) };
                compare(&cases, &list, &asked).await?;
            }
        }
    }
    Ok(())
}

async fn compare(cases: &Cases, list: &[Document], asked: &Asked) -> Result<(), TestCaseError> {
    let story = cases.story(asked).await;
    let found = (story.order, story.notice);
    let (order, notice) = expected(list, asked);
    prop_assert_eq!(
        found,
        (order.map(|d| d.chapter()), notice.map(|d| d.chapter())),
        "{:?}",
        asked
    );
    let span = notice_span();
    let bookings = cases.bookings(&[surgeon("D1")], span.0, span.1, asked).await;
    let mut bookings: Vec<String> = bookings.into_iter().map(|b| b.entry).collect();
    bookings.sort();
    prop_assert_eq!(bookings, expected_bookings(list, asked), "{:?}", asked);
    Ok(())
}

fn notice_span() -> (Timestamp, Timestamp) {
    let booked = notice("n").bookings.remove(0);
    (booked.from, booked.to)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn stories_and_bookings_are_those_of_a_plain_reading(steps in prop::collection::vec(step(), 1..24)) {
        runtime().block_on(live(&steps))?;
    }
}
