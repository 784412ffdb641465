//! What a process gives up for good, and those it starts with it. Nothing here takes a privilege.

use std::{collections::BTreeMap, fmt, fs, io};

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope};
use onespace_core::limits;
use rustix::{
    param::page_size,
    process::{Resource, Rlimit, getpid, setrlimit},
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};
use serde::{Deserialize, Serialize};

/// What the kernel holds workers to, beside the limits that every Linux knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Paths, the network, and signals to others.
    pub landlock: bool,
    /// System calls.
    pub seccomp: bool,
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |what: bool, name: &'static str| if what { name.to_owned() } else { format!("no {name}") };
        write!(f, "{}, {}, limits", has(self.landlock, "Landlock"), has(self.seccomp, "seccomp"))
    }
}

/// Confines the fork server, and with it every worker: no file and no network, whatever is left of memory, no core.
/// Gives whether the kernel has Landlock.
///
/// # Errors
/// Where the kernel refuses what every kernel has.
pub fn fork_server() -> io::Result<bool> {
    let memory = mapped()?.saturating_add(limits::DECODER_BYTES as u64);
    limit(Resource::As, memory)?;
    limit(Resource::Fsize, (limits::DECODER_ANSWER_BYTES + limits::DECODER_ANSWER_HEAD_BYTES) as u64)?;
    limit(Resource::Core, 0)?;
    landlock().map_err(io::Error::other)
}

/// Confines a worker further: no new file or process, so much processor time, and with `seccomp` no system call but
/// those that computing takes.
///
/// # Errors
/// Where the kernel refuses.
pub fn worker(seccomp: bool) -> io::Result<()> {
    limit(Resource::Nofile, 0)?;
    limit(Resource::Nproc, 0)?;
    let seconds = limits::DECODER_CPU_SECONDS as u64;
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds + 1) })?;
    if !seccomp {
        return Ok(());
    }
    // Of two filters that disagree the stricter one holds. The second forbids to put up a third.
    let allowed = allowed().map_err(io::Error::other)?;
    let refused = refused().map_err(io::Error::other)?;
    apply_filter(&allowed).and_then(|()| apply_filter(&refused)).map_err(io::Error::other)
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// What this process has mapped, its program and libraries included.
fn mapped() -> io::Result<u64> {
    let pages = fs::read_to_string("/proc/self/statm")?;
    let pages = pages.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    Ok(pages.ok_or(io::ErrorKind::InvalidData)? * page_size() as u64)
}

/// No path may be opened, no port bound or connected to, no signal sent out of here.
fn landlock() -> Result<bool, RulesetError> {
    // Older kernels hold what they know of it.
    let newest = ABI::V7;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Calls that libraries try and can do without. They are told so; every other call that is not [`allowed`] ends the
/// process.
fn refused() -> Result<BpfProgram, BackendError> {
    let rules = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    program(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EACCES.unsigned_abs()))
}

/// The calls that computing takes, on memory and on descriptors that are there.
fn allowed() -> Result<BpfProgram, BackendError> {
    let mut rules: Rules = COMPUTING.iter().chain(REFUSED).map(|call| (*call, Vec::new())).collect();
    // Memory that is never code.
    let data = condition(2, SeccompCmpOp::MaskedEq(libc::PROT_EXEC.unsigned_abs().into()), 0)?;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![SeccompRule::new(vec![data.clone()])?]);
    }
    // A process may end itself, which is how `abort` does it, and nobody else.
    let itself = condition(0, SeccompCmpOp::Eq, getpid().as_raw_nonzero().get().unsigned_abs().into())?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![itself])?]);
    program(rules, SeccompAction::KillProcess, SeccompAction::Allow)
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn program(rules: Rules, others: SeccompAction, these: SeccompAction) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules, others, these, std::env::consts::ARCH.try_into()?)?.try_into()
}

const COMPUTING: &[i64] = &[
    // The media, the answer, the word that it is there; all on what is open.
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_lseek,
    libc::SYS_ftruncate,
    libc::SYS_close,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Locks and time.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_sysinfo,
    // Itself, and its end.
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

const REFUSED: &[i64] = &[
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_newfstatat,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_ioctl,
    libc::SYS_fcntl,
    libc::SYS_prctl,
    libc::SYS_seccomp,
    libc::SYS_prlimit64,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_access,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_stat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_readlink,
];
