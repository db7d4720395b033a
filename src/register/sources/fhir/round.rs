//! The two kinds of pull: of what has changed, and of everything.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::clock;
use crate::register::sources::fhir::apply::{self, Pull};
use crate::register::sources::fhir::facts::{Kind, Resource};
use crate::register::sources::fhir::fault::Fault;
use crate::register::sources::fhir::fetch::{Fetch, Listing, Way};
use crate::register::sources::fhir::keep::{self, Known, State};
use crate::register::sources::fhir::loss::{self, Loss};
use crate::register::sources::fhir::pull::{Cursor, Outcome, PullError, Pulled, Puller, Wish};

/// So much before the last pull the next one begins: a resource's time is that of the beginning of the server's
/// transaction, and it is seen at its end.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// Several machines that are one server need not agree more closely; [`OVERLAP`] is longer.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

impl Puller {
    /// What was changed since the last pull.
    pub(super) async fn incremental(
        &mut self,
        way: &Way,
        before: &State,
        cursor: Cursor,
        wish: Wish,
    ) -> Result<Outcome, PullError> {
        let reading = self.settings.reading.clone();
        let mut fetch = Fetch::new(way, &reading);
        let since = cursor.began.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
        let query = [self.page(), ("_lastUpdated", format!("ge{since}"))];
        let (mut changed, mut listed, mut faults) = (Vec::new(), 0, Vec::new());
        let mut began = None;
        for kind in Kind::ALL {
            let listing = fetch.list(kind, &query, &|_| true).await?;
            began = began.or(listing.time);
            listed += listing.listed.len();
            faults.extend(listing.faults);
            changed.extend(listing.resources);
        }
        let Some(began) = began else { return Ok(Outcome::InDoubt("the server tells no time")) };
        if began < cursor.began.saturating_sub(SKEW).unwrap_or(Timestamp::MIN) {
            return Ok(Outcome::InDoubt("the server's time went back"));
        }
        if self.changed_only(&mut changed, &cursor.apart, &mut fetch).await? {
            return Ok(Outcome::InDoubt("the server holds another number of resources"));
        }
        self.add_strangers(&mut changed, &mut faults, &mut fetch).await?;
        if !faults.is_empty() {
            return Err(PullError::Faults(faults));
        }
        let pull = Pull { full: false, changed, gone: Vec::new(), ..self.begun(before) };
        let applied = apply::apply(&self.source, &pull, &self.how(wish)).await?;
        if !wish.dry_run {
            self.cursor = Some(Cursor { began, seq: applied.state.seq, ..cursor });
        }
        Ok(Outcome::Pulled(Box::new(Pulled { full: None, listed, applied })))
    }

