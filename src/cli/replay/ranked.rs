//! Counting by name in bounded memory, whatever a feed writes into its fields.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Different names a table holds. A hospital has some thousand surgeons, and the national list of
/// procedures some ten thousand codes; when a feed writes more, the rarest half is let go.
pub(super) const NAMES_MAX: usize = 20_000;
/// Longer names are cut, in characters.
const NAME_CHARS_MAX: usize = 64;
/// Different spellings kept beside a code or number.
const SPELLINGS_MAX: usize = 5;
/// Things told apart by [`Distinct`].
const DISTINCT_MAX: usize = 10_000;

/// What is counted under a name.
pub(super) trait Count: Default {
    /// By which names are ranked: what costs first, what is much second.
    fn weight(&self) -> (u64, u64);
}

/// A table of names, ranked by weight.
#[derive(Clone, Debug)]
pub(super) struct Ranked<C> {
    names_max: usize,
    rows: HashMap<Box<str>, C>,
    let_go: u64,
}

impl<C: Count> Default for Ranked<C> {
    fn default() -> Self {
        Self::holding(NAMES_MAX)
    }
}

impl<C: Count> Ranked<C> {
    /// A table of at most `names_max` names.
    pub(super) fn holding(names_max: usize) -> Self {
        Self { names_max, rows: HashMap::new(), let_go: 0 }
    }

    /// The count under `name`.
    pub(super) fn under(&mut self, name: &str) -> &mut C {
        let name = cut(name);
        if self.rows.len() >= self.names_max && !self.rows.contains_key(name) {
            self.let_rarest_go();
        }
        self.rows.entry(name.into()).or_default()
    }

    fn let_rarest_go(&mut self) {
        let mut rows: Vec<_> = std::mem::take(&mut self.rows).into_iter().collect();
        rows.sort_unstable_by(|(a, x), (b, y)| by_weight((a, x), (b, y)));
        let kept = rows.len().min(self.names_max / 2);
        self.let_go += (rows.len() - kept) as u64;
        rows.truncate(kept);
        self.rows = rows.into_iter().collect();
    }

    /// Heaviest first, equals by name.
    pub(super) fn sorted(&self) -> Vec<(&str, &C)> {
        let mut rows: Vec<_> = self.rows.iter().map(|(name, count)| (&**name, count)).collect();
        rows.sort_unstable_by(|a, b| by_weight(*a, *b));
        rows
    }

    /// By name.
    pub(super) fn by_name(&self) -> Vec<(&str, &C)> {
        let mut rows: Vec<_> = self.rows.iter().map(|(name, count)| (&**name, count)).collect();
        rows.sort_unstable_by_key(|(name, _)| *name);
        rows
    }

    /// How often a name was let go.
    pub(super) fn let_go(&self) -> u64 {
        self.let_go
    }
}

fn by_weight<C: Count>((a, x): (&str, &C), (b, y): (&str, &C)) -> std::cmp::Ordering {
    y.weight().cmp(&x.weight()).then_with(|| a.cmp(b))
}

fn cut(name: &str) -> &str {
    let name = name.trim();
    let end = name.char_indices().nth(NAME_CHARS_MAX).map_or(name.len(), |(at, _)| at);
    name.get(..end).unwrap_or(name)
}

/// The spellings that messages give beside a code or number, the commonest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spellings(Vec<(Box<str>, u64)>);

impl Spellings {
    /// Counts one; blank ones and those past the limit are left out.
    pub(super) fn add(&mut self, name: &str) {
        let name = cut(name);
        let full = self.0.len() == SPELLINGS_MAX;
        match self.0.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, count)) => *count += 1,
            None if name.is_empty() || full => {}
            None => self.0.push((name.into(), 1)),
        }
    }

    /// Commonest first, equals by name.
    pub(super) fn sorted(&self) -> Vec<String> {
        let mut names = self.0.clone();
        names.sort_unstable_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        names.into_iter().map(|(name, _)| name.into()).collect()
    }
}

/// How many different things there were, up to a limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Distinct(HashSet<u64>);

impl Distinct {
    /// Sees a thing.
    pub(super) fn see(&mut self, thing: &impl Hash) {
        let mut hasher = DefaultHasher::new();
        thing.hash(&mut hasher);
        let hash = hasher.finish();
        if self.0.len() < DISTINCT_MAX {
            self.0.insert(hash);
        }
    }

    /// How many; at the limit, at least so many.
    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether there may be more.
    pub(super) fn at_limit(&self) -> bool {
        self.0.len() == DISTINCT_MAX
    }
}
