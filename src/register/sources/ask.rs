//! The look-ups beside surgeons: discussions, and who else holds a grant.

use std::collections::HashMap;

use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::domain::discussion::Discussion;
use crate::domain::grant::Grant;
use crate::domain::indexed::storable;
use crate::domain::surgeon::SurgeonId;
use crate::register::error::RegisterError;
use crate::register::import::discussions::DISCUSSIONS;
use crate::register::import::grants::GRANTS;
use crate::register::import::surgeons::SURGEONS;
use crate::register::record::Fields;
use crate::register::rows;
use crate::register::source::{
    About, Bearers, Latest, MAX_COLLEAGUES, MAX_DISCUSSIONS, Page, Reading, Sought,
};
use crate::register::sources::sql::{SqlSource, joined, newest_version, separator};

/// Grants that are looked at to find colleagues. What SQL lets through fails only by its site.
const MAX_CANDIDATES: usize = 60;

/// Codes of one item that are looked at: a code, and as many aliases as a cell holds in practice.
const MAX_CODES: usize = 50;

impl SqlSource {
    pub(super) async fn read_bearers(
        &self,
        folded: &str,
    ) -> Result<Reading<Bearers>, RegisterError> {
        let mut transaction = self.read().await?;
        let version = newest_version(&mut transaction).await?;
        let found = sqlx::query(
            "select \"surgeon_id\" from surgeons \
             where \"name_folded\" = $1 and to_version is null limit 2",
        )
        .bind(storable(folded).into_owned())
        .fetch_all(&mut *transaction)
        .await?;
        transaction.rollback().await?;
        let value = match found.as_slice() {
            [] => Bearers::Nobody,
            [one] => {
                let id = SurgeonId::new(one.try_get(0)?);
                Bearers::One(
                    id.ok_or(RegisterError::Row { table: "surgeons", column: "surgeon_id" })?,
                )
            }
            _ => Bearers::Several,
        };
        Ok(Reading { version, value })
    }

    pub(super) async fn read_page(
        &self,
        after: Option<&str>,
        most: u32,
    ) -> Result<Reading<Page>, RegisterError> {
        let mut transaction = self.read().await?;
        let version = newest_version(&mut transaction).await?;
        let after = after.unwrap_or_default();
        let list = joined(&SURGEONS);
        let sql = format!(
            "select {list}, \"surgeon_id\" from surgeons where \"surgeon_id\" > $2 \
             and to_version is null order by \"surgeon_id\" limit {most}"
        );
        let found = sqlx::query(AssertSqlSafe(sql)).bind(separator()).bind(after);
        let found = found.fetch_all(&mut *transaction).await?;
        let Some(last) = found.last() else {
            return Ok(Reading { version, value: Page::default() });
        };
        let last: String = last.try_get(1)?;
        let full = found.len() >= usize::try_from(most).unwrap_or(usize::MAX);
        let list = joined(&GRANTS);
        let sql = format!(
            "select {list}, \"surgeon_id\" from grants where \"surgeon_id\" > $2 \
             and \"surgeon_id\" <= $3 and to_version is null \
             order by \"surgeon_id\", \"code\", \"grade\", \"right\", \"valid_from\""
        );
        let held = sqlx::query(AssertSqlSafe(sql)).bind(separator()).bind(after);
        let held = held.bind(last.as_str()).fetch_all(&mut *transaction).await?;
        transaction.rollback().await?;
        let mut grants: HashMap<&str, Vec<&str>> = HashMap::new();
        for row in &held {
            grants.entry(row.try_get(1)?).or_default().push(row.try_get(0)?);
        }
        let mut page = Page { next: full.then_some(last), ..Page::default() };
        for row in &found {
            let own = grants.remove(row.try_get::<&str, _>(1)?).unwrap_or_default();
            let fields = Fields::split(&SURGEONS, row.try_get(0)?);
            let own = own.into_iter().map(|row| rows::grant(&Fields::split(&GRANTS, row)));
            match own.collect::<Result<_, _>>().and_then(|own| rows::surgeon(&fields, own)) {
                Ok(surgeon) => page.surgeons.push(surgeon),
                Err(error) => page.unread.push((fields.get("name").to_owned(), error)),
            }
        }
        Ok(Reading { version, value: page })
    }

