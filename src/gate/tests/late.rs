//! A register that comes back in the middle of a message.

use std::sync::OnceLock;

use crate::domain::discussion::Discussion;
use crate::domain::surgeon::Surgeon;
use crate::gate::tests::*;
use crate::register::error::RegisterError;
use crate::register::source::{About, Bearers, Fetch, Latest, Page, Reading, Sought, Update};

/// A register that is down until somebody is asked for; it has been read whole before that is answered.
struct Late {
    source: SqlSource,
    up: AtomicBool,
    register: Arc<OnceLock<Register>>,
}

impl Late {
    fn if_up<'a, T: Send + 'a>(&'a self, answer: Fetch<'a, T>) -> Fetch<'a, T> {
        if self.up.load(Ordering::SeqCst) {
            return answer;
        }
        Box::pin(async { Err(RegisterError::Slow(Duration::ZERO)) })
    }
}

impl Source for Late {
    fn is_local(&self) -> bool {
        false
    }
    fn version(&self) -> Fetch<'_, i64> {
        self.if_up(self.source.version())
    }
    fn since(&self, known: Option<i64>) -> Fetch<'_, Update> {
        self.if_up(self.source.since(known))
    }
    fn surgeon<'a>(&'a self, id: &'a SurgeonId) -> Fetch<'a, Reading<Option<Surgeon>>> {
        Box::pin(async {
            self.up.store(true, Ordering::SeqCst);
            self.register.get().unwrap().catch_up().await?;
            self.source.surgeon(id).await
        })
    }
    fn page<'a>(&'a self, after: Option<&'a str>, most: u32) -> Fetch<'a, Reading<Page>> {
        self.source.page(after, most)
    }
    fn latest_discussions(&self, most: u32) -> Fetch<'_, Reading<Latest>> {
        self.source.latest_discussions(most)
    }
    fn bearers<'a>(&'a self, folded: &'a str) -> Fetch<'a, Reading<Bearers>> {
        self.source.bearers(folded)
    }
    fn discussions<'a>(&'a self, about: &'a About) -> Fetch<'a, Reading<Vec<Discussion>>> {
        self.source.discussions(about)
    }
    fn colleagues<'a>(
        &'a self,
        sought: &'a Sought,
    ) -> Fetch<'a, Reading<Vec<(SurgeonId, String)>>> {
        self.source.colleagues(sought)
    }
}

/// The surgeon was asked for while the catalogue was still unread; the answer came when it had been read. Judged against
/// the catalogue of before, without a gap, a good order was refused for good: its procedure was in no catalogue.
#[tokio::test]
async fn an_order_during_which_the_register_comes_back_is_refused_only_to_be_sent_again() {
    let register = Arc::new(OnceLock::new());
    let own = Arc::clone(&register);
    let bench = bench_of(Policy::default(), |source| {
        Arc::new(Late { source, up: AtomicBool::new(false), register: own })
    })
    .await;
    assert!(register.set(bench.gate.register().clone()).is_ok());
    let sent = || checked("1", order("D1", None, Action::New));
    assert!(!bench.gate.register().usable());
    let first = bench.gate.pass(sent()).await;
    assert!(bench.gate.register().usable(), "it came back meanwhile");
    assert_eq!(decision(&first), Decision::Unavailable);
    assert_eq!(decision(&bench.gate.pass(sent()).await), Decision::Forward);
}

/// While nobody can tell what is surgical everything is taken to be, and must not be judged as if it were.
#[tokio::test]
async fn what_was_read_without_the_register_is_not_judged_by_it() {
    let bench = bench().await;
    let sent = || checked("1", order("D9", None, Action::New));
    let early = Request { register_usable: false, ..sent() };
    assert_eq!(decision(&bench.gate.pass(early).await), Decision::Unavailable);
    assert_eq!(decision(&bench.gate.pass(sent()).await), Decision::Block);
}
