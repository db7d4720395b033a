//! Closed files packed, given away when their time is over, and copied: everything that is done to files that the
//! writer has left.

use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::civil::Date;
use ring::digest::{Context, SHA256};

use crate::ledger::chain::{Head, Line};
use crate::ledger::read::{Lines, Piece};
use crate::ledger::recover::last_head;
use crate::ledger::store::{Directory, FILE_MODE, FileName, Files};
use crate::ledger::verify::{self, Expected};
use crate::ledger::{LedgerError, Verified};

/// The end of a packed file's name.
pub const PACKED: &str = ".gz";
/// The end of the name of its checksum, in the form of `sha256sum`.
pub const SUM: &str = ".gz.sha256";

/// Read at a time.
const CHUNK: usize = 128 * 1024;

/// A file that was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// Its name, without the end of a packed one.
    pub file: String,
    /// Its bytes before.
    pub bytes: u64,
    /// And now.
    pub packed: u64,
}

/// A file whose retention has ended, and the last entry it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// Its name, without the end of a packed one.
    pub file: String,
    /// The head of the chain that ends with it.
    pub head: Head,
    name: FileName,
}

/// Packs the files of days before `before`, never the newest file. The chain is verified first: what is broken is
/// evidence, and stays as it is. A file is gone only once its packed one is on disk and was read back.
///
/// # Errors
/// The chain is broken, or the disk does not take it: what was packed until then stays packed.
pub fn archive(folder: &Path, before: Date) -> Result<Vec<Archived>, LedgerError> {
    let directory = Directory::new(folder);
    verify::verify(&directory, Expected { pruned: true, head: None })?;
    let names = directory.list().map_err(|error| LedgerError::storage("list", "", &error))?;
    let closed = names.split_last().map_or(&[][..], |(_, closed)| closed);
    let mut archived = Vec::new();
    for name in closed.iter().filter(|name| name.day < before) {
        if folder.join(name.to_string()).exists() {
            let packed = pack(folder, *name);
            archived.push(packed.map_err(|error| LedgerError::storage("pack", name, &error))?);
        }
    }
    Ok(archived)
}

fn pack(folder: &Path, name: FileName) -> io::Result<Archived> {
    let live = folder.join(name.to_string());
    let packed_name = format!("{name}{PACKED}");
    let mut source = File::open(&live)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    let mut encoder = GzEncoder::new(temporary.as_file_mut(), Compression::default());
    let (bytes, plain) = hashed(&mut source, &mut encoder)?;
    encoder.finish()?;
    temporary.as_file().set_permissions(Permissions::from_mode(FILE_MODE))?;
    temporary.as_file().sync_all()?;
    let mut again = GzDecoder::new(BufReader::new(File::open(temporary.path())?));
    if hashed(&mut again, &mut io::sink())? != (bytes, plain) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let (packed, sum) = hashed(&mut File::open(temporary.path())?, &mut io::sink())?;
    write_whole(folder, &format!("{name}{SUM}"), format!("{sum}  {packed_name}\n").as_bytes())?;
    temporary.persist(folder.join(packed_name)).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()?;
    fs::remove_file(live)?;
    File::open(folder)?.sync_all()?;
    Ok(Archived { file: name.to_string(), bytes, packed })
}

/// Copies everything; how many bytes, and their SHA-256.
fn hashed(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let mut digest = Context::new(&SHA256);
    let (mut chunk, mut bytes) = (vec![0; CHUNK], 0);
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = chunk.get(..read).unwrap_or_default();
        digest.update(part);
        to.write_all(part)?;
        bytes += u64::try_from(read).unwrap_or(0);
    }
    Ok((bytes, hex::encode(digest.finish())))
}

/// Whole or not at all.
fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name)).map_err(|error| error.error)?;
    Ok(())
}

/// The files of days before `before`, from the oldest on without a gap, never the newest file.
///
/// # Errors
/// They cannot be read.
pub fn expired(folder: &Path, before: Date) -> Result<Vec<Expired>, LedgerError> {
    let directory = Directory::new(folder);
    let names = directory.list().map_err(|error| LedgerError::storage("list", "", &error))?;
    let closed = names.split_last().map_or(&[][..], |(_, closed)| closed);
    let over = closed.iter().take_while(|name| name.day < before);
    let expired = over.map(|name| {
        let head = last_head(&directory, *name)?;
        Ok(Expired { file: name.to_string(), head, name: *name })
    });
    expired.collect()
}

/// Removes files whose retention has ended, from the oldest on; that they are is in the ledger already.
///
/// # Errors
/// As the disk reports; the younger ones then stay.
pub fn remove(folder: &Path, expired: &[Expired]) -> Result<(), LedgerError> {
    for one in expired {
        // The sum first: it alone would never be found again by a removal that was cut off.
        let ends = [SUM, "", PACKED];
        for path in ends.map(|end| folder.join(format!("{}{end}", one.name))) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(LedgerError::storage("remove", one.name, &error));
                }
                _ => {}
            }
        }
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| LedgerError::storage("sync", one.name, &error))?;
    }
    Ok(())
}

/// Copies a ledger's files into an empty folder, packed ones as they are, up to an entry (all whole ones without),
/// also while a gate writes there; then verifies the copy.
///
/// # Errors
/// Files cannot be read or written, or the copy's chain is broken.
pub fn copy(from: &Path, to: &Path, up_to: Option<Head>) -> Result<Verified, LedgerError> {
    let directory = Directory::new(from);
    let names = directory.list().map_err(|error| LedgerError::storage("list", "", &error))?;
    for name in names {
        let copied = copy_file(&directory, (from, to), name, up_to.map(|head| head.seq));
        copied.map_err(|error| LedgerError::storage("copy", name, &error))?;
    }
    let expected = Expected { pruned: true, head: up_to.filter(|head| head.seq > 0) };
    verify::verify(&Directory::new(to), expected)
}

fn copy_file(
    directory: &Directory,
    (from, to): (&Path, &Path),
    name: FileName,
    up_to: Option<u64>,
) -> io::Result<()> {
    if !from.join(name.to_string()).exists() {
        for end in [PACKED, SUM] {
            let file = format!("{name}{end}");
            fs::copy(from.join(&file), to.join(&file))?;
            File::open(to.join(&file))?.sync_all()?;
        }
        return Ok(());
    }
    let mut lines = Lines::new(directory.read(name, 0)?);
    let mut file = None;
    while let Piece::Whole = lines.next()? {
        let seq = Line::parse(lines.line()).ok().map(|line| line.seq);
        if up_to.zip(seq).is_some_and(|(last, seq)| seq > last) {
            break;
        }
        if file.is_none() {
            let own = File::create_new(to.join(name.to_string()))?;
            own.set_permissions(Permissions::from_mode(FILE_MODE))?;
            file = Some(io::BufWriter::new(own));
        }
        if let Some(file) = &mut file {
            file.write_all(lines.line())?;
            file.write_all(b"\n")?;
        }
    }
    let Some(file) = file else { return Ok(()) };
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
