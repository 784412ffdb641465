//! Turns are given, waited for and refused.

use super::*;

fn pool() -> Pool {
    Pool::new("image", 1)
}

fn asks(deadline: Deadline) -> (Turn, Deadline) {
    (Turn::Asks, deadline)
}

fn nobody() -> RequestPermits {
    Arc::new(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_error_and_the_pool_lives_on() {
    let pool = pool();
    let error = pool
        .run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| -> Result<()> { panic!("injected") })
        .await
        .unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::Panicked, "bytes"));
    let light = pool.run(asks(Deadline::default()), nobody(), Weight::Light, |_| -> Result<()> { panic!("injected") });
    assert_eq!(light.await.unwrap_err().reason, Reason::Panicked);
    assert_eq!(pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(7)).await.unwrap().value, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_is_bounded_by_patience_and_deadline() {
    let pool = Arc::new(pool());
    let (release, held) = std::sync::mpsc::channel::<()>();
    let busy = Arc::clone(&pool);
    let permit = nobody();
    let permits = Arc::clone(&permit);
    let first = tokio::spawn(async move {
        busy.run(asks(Deadline::after(Duration::from_millis(300))), permits, Weight::Heavy, move |_| {
            let _ = held.recv();
            Ok(())
        })
        .await
    });
    while pool.turns.available_permits() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let late = pool
        .run(asks(Deadline::after(Duration::from_millis(20))), nobody(), Weight::Heavy, |_| Ok(()))
        .await
        .unwrap_err();
    assert_eq!(late.reason, Reason::DeadlineExceeded);
    assert_eq!(first.await.unwrap().unwrap_err().reason, Reason::DeadlineExceeded);
    assert_eq!(Arc::strong_count(&permit), 2, "the work still holds what it was admitted with");
    let full = pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(())).await.unwrap_err();
    assert_eq!((full.reason, full.retry_after.is_some()), (Reason::QueueFull, true));
    release.send(()).unwrap();
    while pool.inside() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(())).await.is_ok());
    assert_eq!(Arc::strong_count(&permit), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_would_wait_in_vain_is_told_at_once() {
    let pool = Arc::new(pool());
    pool.mean_us.store(300_000, Ordering::Relaxed);
    let (release, held) = std::sync::mpsc::channel::<()>();
    let busy = Arc::clone(&pool);
    let first = tokio::spawn(async move {
        busy.run(asks(Deadline::default()), nobody(), Weight::Heavy, move |_| {
            let _ = held.recv();
            Ok(())
        })
        .await
    });
    while pool.turns.available_permits() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let wait = || {
        let pool = Arc::clone(&pool);
        tokio::spawn(async move { pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(())).await })
    };
    let waiting = [wait(), wait(), wait(), wait()];
    while pool.waiting.load(Ordering::Relaxed) < waiting.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let began = Instant::now();
    let refused = pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(())).await.unwrap_err();
    assert_eq!((refused.reason, refused.retry_after.is_some()), (Reason::QueueFull, true));
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    release.send(()).unwrap();
    assert!(first.await.unwrap().is_ok());
    for one in waiting {
        assert!(one.await.unwrap().is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_to_an_idle_pool_is_not_late() {
    let pool = Pool::new("image", 1);
    let work = || pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(()));
    work().await.unwrap();
    // Longer than anybody waits: what was begun before is over, however long ago that was.
    tokio::time::sleep(pool.longest.1 + Duration::from_millis(100)).await;
    let (first, second, third) = tokio::join!(work(), work(), async { pool.check_turn(1, Deadline::default()) });
    assert!(first.is_ok() && second.is_ok() && third.is_ok(), "{second:?} {third:?}");
}

#[tokio::test]
async fn of_many_those_that_fit_have_their_turn() {
    let pool = Pool::new("image", 2);
    let turns = |media: usize| pool.check_turn(media, Deadline::after(Duration::from_secs(10))).unwrap();
    assert_eq!(turns(64), 64, "what is not known is tried");
    pool.mean_us.store(1_000_000, Ordering::Relaxed);
    let fit = turns(64);
    assert!((8..=10).contains(&fit), "half of ten seconds, two at once: {fit}");
    pool.mean_us.store(60_000_000, Ordering::Relaxed);
    assert_eq!(turns(64), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_work_that_does_not_end_nobody_waits() {
    let longest = Duration::from_millis(50);
    let pool = Arc::new(Pool::new("image", 1).patient("IN_A_TEST", 50));
    let (release, held) = std::sync::mpsc::channel::<()>();
    let busy = Arc::clone(&pool);
    let work = move |_: &Patience| {
        let _ = held.recv();
        Ok(())
    };
    let first = tokio::spawn(async move { busy.run(asks(Deadline::default()), nobody(), Weight::Heavy, work).await });
    while pool.inside() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(2 * longest).await;
    let refused = pool.check_turn(1, Deadline::default()).unwrap_err();
    assert_eq!((refused.reason, refused.retry_after.is_some()), (Reason::QueueFull, true));
    let late = pool.check_turn(1, Deadline::after(longest / 10)).unwrap_err();
    assert_eq!(late.reason, Reason::DeadlineExceeded);
    release.send(()).unwrap();
    assert!(first.await.unwrap().is_ok() && pool.inside() == 0);
    assert!(pool.check_turn(1, Deadline::default()).is_ok());
}

/// Work that looks up as decoders do, until it is told to stop.
fn looking_up(patience: &Patience) -> Result<()> {
    loop {
        patience.check("in a test")?;
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_ends_with_its_deadline_and_with_its_caller() {
    let pool = Arc::new(pool());
    let late = pool
        .run(asks(Deadline::after(Duration::from_millis(50))), nobody(), Weight::Heavy, looking_up)
        .await
        .unwrap_err();
    assert_eq!(late.reason, Reason::DeadlineExceeded);
    assert_eq!(pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(1)).await.unwrap().value, 1);
    let (busy, permit) = (Arc::clone(&pool), nobody());
    let permits = Arc::clone(&permit);
    let gone =
        tokio::spawn(async move { busy.run(asks(Deadline::default()), permits, Weight::Heavy, looking_up).await });
    while pool.turns.available_permits() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(pool.run(asks(Deadline::default()), nobody(), Weight::Heavy, |_| Ok(2)).await.unwrap().value, 2);
    assert_eq!(Arc::strong_count(&permit), 1);
}
