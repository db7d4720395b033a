//! Pages and single resources from the server: within limits of time, bytes and pages, tried again where that may help.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Uri;
use jiff::Timestamp;
use orgate_fhir_sdk::server::{Answer, Server, ServerError};
use rustls::ClientConfig;

use crate::clock;
use crate::net::tls::client::complaint;
use crate::net::tls::why::blamed;
use crate::register::sources::fhir::facts::{Kind, Resource};
use crate::register::sources::fhir::fault::Fault;
use crate::register::sources::fhir::page::{PAGE_BYTES_MAX, Page, PageError, page, single};
use crate::register::sources::fhir::reading::Reading;

/// Longest time for a pull: a server that is slower than this is not the source of anything current.
const PULL_WITHIN: Duration = Duration::from_secs(600);
/// Most bytes of a pull: some 20 times a register of a million grants.
const PULL_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// Most pages of a search. The largest hospitals have some ten thousand staff, a page some hundred.
const PAGES_MAX: usize = 10_000;
/// A request is tried so often,
const TRIES: u32 = 3;
/// first again after this, then after twice as long.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// The longest that a server may ask to be left alone within a pull.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// The port of https.
const HTTPS: u16 = 443;

/// Why a pull broke off.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The way there, or the server.
    #[error("{0}")]
    Server(#[source] ServerError),
    /// TLS.
    #[error("the FHIR server and the gate do not trust each other: {0}")]
    Untrusted(&'static str),
    /// Another status than was hoped for.
    #[error("the FHIR server answered with status {status}{}", hint(*status))]
    Status {
        /// Which.
        status: u16,
    },
    /// A page that cannot be used.
    #[error("page {page} of {kind} cannot be used: {error}")]
    Page {
        /// Of which search.
        kind: &'static str,
        /// Which, from 1.
        page: usize,
        /// Why.
        error: PageError,
    },
    /// A single resource that cannot be used.
    #[error("{0}/{1} cannot be used: {2}")]
    Single(&'static str, String, PageError),
    /// The chain of pages has no end.
    #[error("the pages of {0} lead in a circle, or are more than {PAGES_MAX}")]
    Endless(&'static str),
    /// The chain of pages ended too soon.
    #[error("the pages of {kind} ended after {listed} of {total} resources")]
    Incomplete {
        /// Which resources.
        kind: &'static str,
        /// How many came.
        listed: u64,
        /// How many match, says the server.
        total: u64,
    },
    /// More than a pull may take.
    #[error("the pull was given up after {} s or {PULL_BYTES_MAX} bytes", PULL_WITHIN.as_secs())]
    TooMuch,
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => ", look at token_file and at what the gate may read there",
        404 | 410 => ", look at url: it must be the FHIR base",
        300..=399 => ", look at url: redirects are not followed",
        _ => "",
    }
}

/// Everything of one search.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// When the server searched, by its own clock.
    pub(super) time: Option<Timestamp>,
    /// The logical ids of all.
    pub(super) listed: HashSet<String>,
    /// Those that were wanted.
    pub(super) resources: Vec<Resource>,
    /// What is wrong with any of them.
    pub(super) faults: Vec<Fault>,
}

/// What is asked of the server.
#[derive(Clone, Copy)]
enum Asked<'q> {
    Search(Kind, &'q [(&'q str, String)]),
    Link(&'q str),
    Single(Kind, &'q str),
}

impl Asked<'_> {
    async fn once(self, server: &Server) -> Result<Answer, ServerError> {
        match self {
            Self::Search(kind, query) => server.search(kind.as_str(), query).await,
            Self::Link(link) => server.follow(link).await,
            Self::Single(kind, id) => server.read(kind.as_str(), id).await,
        }
    }
}

/// The server, and how it is reached.
pub(super) struct Way {
    server: Server,
    base: String,
    tls: Arc<ClientConfig>,
}

impl Way {
    /// To the server whose FHIR base is `base`.
    pub(super) fn new(
        base: &str,
        token: Option<&str>,
        tls: ClientConfig,
    ) -> Result<Self, FetchError> {
        let server = Server::new(base, token, tls.clone(), REACH).map_err(FetchError::Server)?;
        Ok(Self { server, base: base.to_owned(), tls: Arc::new(tls) })
    }

    /// What TLS has against it, where requests that failed do not tell.
    async fn complaint(&self) -> Option<&'static str> {
        let base: Uri = self.base.parse().ok()?;
        if base.scheme_str() != Some("https") {
            return None;
        }
        complaint(Arc::clone(&self.tls), base.host()?, base.port_u16().unwrap_or(HTTPS)).await
    }
}

/// One pull's requests to the server.
pub(super) struct Fetch<'p> {
    way: &'p Way,
    reading: &'p Reading,
    until: Instant,
    bytes: u64,
}

impl<'p> Fetch<'p> {
    pub(super) fn new(way: &'p Way, reading: &'p Reading) -> Self {
        Self { way, reading, until: clock::monotonic() + PULL_WITHIN, bytes: 0 }
    }

