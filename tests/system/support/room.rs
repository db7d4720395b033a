//! Rooms of a test's own: a network, or disks, that nobody else sees.
//!
//! A shell holds the room's namespaces and waits for the end of this process, whichever way it ends; then the room is
//! gone with its mounts and interfaces.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::support::gate::{Hospital, ORGATE, text};

/// A room; it ends when dropped.
pub(crate) struct Room {
    keeper: Child,
    pipe: Option<ChildStdin>,
}

impl Room {
    /// With a network of its own: nothing but a loopback interface.
    pub(crate) fn with_network() -> Self {
        Self::make("--net", "ip link set lo up")
    }

    /// With mounts of its own.
    pub(crate) fn with_disks() -> Self {
        Self::make("--mount", "true")
    }

    fn make(kind: &str, first: &str) -> Self {
        let script = format!("{first} && echo ready && read -r _");
        let mut keeper = Command::new("unshare")
            .args([kind, "--", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare (util-linux) runs");
        let mut said = String::new();
        let out = keeper.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut said).expect("a pipe");
        if said != "ready\n" {
            let mut why = String::new();
            let errors = keeper.stderr.as_mut().expect("a pipe");
            errors.read_to_string(&mut why).expect("a pipe");
            panic!("no namespace of its own can be made, run ./test as root: {why}");
        }
        let pipe = keeper.stdin.take();
        Self { keeper, pipe }
    }

    /// Of the process that holds it.
    pub(crate) fn pid(&self) -> String {
        self.keeper.id().to_string()
    }

    /// A program that runs in the room, with `folder` as its folder.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, folder: &str) -> Command {
        self.enlist(Command::new("nsenter"), program.as_ref(), folder)
    }

    fn enlist(&self, command: Command, program: &OsStr, folder: &str) -> Command {
        let mut command = command;
        command
            .args(["--net", "--mount", "--target", &self.pid()])
            .arg(format!("--wdns={folder}"))
            .arg("--")
            .arg(program)
            .stdin(Stdio::null());
        command
    }

    /// What a script says that must succeed.
    pub(crate) fn sh(&self, script: &str) -> String {
        let out =
            self.command("sh", "/").args(["-e", "-c", script]).output().expect("nsenter runs");
        assert!(out.status.success(), "{script}: {}{}", text(&out.stdout), text(&out.stderr));
        text(&out.stdout)
    }

    /// Where a file of the room is seen from outside.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix("/").expect("an absolute path");
        Path::new("/proc").join(self.pid()).join("root").join(below)
    }

    /// From here on this thread is in the room's network: the sockets that it makes are of that network, whoever
    /// uses them later.
    pub(crate) fn enter(&self) {
        let network = std::fs::File::open(format!("/proc/{}/ns/net", self.pid()));
        let network = network.expect("the room is there");
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("root may enter a network");
    }

    /// Does something in the room's network.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter();
                work()
            });
            inside.join().expect("what is done inside succeeds")
        })
    }

    /// A cable to another room, and the addresses of its two ends; the interfaces are called `cable`.
    pub(crate) fn cable(&self, other: &Self) -> (Ipv4Addr, Ipv4Addr) {
        let (own, others) = (Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 2));
        self.sh(&format!("ip link add cable type veth peer name cable netns {}", other.pid()));
        for (room, address) in [(self, own), (other, others)] {
            room.sh(&format!("ip addr add {address}/30 dev cable; ip link set dev cable up"));
        }
        (own, others)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.keeper.wait();
    }
}

impl Hospital {
    /// A command with the configuration that runs in a room.
    pub(crate) fn command_in(&self, room: &Room, arguments: &[&str]) -> Command {
        // Killed with the thread that starts it, should that be killed: nothing else knows of it.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "nsenter"]);
        let mut command = room.enlist(command, ORGATE.as_ref(), env!("CARGO_MANIFEST_DIR"));
        command.arg("--config").arg(self.configure()).args(arguments).env_remove("ORGATE_LOG");
        command
    }
}
