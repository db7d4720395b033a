//! Faults of the disk that the ledger lies on: a file system of its own, in a room that only the gate is in.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use orgate::clock::monotonic;

use crate::faults::scene::{Scene, Site, WHILE};
use crate::faults::standin::Standin;
use crate::faults::table::Fault;
use crate::support::foreign_program;
use crate::support::gate::Hospital;
use crate::support::room::Room;

/// A gate whose ledger lies on a small ext4.
fn on_its_own_disk(fault: Fault) -> Scene {
    let standin = Standin::new();
    let hospital = Hospital::new().route("his", standin.upstream.address, &[]);
    let room = Arc::new(Room::with_disks());
    let ledger = hospital.data().join("ledger");
    let (ledger, image) = (ledger.display(), hospital.path("disk").display().to_string());
    room.sh(&format!(
        "truncate -s 32M {image}; mkfs.ext4 -q -F -m 0 {image}; mkdir -p {ledger}; \
         mount -o loop,errors=remount-ro {image} {ledger}"
    ));
    Scene::of(fault, standin, vec![Site::start_in(hospital, &room)])
}

/// A script where the gate is, in the folder of its files.
fn sh(scene: &Scene, script: &str) {
    let site = &scene.sites[0];
    let room = site.room.as_ref().expect("a room");
    room.sh(&format!("cd {}; {script}", site.hospital.data().display()));
}

#[test]
fn it_is_full() {
    on_its_own_disk(Fault::named("ledger disk full")).play(
        |scene| sh(scene, "dd if=/dev/zero of=ledger/ballast bs=4k 2>/dev/null || true; sync"),
        |scene| sh(scene, "rm ledger/ballast"),
    );
}

/// The kernel finds an error, and takes the file system out of use. It is mended elsewhere, and mounted again.
#[test]
fn it_turns_read_only() {
    on_its_own_disk(Fault::named("ledger disk turns read-only")).play(
        |scene| {
            sh(
                scene,
                "device=$(findmnt -no SOURCE ledger); \
                 echo 1 > /sys/fs/ext4/$(basename \"$device\")/trigger_fs_error",
            );
        },
        |scene| {
            sh(
                scene,
                "umount -l ledger; cp ../disk ../mended; \
                 e2fsck -p ../mended >/dev/null || [ $? -eq 1 ]; \
                 mount -o loop ../mended ledger",
            );
        },
    );
}

/// Every fdatasync of the gate takes so much longer, by the kernel's own tracing; as before when it is dropped.
struct SlowSync(Child);

impl SlowSync {
    fn of(scene: &Scene, micros: u32) -> Self {
        let mut child = Command::new(foreign_program("ORGATE_TEST_STRACE"))
            .args(["-f", "-e", "trace=fdatasync", "-o", "/dev/null"])
            .arg(format!("--inject=fdatasync:delay_enter={micros}"))
            .args(["-p", &scene.sites[0].gate.pid()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace runs");
        let mut said = String::new();
        let errors = child.stderr.take().expect("a pipe");
        BufReader::new(errors).read_line(&mut said).expect("a pipe");
        assert!(said.contains("attached"), "strace: {said}");
        Self(child)
    }
}

impl Drop for SlowSync {
    fn drop(&mut self) {
        // It lets go of the gate first.
        let _ = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

#[test]
fn a_sync_takes_a_tenth_of_a_second() {
    slow(Fault::named("ledger disk slow: a sync takes 0.1 s"), 100_000);
}

/// Longer than anybody waits for the ledger.
#[test]
fn a_sync_takes_three_seconds() {
    slow(Fault::named("ledger disk slow: a sync takes 3 s"), 3_000_000);
}

fn slow(fault: Fault, micros: u32) {
    let mut scene = Scene::simple(fault, &[]);
    scene.begin();
    scene.flows_since(monotonic());
    let slow = SlowSync::of(&scene, micros);
    std::thread::sleep(WHILE);
    drop(slow);
    scene.recovers_since(monotonic());
    scene.end();
}
