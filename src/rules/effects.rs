//! The effects in force: the defaults of the table under the institution's own settings, *never* rules guarded.

use std::collections::BTreeMap;

use crate::domain::order::Stage;
use crate::domain::rule::Rule;
use crate::rules::table::{Lift, Setting, row};

/// What is wrong with an effect as written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EffectError {
    /// No such rule.
    #[error("`{0}` is no rule, write one of the ids in docs/医务科手册.md")]
    UnknownRule(String),
    /// A *never* rule would be weakened.
    #[error(
        "`{0}` is lifted by nothing and cannot be weakened at order or notice, remove the line or write \"block\" there"
    )]
    Guarded(&'static str),
}

/// The effect of every rule at every stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    own: BTreeMap<Rule, [Setting; 3]>,
}

impl Effects {
    /// Sets the effects of the rule with public id `id` at order, notice and record.
    ///
    /// # Errors
    /// When there is no such rule, or when a rule that nothing lifts would be weakened below its
    /// default at order or notice (rules.md §3).
    pub fn set(&mut self, id: &str, settings: [Setting; 3]) -> Result<(), EffectError> {
        let rule = Rule::from_id(id).ok_or_else(|| EffectError::UnknownRule(id.to_owned()))?;
        let row = row(rule);
        let weakened = |(own, default): (&Setting, &Setting)| strength(*own) < strength(*default);
        let guarded = settings.iter().zip(&row.defaults).take(2).any(weakened);
        if row.lift == Lift::Never && guarded {
            return Err(EffectError::Guarded(rule.as_str()));
        }
        self.own.insert(rule, settings);
        Ok(())
    }

    /// What `rule` does at `stage`.
    pub fn of(&self, rule: Rule, stage: Stage) -> Setting {
        let [order, notice, record] =
            self.own.get(&rule).copied().unwrap_or_else(|| row(rule).defaults);
        match stage {
            Stage::Order => order,
            Stage::Notice => notice,
            Stage::Record => record,
        }
    }

    /// The settings that differ from the table, for the ledger.
    pub fn own(&self) -> impl Iterator<Item = (Rule, [Setting; 3])> {
        self.own.iter().map(|(rule, settings)| (*rule, *settings))
    }
}

fn strength(setting: Setting) -> u8 {
    match setting {
        Setting::Off => 0,
        Setting::Flag => 1,
        Setting::Block => 2,
    }
}
