//! Lines added to a file that may end within one: a write that broke off must not take the next line with it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Appends whole lines, durably; a file that is not there is made with this mode.
///
/// # Errors
/// As the disk reports; some of them may then be written, the last one in part.
pub(in crate::feed) fn append(path: &Path, lines: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).mode(mode).open(path)?;
    if ends_within_a_line(&file, path)? {
        file.write_all(&[b"\n", lines].concat())?;
    } else {
        file.write_all(lines)?;
    }
    file.sync_data()
}

/// Of a file that may not be read, or is a pipe, nobody knows.
fn ends_within_a_line(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    if !held.is_file() || held.len() == 0 {
        return Ok(false);
    }
    let mut last = [b'\n'];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut last, held.len() - 1));
    Ok(read.is_ok() && last != [b'\n'])
}
