//! A decoder that does what its media says, as one does that somebody has taken over.

use std::{
    fs::File,
    hint::black_box,
    io,
    net::{TcpStream, UdpSocket},
    os::unix::process::CommandExt,
    process::{self, Command},
    thread,
    time::{Duration, Instant},
};

use onespace_core::{
    Error, Modality, Note, NoteReason, Prepare, PrepareRequest, Prepared, Reason, Result, Sample, Tensor, limits,
};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};

/// What its media say is done.
pub struct Attacker;

impl Prepare for Attacker {
    fn modality(&self) -> Modality {
        Modality::Image
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        if request.bytes.starts_with(b"echo") {
            let bytes: Vec<i64> = request.bytes.iter().map(|byte| i64::from(*byte)).collect();
            let samples = vec![Sample::whole(Modality::Image, vec![Tensor::i64([bytes.len()], bytes)])];
            let said = request.media_type.unwrap_or_default();
            return Ok(Prepared { samples, notes: vec![Note::new(NoteReason::NoSpeech, said)] });
        }
        let order = String::from_utf8_lossy(request.bytes).into_owned();
        let (verb, path) = order.split_once(' ').unwrap_or((&order, ""));
        let done = match verb {
            "socket" => UdpSocket::bind("127.0.0.1:0").map(drop),
            "connect" => TcpStream::connect("127.0.0.1:1").map(drop),
            "open" => File::open(path).map(drop),
            "create" => File::create(path).map(drop),
            "exec" => Err(Command::new("/bin/true").exec()),
            "spawn" => Command::new("/bin/true").status().map(drop),
            "fork" => fork::fork().map(drop),
            "thread" => thread::Builder::new().spawn(|| ()).map(drop),
            "signal" => kill_process(getpid(), Signal::KILL).map_err(io::Error::from),
            "unconfine" => {
                let most = Rlimit { current: Some(1000), maximum: Some(1000) };
                setrlimit(Resource::Nofile, most).map_err(io::Error::from)
            }
            "2" => {
                black_box(vec![1_u8; 2 << 30]);
                Ok(())
            }
            "flood" => return Ok(flood()),
            "abort" => process::abort(),
            "exit" => process::exit(0),
            "overflow" => {
                overflow(0);
                Ok(())
            }
            "panic" => panic!("as it was told to"),
            "refuse" => return Err(Error::new(Reason::MediaUnsupported, "bytes", "of a kind that is not decoded")),
            "nothing" => return Ok(Prepared::default()),
            "spin" => loop {
                black_box(());
            },
            "sleep" => loop {
                thread::sleep(Duration::from_millis(10));
            },
            "nap" => {
                thread::sleep(Duration::from_millis(700));
                Ok(())
            }
            "work" => {
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_millis(2) {}
                Ok(())
            }
            "sound" => Ok(()),
            other => panic!("unknown: {other}"),
        };
        done.map_err(|error| Error::malformed("bytes", error.to_string()))?;
        Ok(vec![Sample::whole(Modality::Image, vec![Tensor::f32([3], vec![0.5, -0.0, 1.0])])].into())
    }
}

/// More than an answer may have.
fn flood() -> Prepared {
    let values = limits::DECODER_ANSWER_BYTES / size_of::<f32>() + (1 << 20);
    vec![Sample::whole(Modality::Image, vec![Tensor::f32([values], vec![1.0; values])])].into()
}

#[expect(unconditional_recursion, reason = "it ends where the stack does")]
fn overflow(depth: u64) -> u64 {
    let room = black_box([depth; 1024]);
    overflow(depth + 1) + room[0]
}
