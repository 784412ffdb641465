//! A decoder that attacks, in workers. This executable is the server and the program that workers are copies of.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod attacker;
mod processes;

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{self, Command, ExitCode, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use attacker::Attacker;
use libtest_mimic::{Arguments, Trial};
use onespace_core::{
    Deadline, Modality, Patience, Prepare, PrepareRequest, Prepared, Reason, Result, Sample, Tensor, limits,
};
use onespace_sandbox::{Preparers, Program, Sandbox, serve};
use processes::{children, gone, kill, status, until};
use seccompiler::{SeccompAction, SeccompFilter, apply_filter};

const WORKER: &str = "decode-worker";
const SERVER: &str = "server";
const OLD_KERNEL: &str = "old-kernel";

fn main() -> ExitCode {
    match env::args().nth(1).as_deref() {
        Some(WORKER) => {
            serve(&Preparers::from([(Modality::Image, Arc::new(Attacker) as Arc<dyn Prepare>)])).unwrap();
            ExitCode::SUCCESS
        }
        Some(SERVER) => be_a_server(),
        Some(OLD_KERNEL) => be_on_an_old_kernel(),
        _ => {
            // One after the other: they look at the children of this process.
            let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
            libtest_mimic::run(&arguments, tests()).exit_code()
        }
    }
}

fn tests() -> Vec<Trial> {
    macro_rules! trials {
        ($($name:ident)+) => { vec![$(Trial::test(stringify!($name), || { $name(); Ok(()) })),+] };
    }
    trials! {
        what_is_prepared_comes_back_whole
        an_attack_is_stopped_and_costs_its_media_alone
        what_nobody_waits_for_is_killed
        a_worker_has_its_media_and_nothing_else
        a_thousand_crashes_leave_sound_media_their_speed
        a_worker_that_is_killed_costs_its_media_alone
        a_program_that_is_killed_costs_nothing
        nothing_is_left_when_a_server_ends_however_it_does
        an_old_kernel_confines_as_far_as_it_can
    }
}

/// The preparer of a sandbox whose decoder is the attacker; the sandbox ends with it.
fn attacked() -> Arc<dyn Prepare> {
    Sandbox::start(Program::itself(vec![WORKER.into()])).unwrap().preparer(Modality::Image)
}

fn prepare(preparer: &Arc<dyn Prepare>, media: &str) -> Result<Prepared> {
    // What sleeps for ever ends with a test that fails.
    let patience = Patience::until(Deadline::after(Duration::from_secs(30)));
    preparer.prepare(&PrepareRequest::of(media.as_bytes()).within(&patience))
}

fn reason(outcome: Result<Prepared>) -> Reason {
    outcome.map(|prepared| panic!("it succeeded: {prepared:?}")).unwrap_or_else(|error| error.reason)
}

/// The program that workers are copies of: the one child of this process.
fn program() -> i32 {
    let found = children(process::id() as i32);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

fn what_is_prepared_comes_back_whole() {
    let preparer = attacked();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|value| (value % 251) as u8).collect();
    let media = [b"echo".as_slice(), &bytes].concat();
    let request = PrepareRequest { media_type: Some("text/\"quoted\""), ..PrepareRequest::of(&media) };
    let there = preparer.prepare(&request).unwrap();
    assert_eq!(there, Attacker.prepare(&request).unwrap());
    let [Sample { tensors, .. }] = there.samples.as_slice() else { panic!("{} samples", there.samples.len()) };
    let expected = media.iter().map(|byte| i64::from(*byte)).collect::<Vec<_>>();
    assert_eq!(tensors[0], Tensor::i64([media.len()], expected));
    // Errors come as they are in process, a panic's too.
    for media in ["refuse", "panic", "nothing"] {
        let request = PrepareRequest::of(media.as_bytes());
        assert_eq!(preparer.prepare(&request), Attacker.prepare(&request), "{media}");
    }
    assert_eq!(reason(preparer.prepare(&PrepareRequest::of(b""))), Reason::MediaEmpty);
}

fn an_attack_is_stopped_and_costs_its_media_alone() {
    let preparer = attacked();
    let started = program();
    for (attack, expected) in [
        ("socket", Reason::MediaMalformed),
        ("connect", Reason::MediaMalformed),
        ("open /etc/passwd", Reason::MediaMalformed),
        ("open /proc/self/exe", Reason::MediaMalformed),
        ("create /tmp/onespace-attacked", Reason::MediaMalformed),
        ("exec", Reason::MediaMalformed),
        ("fork", Reason::MediaMalformed),
        ("spawn", Reason::MediaMalformed),
        ("thread", Reason::MediaMalformed),
        ("signal", Reason::MediaMalformed),
        ("unconfine", Reason::MediaMalformed),
        ("abort", Reason::MediaMalformed),
        ("overflow", Reason::MediaMalformed),
        ("exit", Reason::MediaMalformed),
        ("2 GiB", Reason::MediaTooLarge),
        ("flood", Reason::MediaTooLarge),
        ("panic", Reason::Panicked),
    ] {
        let begun = Instant::now();
        let error = prepare(&preparer, attack).expect_err(attack);
        println!("{attack}: {error} ({:?})", begun.elapsed());
        assert_eq!((error.reason, error.field.as_str()), (expected, "bytes"), "{attack}: {error}");
        prepare(&preparer, "sound").unwrap();
    }
    assert!(!Path::new("/tmp/onespace-attacked").exists());
    assert_eq!(program(), started, "nothing was started again");
    until("every worker has gone", || children(started).is_empty());
}

fn what_nobody_waits_for_is_killed() {
    let preparer = attacked();
    let started = program();
    let spin = |patience: &Patience| preparer.prepare(&PrepareRequest::of(b"spin").within(patience));
    let begun = Instant::now();
    let late = spin(&Patience::until(Deadline::after(Duration::from_millis(200))));
    assert_eq!(reason(late), Reason::DeadlineExceeded);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    until("a worker whose deadline has passed is killed", || children(started).is_empty());

    let caller = Patience::endless();
    let left = thread::scope(|scope| {
        let left = scope.spawn(|| spin(&caller));
        until("the worker spins", || children(started).len() == 1);
        caller.leave();
        left.join().unwrap()
    });
    assert_eq!(reason(left), Reason::Cancelled);
    until("a worker whose caller has gone is killed", || children(started).is_empty());
    assert_eq!(reason(spin(&Patience::endless().at_most(0))), Reason::MediaTooLarge);
}

fn a_worker_has_its_media_and_nothing_else() {
    let preparer = attacked();
    let started = program();
    thread::scope(|scope| {
        let sleepers: Vec<_> = (0..2).map(|_| scope.spawn(|| prepare(&preparer, "sleep"))).collect();
        until("both are at work", || {
            let workers = children(started);
            workers.len() == 2 && workers.iter().all(|worker| status(*worker, "Seccomp:") == "2")
        });
        for worker in children(started) {
            assert_has_its_media_alone(worker);
            kill(worker);
        }
        sleepers.into_iter().for_each(|sleeper| assert!(sleeper.join().unwrap().is_err()));
    });
}

fn assert_has_its_media_alone(worker: i32) {
    let of = |what: &str| format!("/proc/{worker}/{what}");
    assert_eq!((status(worker, "NoNewPrivs:"), status(worker, "Threads:")), ("1".to_owned(), "1".to_owned()));
    let table = fs::read_to_string(of("limits")).unwrap();
    let limit = |name: &str| {
        let line = table.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!((limit("Max open files"), limit("Max processes"), limit("Max core file size")), (0, 0, 0));
    assert_eq!(limit("Max cpu time"), limits::DECODER_CPU_SECONDS as u64);
    let least = limits::DECODER_BYTES as u64;
    assert!((least..least + (1 << 30)).contains(&limit("Max address space")), "{table}");
    // Nothing in and out, its media twice (errors go there as well), and its wire; beside them what whoever started
    // this test has left open for all.
    let inherited = |number: &str| {
        let flags = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
        let flags = flags.lines().find_map(|line| line.strip_prefix("flags:")).map(str::trim).map(ToOwned::to_owned);
        let flags = flags.and_then(|flags| i32::from_str_radix(&flags, 8).ok());
        number.parse::<i32>().unwrap() > 2 && flags.is_some_and(|flags| flags & libc::O_CLOEXEC == 0)
    };
    let open = fs::read_dir(of("fd")).unwrap().map(|entry| entry.unwrap());
    let open = open.filter(|entry| !inherited(entry.file_name().to_str().unwrap()));
    let mut open: Vec<_> = open.map(|entry| fs::read_link(entry.path()).unwrap().display().to_string()).collect();
    open.sort();
    let [input, output, media, errors, wire] = open.as_slice() else { panic!("{open:?}") };
    assert!(input == "/dev/null" && output == input, "{open:?}");
    assert!(media.contains("memfd:onespace-media") && errors == media && wire.starts_with("socket:"), "{open:?}");
    let environment = fs::read(of("environ")).unwrap();
    assert!(environment.is_empty(), "{}", String::from_utf8_lossy(&environment));
    assert_eq!(fs::read_to_string(of("oom_score_adj")).unwrap().trim(), "1000");
}

fn a_thousand_crashes_leave_sound_media_their_speed() {
    let preparer = attacked();
    let round = || {
        let begun = Instant::now();
        (0..300).for_each(|_| drop(prepare(&preparer, "work").unwrap()));
        begun.elapsed()
    };
    // The best of several: other work on this machine is no crash.
    let best = || (0..5).map(|_| round()).min().unwrap();
    round();
    let before = best();
    let begun = Instant::now();
    for _ in 0..1000 {
        assert_eq!(reason(prepare(&preparer, "abort")), Reason::MediaMalformed);
    }
    let crashes = begun.elapsed();
    let after = best();
    println!("300 media of 2 ms: {before:?} before and {after:?} after 1000 crashes, which took {crashes:?}");
    assert!(after.as_secs_f64() * 0.9 <= before.as_secs_f64(), "{before:?} before, {after:?} after");
}

fn a_worker_that_is_killed_costs_its_media_alone() {
    let preparer = attacked();
    let started = program();
    let (killed, other) = thread::scope(|scope| {
        let killed = scope.spawn(|| prepare(&preparer, "sleep"));
        until("it is at work", || children(started).len() == 1);
        let victim = children(started)[0];
        let other = scope.spawn(|| prepare(&preparer, "nap"));
        until("both are at work", || children(started).len() == 2);
        kill(victim);
        (killed.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(reason(killed), Reason::Panicked);
    other.unwrap();
    assert_eq!(program(), started);
}

fn a_program_that_is_killed_costs_nothing() {
    let preparer = attacked();
    let started = program();
    thread::scope(|scope| {
        let nap = scope.spawn(|| prepare(&preparer, "nap"));
        until("it is at work", || children(started).len() == 1);
        let worker = children(started)[0];
        kill(started);
        until("its worker went with it", || gone(worker));
        nap.join().unwrap().unwrap();
    });
    assert_ne!(program(), started);
    prepare(&preparer, "sound").unwrap();
}

/// A server with one media that takes long.
fn be_a_server() -> ExitCode {
    let preparer = attacked();
    let busy = Arc::clone(&preparer);
    thread::spawn(move || prepare(&busy, "spin"));
    let started = program();
    until("it is at work", || children(started).len() == 1);
    println!("{started} {}", children(started)[0]);
    io::stdout().flush().unwrap();
    io::stdin().read_line(&mut String::new()).unwrap();
    ExitCode::SUCCESS
}

fn nothing_is_left_when_a_server_ends_however_it_does() {
    for killed in [true, false] {
        let mut server = Command::new("/proc/self/exe");
        let mut server = server.arg(SERVER).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pids: Vec<i32> = line.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
        assert!(pids.len() == 2 && !pids.iter().any(|pid| gone(*pid)), "{line:?}");
        if killed {
            server.kill().unwrap();
        } else {
            drop(server.stdin.take());
        }
        server.wait().unwrap();
        until("its processes have gone", || pids.iter().all(|pid| gone(*pid)));
    }
}

/// A kernel that knows neither Landlock nor filters, as far as this process and those it starts can tell.
fn be_on_an_old_kernel() -> ExitCode {
    let unknown = [libc::SYS_landlock_create_ruleset, libc::SYS_seccomp].map(|call| (call, Vec::new())).into();
    let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let arch = env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(unknown, SeccompAction::Allow, missing, arch).unwrap();
    let filter: seccompiler::BpfProgram = filter.try_into().unwrap();
    apply_filter(&filter).unwrap();
    let sandbox = Sandbox::start(Program::itself(vec![WORKER.into()])).unwrap();
    println!("{}", sandbox.confinement());
    let preparer = sandbox.preparer(Modality::Image);
    for attack in ["socket", "open /etc/passwd", "2 GiB", "abort"] {
        println!("{attack}: {}", reason(prepare(&preparer, attack)).name());
        prepare(&preparer, "sound").unwrap();
    }
    ExitCode::SUCCESS
}

fn an_old_kernel_confines_as_far_as_it_can() {
    let ran = Command::new("/proc/self/exe").arg(OLD_KERNEL).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let told = "no Landlock, no seccomp, limits\nsocket: MEDIA_MALFORMED\nopen /etc/passwd: MEDIA_MALFORMED\n\
                2 GiB: MEDIA_TOO_LARGE\nabort: MEDIA_MALFORMED\n";
    assert_eq!(String::from_utf8_lossy(&ran.stdout), told);
}
