//! Which case reports were sent: marks beside the documents, which no reading of the ledger brings back.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use crate::cases::error::CasesError;
use crate::cases::store::{Store, insert};

impl Store {
    /// Every report that was sent: entry, technique, when.
    pub(in crate::cases) async fn marks(
        &self,
    ) -> Result<Vec<(String, String, Timestamp)>, CasesError> {
        let rows =
            sqlx::query("select entry, subject, at from marks").fetch_all(self.reader()).await?;
        rows.iter()
            .map(|row| {
                let at = Timestamp::from_microsecond(row.try_get(2)?).unwrap_or_default();
                Ok((row.try_get(0)?, row.try_get(1)?, at))
            })
            .collect()
    }

    /// Marks reports as sent; the first mark of a report stays.
    pub(in crate::cases) async fn mark(
        &self,
        reports: &[(&str, &str)],
        at: Timestamp,
        who: &str,
    ) -> Result<(), CasesError> {
        let mut transaction = self.begin().await?;
        for (entry, technique) in reports {
            sqlx::query(AssertSqlSafe(insert("marks", 4, 1)))
                .bind(*entry)
                .bind(*technique)
                .bind(at.as_microsecond())
                .bind(who)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}
