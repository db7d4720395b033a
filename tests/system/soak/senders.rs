//! Open loop: every message has a time at which it is due, whatever became of those before; an answer that is late
//! because another was late counts from then.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use orgate::clock::monotonic;

use crate::soak::book::Book;
use crate::soak::traffic::{Calendar, Kind, LABORATORY, LINES, Message, control_id};
use crate::support::{PATIENCE, read_some};

/// Orders, notices and records a second, on all lines together.
pub(super) const RATE: u32 = 1_000;
/// Messages that are not surgical, likewise.
pub(super) const LABORATORY_RATE: u32 = 100;

/// When the run began, and how long it takes.
#[derive(Clone, Copy)]
pub(super) struct Course {
    pub(super) began: Instant,
    pub(super) length: Duration,
}

impl Course {
    /// Waits for a moment of the run, or its end; whether the run still goes on then.
    pub(super) fn wait(self, until: Duration) -> bool {
        let moment = self.began + until.min(self.length);
        std::thread::sleep(moment.saturating_duration_since(monotonic()));
        until < self.length
    }

    pub(super) fn minute(self) -> usize {
        usize::try_from(self.began.elapsed().as_secs() / 60).unwrap_or(0)
    }
}

/// A connection that sends and waits for answers.
pub(super) struct Line {
    stream: TcpStream,
    came: Vec<u8>,
}

impl Line {
    pub(super) fn open(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).expect("the gate accepts");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self { stream, came: Vec::new() }
    }

    /// MSA-1 and MSA-2 of the answer to a frame.
    pub(super) fn ask(&mut self, frame: &[u8]) -> (String, String) {
        self.stream.write_all(frame).expect("the gate reads");
        self.came.clear();
        let mut chunk = [0; 8192];
        while !self.came.ends_with(&[0x1c, b'\r']) {
            let count = read_some(&mut self.stream, &mut chunk).expect("an answer in time");
            assert!(count > 0, "the connection was closed on a message");
            self.came.extend_from_slice(&chunk[..count]);
        }
        let mut segments = self.came.split(|byte| *byte == b'\r');
        let msa = segments.find(|segment| segment.starts_with(b"MSA|")).unwrap_or_default();
        let mut fields = msa.split(|byte| *byte == b'|').skip(1);
        let mut next = || String::from_utf8_lossy(fields.next().unwrap_or_default()).into_owned();
        (next(), next())
    }
}

/// Everybody who sends by MLLP, until the end of the run; gives how many messages each has sent.
pub(super) fn all<'s>(
    scope: &'s Scope<'s, '_>,
    gate: SocketAddr,
    course: Course,
    (book, calendar): (&'s Book, &'s Calendar),
) -> Vec<ScopedJoinHandle<'s, u64>> {
    let of = |line: usize| scope.spawn(move || send(line, gate, course, (book, calendar)));
    (0..LINES + LABORATORY).map(of).collect()
}

fn send(
    line: usize,
    gate: SocketAddr,
    course: Course,
    (book, calendar): (&Book, &Calendar),
) -> u64 {
    let (lines, place, rate) = match line.checked_sub(LINES) {
        Some(place) => (LABORATORY, place, LABORATORY_RATE),
        None => (LINES, line, RATE),
    };
    let (lines, place) = (u32::try_from(lines).expect("few"), u32::try_from(place).expect("few"));
    let mut connection = Line::open(gate);
    for nth in 0_u32.. {
        let due = Duration::from_secs(1) * (nth * lines + place) / rate;
        if !course.wait(due) {
            return u64::from(nth);
        }
        let message = Message::nth(line, u64::from(nth));
        let answer = connection.ask(&message.frame(calendar));
        let time = (course.began + due).elapsed();
        book.took(course.minute(), time);
        note(book, (line, message), &answer);
    }
    0
}

/// Counts an answer, and says what it should not have been.
pub(super) fn note(book: &Book, (line, message): (usize, Message), (code, id): &(String, String)) {
    let asked = control_id(line, message.own);
    let passes = matches!(message.kind, Kind::NotSurgical) || message.kind.passes();
    let nth = usize::try_from(message.own).expect("not so many");
    let wanted = if passes { "AA" } else { "AE" };
    if code != wanted || *id != asked {
        book.say(format!("{asked}, {:?}: answered {code} to {id}", message.kind));
    }
    match code.as_str() {
        "AA" => book.accepted.add((line, nth)),
        _ => book.refused.add((line, nth)),
    }
}
