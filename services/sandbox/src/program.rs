//! The fork server, as a program that is started.

use std::{
    ffi::OsString,
    io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use onespace_core::limits;
use rustix::{
    cmsg_space,
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, IoSlice},
    net::{
        AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv,
        sendmsg, socketpair,
    },
};

use crate::confine::Confinement;

/// How a fork server is started: a program that calls [`serve`](crate::serve).
#[derive(Clone, Debug)]
pub struct Program {
    /// What to start.
    pub path: PathBuf,
    /// What to call it with.
    pub arguments: Vec<OsString>,
    /// All of its environment. It has no use for the server's, in which there may be secrets.
    pub environment: Vec<(OsString, OsString)>,
}

impl Program {
    /// The program that is running, even where another one has taken its place on the disk.
    #[must_use]
    pub fn itself(arguments: Vec<OsString>) -> Self {
        Self { path: "/proc/self/exe".into(), arguments, environment: Vec::new() }
    }
}

/// A fork server that runs. It ends with this, and its workers with it.
#[derive(Debug)]
pub struct ForkServer {
    control: OwnedFd,
    process: Child,
}

impl ForkServer {
    /// Starts one and waits until it can copy itself.
    pub fn start(program: &Program) -> io::Result<(Self, Confinement)> {
        let (control, theirs) = connection()?;
        let process = Command::new(&program.path)
            .arg0("onespace")
            .args(&program.arguments)
            .env_clear()
            .envs(program.environment.iter().cloned())
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            // What ends a server on a terminal is meant for the server, which goes on for a while.
            .process_group(0)
            .spawn()?;
        let server = Self { control, process };
        let confinement = server.greeting()?;
        metrics::counter!("onespace_decoder_starts_total").increment(1);
        Ok((server, confinement))
    }

    fn greeting(&self) -> io::Result<Confinement> {
        let longest = Duration::from_millis(limits::DECODER_START_MS as u64);
        let late = || {
            let message = format!("it has not started within {} ms (DECODER_START_MS)", limits::DECODER_START_MS);
            io::Error::new(io::ErrorKind::TimedOut, message)
        };
        let begun = Instant::now();
        while !readable(&self.control, Duration::from_millis(100))? {
            if begun.elapsed() > longest {
                return Err(late());
            }
        }
        let mut greeting = [0; 256];
        let greeting = receive(&self.control, &mut greeting)?;
        if greeting.is_empty() {
            return Err(io::Error::other("it has ended before it was ready"));
        }
        Ok(serde_json::from_slice(greeting)?)
    }

    /// Has a worker made that works on `shared` and whose end `wire` tells.
    pub fn fork(&self, wire: &OwnedFd, shared: impl AsFd) -> io::Result<()> {
        let descriptors = [wire.as_fd(), shared.as_fd()];
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(2))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        sendmsg(&self.control, &[IoSlice::new(&[0])], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

impl Drop for ForkServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Two ends, for messages that stay whole.
pub fn connection() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Whether there is something to receive within so long, the end of the connection included.
pub fn readable(end: &OwnedFd, within: Duration) -> io::Result<bool> {
    let timeout = Timespec { tv_sec: 0, tv_nsec: within.subsec_nanos().into() };
    match poll(&mut [PollFd::new(end, PollFlags::IN)], Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// One message; an empty one is the end of the connection.
pub fn receive<'b>(end: &OwnedFd, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let (received, _) = rustix::io::retry_on_intr(|| recv(end, &mut *buffer, RecvFlags::empty()))?;
    Ok(buffer.get(..received).unwrap_or_default())
}
