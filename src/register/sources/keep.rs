//! Copies of SQLite files for keeping, and whether one is sound.

use std::path::Path;

use sqlx::Row;

use crate::register::error::RegisterError;
use crate::register::sources::sqlite::{Keeping, connect};

/// Why a database is not copied, or not trusted.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It cannot be opened.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The database's own word.
    #[error("{0}")]
    Database(#[from] sqlx::Error),
    /// It was copied or kept badly.
    #[error("the database is damaged: {0}")]
    Damaged(String),
}

/// Writes what `file` holds at one moment into a new file `to`, also while others write.
///
/// # Errors
/// It cannot be read, or `to` not be written.
pub async fn copy(file: &Path, to: &Path) -> Result<(), KeepError> {
    let pool = connect(file, Keeping::Full).await?;
    let copied = sqlx::query("vacuum into ?").bind(to.display().to_string()).execute(&pool).await;
    pool.close().await;
    copied?;
    Ok(())
}

/// Whether the database says of itself that it is whole.
///
/// # Errors
/// It is not.
pub async fn check(file: &Path) -> Result<(), KeepError> {
    let pool = connect(file, Keeping::Full).await?;
    let said = sqlx::query("pragma integrity_check").fetch_one(&pool).await;
    pool.close().await;
    let said: String = said?.try_get(0)?;
    if said == "ok" { Ok(()) } else { Err(KeepError::Damaged(said)) }
}
