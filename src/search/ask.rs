//! What is sought, and how it is found: by the rarest term, newest first, the others tested on the way.

use jiff::Timestamp;

use crate::search::Search;
use crate::search::error::SearchError;
use crate::search::row::{Found, Term};
use crate::search::store::Range;

/// Entries that one question looks at; a longer search goes on page by page. 50,000 take some 50 ms.
pub const SCAN_MAX: u32 = 50_000;

/// Entries of one page at most.
pub const PAGE_MAX: u32 = 200;

/// Entries that are counted; a day of a large hospital has fewer.
pub const COUNT_MAX: u32 = 1_000_000;

/// Terms of one question; a form has fewer.
const TERMS_MAX: usize = 12;

/// What is sought: entries that bear every term.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// All of these. Without any: decisions.
    pub terms: Vec<Term>,
    /// One of these departments, where the asker may see no others.
    pub departments: Option<Vec<String>>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// For the next page: what the last one gave as `next`.
    pub before: Option<u64>,
    /// How many, at most [`PAGE_MAX`]; 0 = as many.
    pub limit: u32,
}

/// What was found, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The entries.
    pub found: Vec<Found>,
    /// Where to go on; `None` = that was all.
    pub next: Option<u64>,
}

impl Search {
    /// Finds a page of entries.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn find(&self, query: &Query) -> Result<Page, SearchError> {
        let limit = if query.limit == 0 { PAGE_MAX } else { query.limit.min(PAGE_MAX) };
        let mut terms: Vec<Term> = query.terms.clone();
        if let Some([only]) = query.departments.as_deref() {
            terms.push(Term::Department(only.clone()));
        }
        terms.sort();
        terms.dedup();
        terms.truncate(TERMS_MAX);
        let range = self.store.range(query.since, query.until, query.before).await?;
        let Some(mut range) = range else { return Ok(Page::default()) };
        let terms = self.rarest_first(terms, range).await?;
        let numbers: Vec<i64> = terms.iter().map(Term::number).collect();
        let floor = self.store.floor(numbers.first().copied(), range, SCAN_MAX).await?;
        let cut = floor.filter(|floor| *floor > range.from);
        range.from = cut.unwrap_or(range.from);
        let fits = |found: &Found| {
            terms.iter().all(|term| found.bears(term))
                && query.departments.as_deref().is_none_or(|own| found.of_departments(own))
                && query.since.is_none_or(|since| found.at >= since)
                && query.until.is_none_or(|until| found.at < until)
        };
        let mut page = Page::default();
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        loop {
            let found = self.store.find(&numbers, range, PAGE_MAX).await?;
            let whole = found.len() >= usize::try_from(PAGE_MAX).unwrap_or(usize::MAX);
            for found in found {
                range.below = found.seq;
                if fits(&found) {
                    page.found.push(found);
                    if page.found.len() >= wanted {
                        page.next = Some(range.below);
                        return Ok(page);
                    }
                }
            }
            if !whole {
                page.next = cut;
                return Ok(page);
            }
        }
    }

    /// How many entries bear a term since an instant, counted up to [`COUNT_MAX`].
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn count(&self, term: &Term, since: Timestamp) -> Result<u64, SearchError> {
        let Some(range) = self.store.range(Some(since), None, None).await? else { return Ok(0) };
        let count = self.store.count(term.number(), range, COUNT_MAX).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// An entry by its id.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn entry(&self, id: &str) -> Result<Option<Found>, SearchError> {
        self.store.entry(id).await
    }

    /// Entries that tell of an entry: deliveries, acts, looks; the oldest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of(&self, entry: &str) -> Result<Vec<Found>, SearchError> {
        let terms = vec![Term::Of(entry.to_owned())];
        let mut page = self.find(&Query { terms, ..Query::default() }).await?;
        page.found.reverse();
        Ok(page.found)
    }

    async fn rarest_first(&self, terms: Vec<Term>, range: Range) -> Result<Vec<Term>, SearchError> {
        if terms.len() < 2 {
            return Ok(terms);
        }
        let mut counted = Vec::with_capacity(terms.len());
        for term in terms {
            counted.push((self.store.count(term.number(), range, SCAN_MAX).await?, term));
        }
        counted.sort_by_key(|(count, _)| *count);
        Ok(counted.into_iter().map(|(_, term)| term).collect())
    }
}