    pub(super) async fn read_latest_discussions(
        &self,
        most: u32,
    ) -> Result<Reading<Latest>, RegisterError> {
        let mut transaction = self.read().await?;
        let version = newest_version(&mut transaction).await?;
        let list = joined(&DISCUSSIONS);
        let sql = format!(
            "select {list} from discussions where to_version is null \
             order by \"held_on\" desc limit {most}"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(separator());
        let rows = rows.fetch_all(&mut *transaction).await?;
        transaction.rollback().await?;
        let mut latest = Latest::default();
        for row in &rows {
            match rows::discussion(&Fields::split(&DISCUSSIONS, row.try_get(0)?)) {
                Ok(discussion) => latest.discussions.push(discussion),
                Err(error) => latest.unread = Some(error),
            }
        }
        let all = rows.len() < usize::try_from(most).unwrap_or(usize::MAX);
        latest.whole = all && latest.unread.is_none();
        Ok(Reading { version, value: latest })
    }

    pub(super) async fn read_discussions(
        &self,
        about: &About,
    ) -> Result<Reading<Vec<Discussion>>, RegisterError> {
        let mut transaction = self.read().await?;
        let version = newest_version(&mut transaction).await?;
        let asked = [
            ("patient_id", &about.patient),
            ("discussion_id", &about.number),
            ("order_no", &about.order_no),
        ];
        let mut found: Vec<Discussion> = Vec::new();
        for (column, value) in asked {
            let Some(value) = value else { continue };
            for one in by_column(&mut transaction, column, value.reveal()).await? {
                if !found.iter().any(|known| known.id == one.id) {
                    found.push(one);
                }
            }
        }
        transaction.rollback().await?;
        found.sort_by(|a, b| b.held_on.cmp(&a.held_on).then_with(|| a.id.cmp(&b.id)));
        found.truncate(MAX_DISCUSSIONS);
        Ok(Reading { version, value: found })
    }

    pub(super) async fn read_colleagues(
        &self,
        sought: &Sought,
    ) -> Result<Reading<Vec<(SurgeonId, String)>>, RegisterError> {
        let mut transaction = self.read().await?;
        let version = newest_version(&mut transaction).await?;
        let codes = sought.codes.get(..MAX_CODES).unwrap_or(&sought.codes);
        let sql = candidates(codes.len());
        let mut query =
            sqlx::query(AssertSqlSafe(sql)).bind(separator()).bind(sought.day.to_string());
        for code in codes {
            query = query.bind(storable(code.as_str()).into_owned());
        }
        query = query.bind(storable(sought.department.as_deref().unwrap_or_default()).into_owned());
        let rows =
            if codes.is_empty() { Vec::new() } else { query.fetch_all(&mut *transaction).await? };
        transaction.rollback().await?;
        let mut colleagues: Vec<(SurgeonId, String)> = Vec::new();
        for row in &rows {
            let grant = rows::grant(&Fields::split(&GRANTS, row.try_get(0)?))?;
            let id = SurgeonId::new(row.try_get(1)?);
            let id = id.ok_or(RegisterError::Row { table: "surgeons", column: "surgeon_id" })?;
            if fits(&grant, sought) && !colleagues.iter().any(|(known, _)| *known == id) {
                colleagues.push((id, row.try_get(2)?));
            }
        }
        colleagues.truncate(MAX_COLLEAGUES);
        Ok(Reading { version, value: colleagues })
    }
}

async fn by_column(
    connection: &mut AnyConnection,
    column: &str,
    value: &str,
) -> Result<Vec<Discussion>, RegisterError> {
    let list = joined(&DISCUSSIONS);
    let sql = format!(
        "select {list} from discussions where \"{column}\" = $2 and \"{column}\" <> '' \
         and to_version is null order by \"held_on\" desc limit {MAX_DISCUSSIONS}"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(separator()).bind(storable(value).into_owned());
    let rows = rows.fetch_all(connection).await?;
    rows.iter().map(|row| rows::discussion(&Fields::split(&DISCUSSIONS, row.try_get(0)?))).collect()
}

/// Active, documented, independent grants in term of active, licensed surgeons; the department's first.
fn candidates(codes: usize) -> String {
    let grant: Vec<String> =
        GRANTS.columns.iter().map(|column| format!("g.\"{}\"", column.name)).collect();
    let places: Vec<String> = (0..codes).map(|i| format!("${}", i + 3)).collect();
    let department = codes + 3;
    format!(
        "select {}, s.\"surgeon_id\", s.\"name\" from grants g \
         join surgeons s on s.\"surgeon_id\" = g.\"surgeon_id\" and s.to_version is null \
         where g.to_version is null and g.\"code\" <> '' and g.\"right\" = 'perform' \
         and g.\"status\" = 'active' and g.\"document_no\" <> '' and g.\"supervision\" = 'none' \
         and s.\"status\" = 'active' \
         and g.\"valid_from\" <= $2 and (g.\"valid_to\" = '' or g.\"valid_to\" >= $2) \
         and (s.\"licence_to\" = '' or s.\"licence_to\" >= $2) \
         and g.\"code\" in ({}) \
         order by case when s.\"department\" = ${department} and s.\"department\" <> '' then 0 else 1 end, s.\"surgeon_id\" \
         limit {MAX_CANDIDATES}",
        grant.join("||$1||"),
        places.join(", "),
    )
}

fn fits(grant: &Grant, sought: &Sought) -> bool {
    grant.at_site(sought.site.as_deref()) && (!sought.trained || grant.trained_on.is_some())
}
