//! Where the bytes go: file names, the reading side, the writing side, and both over a directory.
//! Nothing else in the ledger touches a disk; tests put faults here.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use jiff::civil::Date;

use crate::clock;
use crate::ledger::LedgerError;
use crate::ledger::archive::PACKED;

/// The name of a ledger file: `2026-03-02.jsonl`, its further parts `2026-03-02.2.jsonl` and so on.
/// In the order of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName {
    /// The local day on which it was begun.
    pub day: Date,
    /// From 1.
    pub part: u32,
}

impl FileName {
    /// Reads a name; `None` for files that are not the ledger's.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".jsonl")?;
        let (day, part) = stem.split_once('.').unwrap_or((stem, "1"));
        let name_read = Self { day: day.parse().ok()?, part: part.parse().ok()? };
        // Only the one spelling: `2026-03-02.1.jsonl` would be a second first part.
        (name_read.to_string() == name).then_some(name_read)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            1 => write!(f, "{}.jsonl", self.day),
            part => write!(f, "{}.{part}.jsonl", self.day),
        }
    }
}

/// The reading side.
pub trait Files: Send + Sync {
    /// The ledger's files in the order of the chain.
    ///
    /// # Errors
    /// As the disk reports.
    fn list(&self) -> io::Result<Vec<FileName>>;

    /// Opens a file at an offset.
    ///
    /// # Errors
    /// As the disk reports.
    fn read(&self, file: FileName, from: u64) -> io::Result<Box<dyn Read + Send>>;

    /// The bytes of a file.
    ///
    /// # Errors
    /// As the disk reports.
    fn length(&self, file: FileName) -> io::Result<u64>;
}

/// The writing side: one current file that grows at its end.
pub trait Store: Send + 'static {
    /// The reading side of the same files.
    fn files(&self) -> Arc<dyn Files>;

    /// Creates a file (an empty one of that name may be there), durably, and makes it the current one.
    ///
    /// # Errors
    /// As the disk reports; the current file is then undefined until the next `rotate` or `resume`.
    fn rotate(&mut self, file: FileName) -> io::Result<()>;

    /// Opens a file anew and makes it the current one; bytes go to its end.
    ///
    /// # Errors
    /// As the disk reports.
    fn resume(&mut self, file: FileName) -> io::Result<()>;

    /// Adds bytes to the end of the current file.
    ///
    /// # Errors
    /// As the disk reports; any part of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended durable.
    ///
    /// # Errors
    /// As the disk reports; nothing may then be assumed of what was appended since the last success.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the current file to a length, and makes that length durable even if an earlier sync failed.
    ///
    /// # Errors
    /// As the disk reports.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Removes a file that holds no entry.
    ///
    /// # Errors
    /// As the disk reports.
    fn remove(&mut self, file: FileName) -> io::Result<()>;

    /// How long this medium takes to make one small write durable; measured now.
    ///
    /// # Errors
    /// As the disk reports.
    fn sync_time(&mut self) -> io::Result<Duration>;
}

/// The files of a directory, for reading; needs no lock.
#[derive(Clone, Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// `folder` is the one that holds the `.jsonl` files.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    fn path(&self, file: FileName) -> PathBuf {
        self.0.join(file.to_string())
    }

    fn packed(&self, file: FileName) -> PathBuf {
        self.0.join(format!("{file}{PACKED}"))
    }

    /// Makes names created or removed in the directory durable.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl Files for Directory {
    fn list(&self) -> io::Result<Vec<FileName>> {
        let mut names = Vec::new();
        for found in fs::read_dir(&self.0)? {
            let found = found?.file_name();
            let name = found.to_str().unwrap_or_default();
            names.extend(FileName::parse(name.strip_suffix(PACKED).unwrap_or(name)));
        }
        names.sort_unstable();
        // Between packing a file and removing it, there are both.
        names.dedup();
        Ok(names)
    }

    fn read(&self, file: FileName, from: u64) -> io::Result<Box<dyn Read + Send>> {
        match File::open(self.path(file)) {
            Ok(mut opened) => {
                opened.seek(SeekFrom::Start(from))?;
                Ok(Box::new(opened))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let packed = BufReader::new(File::open(self.packed(file))?);
                let mut unpacked = GzDecoder::new(packed);
                io::copy(&mut unpacked.by_ref().take(from), &mut io::sink())?;
                Ok(Box::new(unpacked))
            }
            Err(error) => Err(error),
        }
    }

    fn length(&self, file: FileName) -> io::Result<u64> {
        match fs::metadata(self.path(file)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // The last four bytes of a packed file; no part comes near the 4 GiB that they can tell.
                let packed = File::open(self.packed(file))?;
                let end = packed.metadata()?.len().saturating_sub(4);
                let mut length = [0; 4];
                packed.read_exact_at(&mut length, end)?;
                Ok(u64::from(u32::from_le_bytes(length)))
            }
            found => Ok(found?.len()),
        }
    }
}

