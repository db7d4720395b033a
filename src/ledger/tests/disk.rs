//! A disk in memory that fails on demand, and forgets at a crash what no sync has covered.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::ledger::store::{FileName, Files, Store};

/// What memory shows of a file, and what would survive.
#[derive(Default)]
struct Image {
    shown: Vec<u8>,
    durable: Vec<u8>,
    /// What the next sync would write. A failed sync clears it, as kernels do.
    dirty: Vec<Range<usize>>,
}

#[derive(Default)]
pub(super) struct State {
    images: BTreeMap<FileName, Image>,
    /// Bytes until the disk is full.
    pub(super) free: Option<usize>,
    /// So many syncs fail.
    pub(super) failing_syncs: u32,
    /// Creating a file fails.
    pub(super) failing_rotate: bool,
    pub(super) sync_delay: Duration,
    pub(super) syncs: usize,
}

#[derive(Clone, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

impl Disk {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// All faults end.
    pub(super) fn recover(&self) {
        let mut state = self.state();
        (state.free, state.failing_syncs) = (None, 0);
    }

    /// The power goes: of what no sync has covered, `kept` bytes of each file's end happen to survive.
    pub(super) fn crash(&self, kept: usize) -> Self {
        let mut images = BTreeMap::new();
        for (name, image) in &self.state().images {
            let mut durable = image.durable.clone();
            let start = durable.len();
            if image.dirty.iter().any(|dirty| dirty.contains(&start)) {
                durable.extend(image.shown[start..].iter().take(kept));
            }
            images.insert(*name, Image { shown: durable.clone(), durable, dirty: Vec::new() });
        }
        Self(Arc::new(Mutex::new(State { images, ..State::default() })))
    }

    /// What the newest file holds.
    pub(super) fn newest(&self) -> Vec<u8> {
        self.state().images.values().last().unwrap().shown.clone()
    }

    /// The same disk, with other bytes in the newest file.
    pub(super) fn with_newest(&self, bytes: &[u8]) -> Self {
        let disk = self.crash(0);
        let mut state = disk.state();
        let image = state.images.values_mut().next_back().unwrap();
        (image.shown, image.durable) = (bytes.to_vec(), bytes.to_vec());
        drop(state);
        disk
    }

    pub(super) fn store(&self) -> FaultStore {
        FaultStore { disk: self.clone(), current: None }
    }
}

impl Files for Disk {
    fn list(&self) -> io::Result<Vec<FileName>> {
        Ok(self.state().images.keys().copied().collect())
    }

    fn read(&self, file: FileName, from: u64) -> io::Result<Box<dyn Read + Send>> {
        let shown = self.state().images[&file].shown.clone();
        Ok(Box::new(Cursor::new(shown[usize::try_from(from).unwrap()..].to_vec())))
    }

    fn length(&self, file: FileName) -> io::Result<u64> {
        Ok(self.state().images[&file].shown.len() as u64)
    }
}

pub(super) struct FaultStore {
    disk: Disk,
    current: Option<FileName>,
}

impl FaultStore {
    fn with<T>(&self, act: impl FnOnce(&mut Image) -> T) -> T {
        act(self.disk.state().images.get_mut(&self.current.unwrap()).unwrap())
    }
}

impl Store for FaultStore {
    fn files(&self) -> Arc<dyn Files> {
        Arc::new(self.disk.clone())
    }

    fn rotate(&mut self, file: FileName) -> io::Result<()> {
        let mut state = self.disk.state();
        state.images.entry(file).or_default();
        if state.failing_rotate {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.current = Some(file);
        Ok(())
    }

    fn resume(&mut self, file: FileName) -> io::Result<()> {
        self.current = Some(file);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let free = self.disk.state().free;
        let taken = free.map_or(bytes.len(), |free| free.min(bytes.len()));
        if let Some(free) = &mut self.disk.state().free {
            *free -= taken;
        }
        self.with(|image| {
            let start = image.shown.len();
            image.shown.extend_from_slice(&bytes[..taken]);
            image.dirty.push(start..image.shown.len());
        });
        if taken < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.syncs += 1;
        let delay = state.sync_delay;
        let fails = state.failing_syncs > 0;
        state.failing_syncs = state.failing_syncs.saturating_sub(1);
        drop(state);
        std::thread::sleep(delay);
        self.with(|image| {
            let dirty = std::mem::take(&mut image.dirty);
            if fails {
                return Err(io::ErrorKind::Other.into());
            }
            for range in dirty {
                let end = range.end.max(image.durable.len());
                image.durable.resize(end, 0);
                image.durable[range.clone()].copy_from_slice(&image.shown[range]);
            }
            Ok(())
        })
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap();
        let freed = self.with(|image| {
            let freed = image.shown.len() - length;
            image.shown.truncate(length);
            image.durable.truncate(length);
            image.dirty = std::iter::once(length.saturating_sub(1) / 4096 * 4096..length).collect();
            freed
        });
        if let Some(free) = &mut self.disk.state().free {
            *free += freed;
        }
        self.sync()
    }

    fn remove(&mut self, file: FileName) -> io::Result<()> {
        self.disk.state().images.remove(&file);
        Ok(())
    }

    fn sync_time(&mut self) -> io::Result<Duration> {
        Ok(Duration::from_micros(123))
    }
}