    /// Leaves only what says something else than what is kept; whether the server counts resources that it did not
    /// list, or has lost some.
    async fn changed_only(
        &self,
        changed: &mut Vec<Resource>,
        apart: &BTreeMap<Kind, i128>,
        fetch: &mut Fetch<'_>,
    ) -> Result<bool, PullError> {
        let mut new: BTreeMap<Kind, i128> = BTreeMap::new();
        let held = {
            let mut transaction = self.source.read().await?;
            let mut differing = Vec::new();
            for resource in changed.drain(..) {
                let kept = keep::facts(&mut transaction, resource.kind(), &resource.id).await?;
                if kept.is_none() {
                    *new.entry(resource.kind()).or_default() += 1;
                }
                if kept.is_none_or(|kept| kept != resource.written()) {
                    differing.push(resource);
                }
            }
            *changed = differing;
            keep::held(&mut transaction).await?
        };
        for (kind, apart) in apart {
            let own = held.get(kind).copied().unwrap_or_default() + new.get(kind).unwrap_or(&0);
            if fetch.count(*kind).await?.is_some_and(|count| i128::from(count) - own != *apart) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Everything.
    pub(super) async fn full(
        &mut self,
        way: &Way,
        before: &State,
        why: &'static str,
        wish: Wish,
    ) -> Result<Pulled, PullError> {
        let reading = self.settings.reading.clone();
        let mut fetch = Fetch::new(way, &reading);
        let known = {
            let mut transaction = self.source.read().await?;
            keep::known(&mut transaction).await?
        };
        let query = [self.page(), ("_total", "accurate".to_owned())];
        let wanted = |own: &Resource| {
            let kept = known.get(&(own.kind(), own.id.clone()));
            kept.is_none_or(|kept| *kept != keep::digest(own.written()))
        };
        let full_at = clock::monotonic();
        let mut pull = Pull { full: true, ..self.begun(before) };
        let (mut faults, mut began, mut held) = (Vec::new(), None, BTreeMap::new());
        for kind in Kind::ALL {
            let listing = fetch.list(kind, &query, &wanted).await?;
            began = began.or(listing.time);
            let gone = self.gone((kind, &known), &listing, wish, &mut fetch, &mut pull).await?;
            held.insert(kind, listing.listed.len() + gone.found);
            faults.extend(listing.faults);
            faults.extend(gone.faults);
            pull.changed.extend(listing.resources);
            pull.gone.extend(gone.gone);
        }
        self.add_strangers(&mut pull.changed, &mut faults, &mut fetch).await?;
        if !faults.is_empty() {
            return Err(PullError::Faults(faults));
        }
        let mut apart = BTreeMap::new();
        for (kind, held) in &held {
            if let Some(count) = fetch.count(*kind).await? {
                apart.insert(*kind, i128::from(count) - i128::try_from(*held).unwrap_or_default());
            }
        }
        let applied = apply::apply(&self.source, &pull, &self.how(wish)).await?;
        if let Some(began) = began.filter(|_| !wish.dry_run) {
            let seq = applied.state.seq;
            self.cursor = Some(Cursor { began, full_at, seq, apart });
        }
        Ok(Pulled { full: Some(why), listed: held.values().sum(), applied })
    }

    /// Known resources that were not listed. Each is asked for by its id before it counts as gone: a page that was
    /// turned while resources changed may have left one out.
    async fn gone(
        &self,
        (kind, known): (Kind, &Known),
        listing: &Listing,
        wish: Wish,
        fetch: &mut Fetch<'_>,
        pull: &mut Pull,
    ) -> Result<Gone, PullError> {
        let all = known.keys().filter(|(own, _)| *own == kind).count();
        let missing: Vec<&String> = known
            .keys()
            .filter(|(own, id)| *own == kind && !listing.listed.contains(id))
            .map(|(_, id)| id)
            .collect();
        let (kind_name, percent) = (kind.as_str(), self.settings.loss_max_percent);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        if !wish.accept_losses {
            if listing.listed.is_empty() && all > 0 {
                return Err(Loss::Empty { kind: kind_name, known: count(all) }.into());
            }
            if loss::too_many(count(missing.len()), count(all), percent) {
                let (missing, known) = (count(missing.len()), count(all));
                return Err(Loss::Missing { kind: kind_name, missing, known, percent }.into());
            }
        }
        let mut gone = Gone::default();
        for id in missing {
            match fetch.single(kind, id).await? {
                None => gone.gone.push((kind, id.clone())),
                Some(page) => {
                    gone.found += 1;
                    gone.faults.extend(page.faults);
                    pull.changed.extend(page.resources);
                }
            }
        }
        Ok(gone)
    }

    /// Practitioners that changed roles refer to and nobody knows yet: they came after theirs were listed.
    async fn add_strangers(
        &self,
        changed: &mut Vec<Resource>,
        faults: &mut Vec<Fault>,
        fetch: &mut Fetch<'_>,
    ) -> Result<(), PullError> {
        let persons: HashSet<&str> = changed
            .iter()
            .filter(|own| own.kind() == Kind::Practitioner)
            .map(|own| own.id.as_str())
            .collect();
        let granting = changed.iter().filter(|own| own.grants());
        let named: HashSet<String> = granting
            .map(|own| own.practitioner().to_owned())
            .filter(|own| !own.is_empty() && !persons.contains(own.as_str()))
            .collect();
        for id in named {
            let known = {
                let mut transaction = self.source.read().await?;
                keep::facts(&mut transaction, Kind::Practitioner, &id).await?
            };
            if known.is_none()
                && let Some(page) = fetch.single(Kind::Practitioner, &id).await?
            {
                faults.extend(page.faults);
                changed.extend(page.resources);
            }
        }
        Ok(())
    }
}

/// What became of resources that were not listed.
#[derive(Debug, Default)]
struct Gone {
    /// Those that are no longer there.
    gone: Vec<(Kind, String)>,
    /// How many are there all the same.
    found: usize,
    /// What is wrong with those.
    faults: Vec<Fault>,
}