/// The ledger's folder below a data directory.
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("ledger")
}

/// The folder `data_dir/ledger`, locked for one gate.
#[derive(Debug)]
pub struct FileStore {
    directory: Directory,
    current: Option<(File, u64)>,
    /// Holds the lock as long as it is open.
    _lock: File,
}

/// Read by the gate and its group (the auditor), by nobody else: the files hold patient data.
pub(in crate::ledger) const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

/// What the file system makes durable as a unit: one page.
const PAGE_BYTES: u64 = 4096;

impl FileStore {
    /// Locks the folder, creating it if needed.
    ///
    /// # Errors
    /// [`LedgerError::Locked`] if another gate has it; [`LedgerError::Storage`] as the disk reports.
    pub fn open(data_dir: &Path) -> Result<Self, LedgerError> {
        let folder = folder(data_dir);
        let fault = |what| {
            let place = folder.display().to_string();
            move |error: io::Error| LedgerError::Storage { what, place, kind: error.kind() }
        };
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(FOLDER_MODE);
        builder.create(&folder).map_err(fault("create"))?;
        if let Some(parent) = folder.parent().filter(|parent| parent.is_dir()) {
            Directory::new(parent).sync().map_err(fault("sync"))?;
        }
        let lock = open(&folder.join(".lock")).map_err(fault("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::Locked { place: folder.display().to_string() });
            }
            Err(TryLockError::Error(error)) => return Err(fault("lock")(error)),
        }
        Ok(Self { directory: Directory::new(&folder), current: None, _lock: lock })
    }

    fn current(&mut self) -> io::Result<(&File, &mut u64)> {
        let (file, length) = self.current.as_mut().ok_or(io::ErrorKind::NotFound)?;
        Ok((file, length))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
}

impl Store for FileStore {
    fn files(&self) -> Arc<dyn Files> {
        Arc::new(self.directory.clone())
    }

    fn rotate(&mut self, name: FileName) -> io::Result<()> {
        self.current = None;
        let file = open(&self.directory.path(name))?;
        if file.metadata()?.len() > 0 {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.directory.sync()?;
        self.current = Some((file, 0));
        Ok(())
    }

    fn resume(&mut self, name: FileName) -> io::Result<()> {
        self.current = None;
        let path = self.directory.path(name);
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = file.metadata()?.len();
        self.current = Some((file, length));
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (file, length) = self.current()?;
        file.write_all_at(bytes, *length)?;
        *length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.current()?.0.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let (file, position) = self.current()?;
        if file.metadata()?.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.set_len(length)?;
        // The last page may be one whose write-back failed: the kernel then calls it clean, and a later
        // sync would succeed without writing it. Writing it again makes it dirty, so that this sync tells.
        let start = length.saturating_sub(1) / PAGE_BYTES * PAGE_BYTES;
        let mut page = vec![0; usize::try_from(length - start).unwrap_or_default()];
        file.read_exact_at(&mut page, start)?;
        file.write_all_at(&page, start)?;
        file.sync_all()?;
        *position = length;
        Ok(())
    }

    fn remove(&mut self, name: FileName) -> io::Result<()> {
        self.current = None;
        fs::remove_file(self.directory.path(name))?;
        self.directory.sync()
    }

    fn sync_time(&mut self) -> io::Result<Duration> {
        const ROUNDS: u64 = 5;
        let path = self.directory.0.join(".probe");
        let probe = open(&path)?;
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            let start = clock::monotonic();
            probe.write_all_at(&[b' '; 512], round * 512)?;
            probe.sync_data()?;
            times.push(start.elapsed());
        }
        fs::remove_file(path)?;
        times.sort_unstable();
        Ok(times.get(times.len() / 2).copied().unwrap_or_default())
    }
}