    /// Searches for `kind`, page by page; keeps what is `wanted`.
    pub(super) async fn list(
        &mut self,
        kind: Kind,
        query: &[(&str, String)],
        wanted: &(dyn Fn(&Resource) -> bool + Sync),
    ) -> Result<Listing, FetchError> {
        let name = kind.as_str();
        let (mut listing, mut total, mut next) = (Listing::default(), None, None::<String>);
        let mut kept = BTreeMap::new();
        let mut seen = HashSet::new();
        for nth in 1..=PAGES_MAX {
            let answer = match &next {
                None => self.ask(Asked::Search(kind, query)).await?,
                Some(link) => self.ask(Asked::Link(link)).await?,
            };
            if answer.status != 200 {
                return Err(FetchError::Status { status: answer.status });
            }
            let unusable = |error| FetchError::Page { kind: name, page: nth, error };
            let read = page(&answer.body, kind, self.reading).map_err(unusable)?;
            if nth == 1 {
                listing.time = earlier(read.time, date(answer.date.as_deref()));
                total = read.total;
            }
            listing.faults.extend(read.faults);
            for resource in read.resources {
                listing.listed.insert(resource.id.clone());
                // What moved to another page while we turned them: the later reading counts.
                kept.insert(resource.id.clone(), resource);
            }
            kept.retain(|_, resource| wanted(resource));
            match read.next {
                None => {
                    let listed = u64::try_from(listing.listed.len()).unwrap_or(u64::MAX);
                    if let Some(total) = total.filter(|total| listed < *total) {
                        return Err(FetchError::Incomplete { kind: name, listed, total });
                    }
                    listing.resources = kept.into_values().collect();
                    return Ok(listing);
                }
                Some(link) => {
                    if !seen.insert(link.clone()) {
                        break;
                    }
                    next = Some(link);
                }
            }
        }
        Err(FetchError::Endless(name))
    }

    /// How many of `kind` there are, as the server says without listing them; `None` where it does not.
    pub(super) async fn count(&mut self, kind: Kind) -> Result<Option<u64>, FetchError> {
        let query = [("_summary", "count".to_owned())];
        let answer = self.ask(Asked::Search(kind, &query)).await?;
        if answer.status != 200 {
            return Ok(None);
        }
        Ok(page(&answer.body, kind, self.reading).ok().and_then(|page| page.total))
    }

    /// One resource; `None` when it is not there.
    pub(super) async fn single(
        &mut self,
        kind: Kind,
        id: &str,
    ) -> Result<Option<Page>, FetchError> {
        let answer = self.ask(Asked::Single(kind, id)).await?;
        match answer.status {
            200 => {
                let unusable = |error| FetchError::Single(kind.as_str(), id.to_owned(), error);
                single(&answer.body, (kind, id), self.reading).map(Some).map_err(unusable)
            }
            404 | 410 => Ok(None),
            status => Err(FetchError::Status { status }),
        }
    }

    /// Asks once, and again where that may help.
    async fn ask(&mut self, asked: Asked<'_>) -> Result<Answer, FetchError> {
        let mut pause = AGAIN_AFTER;
        for attempt in 1..=TRIES {
            let left = self.until.saturating_duration_since(clock::monotonic());
            let answer = tokio::time::timeout(left, asked.once(&self.way.server)).await;
            let answer = answer.map_err(|_| FetchError::TooMuch)?;
            let wait = match &answer {
                Ok(own) if again(own.status) => own.retry_after_s.map(Duration::from_secs),
                Ok(own) => {
                    self.bytes += u64::try_from(own.body.len()).unwrap_or(u64::MAX);
                    if self.bytes > PULL_BYTES_MAX {
                        return Err(FetchError::TooMuch);
                    }
                    return answer.map_err(FetchError::Server);
                }
                Err(ServerError::Unreached(_) | ServerError::Slow | ServerError::Broken) => None,
                Err(_) => return Err(self.failed(answer).await),
            };
            if attempt == TRIES {
                return Err(self.failed(answer).await);
            }
            tokio::time::sleep(wait.unwrap_or(pause).min(PAUSE_MAX)).await;
            pause *= 2;
        }
        Err(FetchError::TooMuch)
    }

    async fn failed(&self, asked: Result<Answer, ServerError>) -> FetchError {
        match asked {
            Ok(answer) => FetchError::Status { status: answer.status },
            Err(ServerError::Unreached(cause)) => {
                let told = blamed(&*cause);
                let why = if told.is_some() { told } else { self.way.complaint().await };
                why.map_or(FetchError::Server(ServerError::Unreached(cause)), FetchError::Untrusted)
            }
            Err(error) => FetchError::Server(error),
        }
    }
}

/// Statuses after which asking again may help.
fn again(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

/// The time of a `Date` header.
fn date(text: Option<&str>) -> Option<Timestamp> {
    static PARSER: jiff::fmt::rfc2822::DateTimeParser = jiff::fmt::rfc2822::DateTimeParser::new();
    PARSER.parse_timestamp(text?).ok()
}

/// How the server is reached.
const REACH: orgate_fhir_sdk::server::Reach = orgate_fhir_sdk::server::Reach {
    connect_timeout: Duration::from_secs(5),
    timeout: Duration::from_secs(60),
    // Tried again by `Fetch::ask`.
    retries: 0,
    retry_after: AGAIN_AFTER,
    bytes_max: PAGE_BYTES_MAX,
};
