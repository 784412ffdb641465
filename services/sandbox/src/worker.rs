//! The other side: a program of one thread that copies itself for each media, and what a copy does.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    process,
    sync::Arc,
};

use fork::{Fork, fork};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use onespace_core::{Modality, Prepare};
use rustix::{
    cmsg_space,
    event::{PollFd, PollFlags, poll},
    io::{Errno, retry_on_intr, write},
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
    process::{
        Pid, PidfdFlags, Signal, WaitOptions, getpid, getppid, kill_process, pidfd_open,
        set_parent_process_death_signal, waitpid,
    },
};

use crate::{
    confine::{self, Confinement},
    message::{Ending, take_request, write_answer},
    shared::Shared,
};

/// What a worker decodes with.
pub type Preparers = BTreeMap<Modality, Arc<dyn Prepare>>;

/// The status of a worker that could not begin or end its work.
const FAILED: i32 = 70;

/// A worker.
#[derive(Debug)]
struct Job {
    pid: Pid,
    /// Readable once it has ended.
    ended: OwnedFd,
    /// To whoever waits for it; none once it was killed.
    wire: Option<OwnedFd>,
}

/// Serves the server whose connection is this process's input, until that ends. The process has one thread, and is
/// confined for good.
///
/// # Errors
/// What keeps it from copying itself.
pub fn serve(preparers: &Preparers) -> io::Result<()> {
    let control = io::stdin().as_fd().try_clone_to_owned()?;
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&nothing)?;
    dup2_stdout(&nothing)?;
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("only a process of one thread can copy itself"));
    }
    // When memory runs out, workers go first.
    if let Err(error) = fs::write("/proc/self/oom_score_adj", "1000") {
        eprintln!("onespace: workers do not go first when memory runs out: {error}");
    }
    let landlock = confine::fork_server()?;
    let confinement = Confinement { landlock, seccomp: takes_filters()? };
    write(&control, &serde_json::to_vec(&confinement)?)?;
    let mut jobs: Vec<Job> = Vec::new();
    loop {
        let called = wait(&control, &mut jobs)?;
        if !called {
            continue;
        }
        let Some((wire, shared)) = receive_job(&control)? else { return Ok(()) };
        let parent = getpid();
        match fork() {
            Ok(Fork::Child) => {
                // A worker holds nothing of the server's, nor of other workers.
                drop((control, jobs, nothing));
                process::exit(work(&wire, shared, parent, preparers, confinement.seccomp));
            }
            Ok(Fork::Parent(pid)) => jobs.extend(Job::new(pid, wire)),
            // Whoever waits sees its wire end.
            Err(error) => eprintln!("onespace: the program that decodes cannot copy itself: {error}"),
        }
    }
}

/// Whether a copy of this process can be confined as workers are: seen by doing it.
fn takes_filters() -> io::Result<bool> {
    match fork()? {
        Fork::Child => process::exit(confine::worker(true).map_or(FAILED, |()| 0)),
        Fork::Parent(pid) => {
            let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
            let ended = pidfd_open(pid, PidfdFlags::empty())?;
            retry_on_intr(|| poll(&mut [PollFd::new(&ended, PollFlags::IN)], None))?;
            match how_it_ended(pid)? {
                Ending::Exited(0) => Ok(true),
                Ending::Exited(_) => Ok(false),
                ending => Err(io::Error::other(format!("a confined process does not run: {ending:?}"))),
            }
        }
    }
}

impl Job {
    fn new(pid: i32, wire: OwnedFd) -> Option<Self> {
        let pid = Pid::from_raw(pid)?;
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(ended) => Some(Self { pid, ended, wire: Some(wire) }),
            Err(error) => {
                eprintln!("onespace: a worker cannot be watched: {error}");
                let _ = kill_process(pid, Signal::KILL);
                let _ = how_it_ended(pid);
                None
            }
        }
    }

    /// Nobody waits for it.
    fn kill(&mut self) {
        self.wire = None;
        // It is this process's child until it has been waited for, so the number is its own.
        let _ = kill_process(self.pid, Signal::KILL);
    }

    /// Tells whoever waits how it ended.
    fn tell(&self) {
        let ending = how_it_ended(self.pid).unwrap_or(Ending::Exited(FAILED));
        if let Some(wire) = &self.wire {
            let _ = write(wire, &ending.to_bytes());
        }
    }
}

fn how_it_ended(pid: Pid) -> io::Result<Ending> {
    let status = retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()))?.map(|(_, status)| status);
    let signal = status.and_then(|status| status.terminating_signal());
    let exit = status.and_then(|status| status.exit_status());
    Ok(signal.map_or(Ending::Exited(exit.unwrap_or(FAILED)), Ending::Signalled))
}

/// Waits for a call, for a worker that ends or for whoever waits for one to go away; gives whether there is a call.
fn wait(control: &OwnedFd, jobs: &mut Vec<Job>) -> io::Result<bool> {
    let (called, ended, left) = {
        let ended = jobs.iter().map(|job| PollFd::new(&job.ended, PollFlags::IN));
        let wires = jobs.iter().filter_map(|job| job.wire.as_ref());
        // Of a wire that ended the kernel tells unasked.
        let wires = wires.map(|wire| PollFd::new(wire, PollFlags::empty()));
        let mut all: Vec<PollFd<'_>> =
            [PollFd::new(control, PollFlags::IN)].into_iter().chain(ended).chain(wires).collect();
        match poll(&mut all, None) {
            Err(Errno::INTR) => return Ok(false),
            ready => ready?,
        };
        let mut told = all.iter().map(|end| !end.revents().is_empty());
        let called = told.next().unwrap_or(false);
        let ended: Vec<bool> = told.by_ref().take(jobs.len()).collect();
        let left = jobs.iter().map(|job| job.wire.is_some() && told.next().unwrap_or(false));
        (called, ended, left.collect::<Vec<bool>>())
    };
    for (job, _) in jobs.iter_mut().zip(left).filter(|(_, left)| *left) {
        job.kill();
    }
    let mut ended = ended.into_iter();
    jobs.retain(|job| {
        let over = ended.next().unwrap_or(false);
        if over {
            job.tell();
        }
        !over
    });
    Ok(called)
}

/// A wire and what is shared, as the server sends them; none when it has ended.
fn receive_job(control: &OwnedFd) -> io::Result<Option<(OwnedFd, Shared)>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message =
        retry_on_intr(|| recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC))?;
    if message.bytes == 0 {
        return Ok(None);
    }
    let mut descriptors = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    match (descriptors.next(), descriptors.next()) {
        (Some(wire), Some(shared)) => Ok(Some((wire, Shared::from(shared)))),
        _ => Err(io::Error::other("a call without its descriptors: are there too many open files?")),
    }
}

/// What a copy does, before it ends with this status.
fn work(wire: &OwnedFd, shared: Shared, parent: Pid, preparers: &Preparers, seccomp: bool) -> i32 {
    let worked = || -> io::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if getppid() != Some(parent) {
            return Err(io::Error::other("the fork server has ended"));
        }
        // Its last words, if it comes to that.
        dup2_stderr(&shared)?;
        confine::worker(seccomp)?;
        let (ask, media) = take_request(&shared)?;
        let preparer = preparers.get(&ask.modality).ok_or_else(|| io::Error::other("no decoder of this modality"))?;
        write_answer(&shared, &preparer.prepare(&ask.request(&media)))?;
        write(wire, &Ending::Answered.to_bytes())?;
        Ok(())
    };
    match worked() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            FAILED
        }
    }
}
