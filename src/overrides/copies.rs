//! A message that comes again opens no second file, whichever gate it comes to.

use sqlx::{AnyConnection, Row};

use crate::overrides::error::OverridesError;
use crate::overrides::file::{FileId, Opened, Opening};
use crate::overrides::store::Store;

/// The same bytes count as the same message for a day, as in the memory of a gate.
const COPIES_FOR_US: i64 = 24 * 3600 * 1_000_000;

impl Store {
    /// The entry that a message came with first; copies of copies lead to it. Of a shared index also where it seems to
    /// be the first: the copy that another gate took may have been told of before. `None`: with this one.
    pub(in crate::overrides) async fn original(
        &self,
        connection: &mut AnyConnection,
        opening: &Opening,
    ) -> Result<Option<String>, OverridesError> {
        let Some(own) = opening.files.first() else { return Ok(None) };
        let first = self.first_of(connection, opening, own).await?;
        let Some(before) = opening.copy_of.as_ref().or(first.as_ref()) else {
            return Ok(self.shared.then(|| own.id.entry.clone()));
        };
        let sql = "select original from override_copies where entry = $1";
        let found = sqlx::query(sql).bind(before.as_str()).fetch_optional(&mut *connection).await?;
        let original: Option<String> = found.map(|row| row.try_get(0)).transpose()?;
        let original = original.unwrap_or_else(|| before.clone());
        let sql = "insert into override_copies (entry, original, node) values ($1, $2, $3) \
                   on conflict do nothing";
        let query = sqlx::query(sql).bind(own.id.entry.as_str()).bind(original.as_str());
        query.bind(self.node.as_str()).execute(connection).await?;
        Ok(Some(original))
    }

    /// The entry under which another gate took the same message within [`COPIES_FOR_US`], and told of it first.
    async fn first_of(
        &self,
        connection: &mut AnyConnection,
        opening: &Opening,
        own: &Opened,
    ) -> Result<Option<String>, OverridesError> {
        let Some(message) = opening.message.as_ref().filter(|_| self.shared) else {
            return Ok(None);
        };
        let sql = "insert into override_messages (message, entry, node, at) \
                   values ($1, $2, $3, $4) on conflict (message) do update \
                   set entry = excluded.entry, node = excluded.node, at = excluded.at \
                   where override_messages.at < excluded.at - $5";
        sqlx::query(sql)
            .bind(message.as_str())
            .bind(own.id.entry.as_str())
            .bind(self.node.as_str())
            .bind(own.at.as_microsecond())
            .bind(COPIES_FOR_US)
            .execute(&mut *connection)
            .await?;
        let sql = "select entry from override_messages where message = $1";
        let row = sqlx::query(sql).bind(message.as_str()).fetch_one(connection).await?;
        let first: String = row.try_get(0)?;
        Ok((first != own.id.entry).then_some(first))
    }
}

/// Whether the message has opened this case's file, when it came first or as a copy.
pub(in crate::overrides) async fn is_open(
    connection: &mut AnyConnection,
    original: &str,
    id: &FileId,
) -> Result<bool, OverridesError> {
    let sql = "select count(*) from override_files where nth = $1 and (entry = $2 \
               or entry in (select entry from override_copies where original = $3))";
    let query = sqlx::query(sql).bind(i64::from(id.case)).bind(original).bind(original);
    Ok(query.fetch_one(connection).await?.try_get::<i64, _>(0)? > 0)
}
