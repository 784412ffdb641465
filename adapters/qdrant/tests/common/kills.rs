//! A child that writes until it is killed, and what must then be there.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
};

use onespace_core::{CollectionRef, Filter, Match, Point, Scalar, VectorStore};
use onespace_qdrant::EmbeddedStore;

use super::*;

const BATCH: u64 = 64;
/// Names the directory to the child, and how many writes were made before it.
const CHILD: &str = "ONESPACE_TEST_CHILD";

pub fn photos() -> CollectionRef {
    collection("default", "photos")
}

/// What a child writes, the same in every process.
#[derive(Clone, Copy)]
pub struct Script {
    /// The length of its vectors.
    pub sides: usize,
    /// Whether it deletes by a filter now and then.
    pub filters: bool,
}

/// One write: new items mostly, now and then older ones with another content, now and then older ones deleted.
pub enum Write {
    Put(Vec<Point>),
    Delete(Vec<String>),
    /// All of a year.
    DeleteYear(i64),
}

fn of_year(year: i64) -> Filter {
    must(vec![field("year", Match::Any(vec![Scalar::Integer(year)]))])
}

impl Script {
    pub fn write(self, step: u64) -> Write {
        if self.filters && step % 40 == 39 {
            return Write::DeleteYear(i64::try_from(step / 40 % 7).unwrap());
        }
        let mut dice = Dice(step);
        let batch = |of: u64| (0..BATCH).map(move |n| format!("{of}-{n}"));
        let older = dice.roll(step.max(1));
        match dice.roll(8) {
            0 => Write::Delete(batch(older).step_by(3).collect()),
            roll => {
                let of = if roll == 1 { older } else { step };
                let put = batch(of).map(|name| {
                    let mut put = point(&space("one", self.sides), &name, dice.vector(self.sides));
                    put.content_hash = content(&format!("written at {step}"));
                    put.metadata = metadata(&format!(r#"{{"year":{},"colour":"blue"}}"#, step % 7));
                    put
                });
                Write::Put(put.collect())
            }
        }
    }

    pub fn after(self, steps: u64) -> BTreeMap<String, Point> {
        let mut there = BTreeMap::new();
        (0..steps).for_each(|step| take(&mut there, self.write(step)));
        there
    }

    /// Opens the store and goes on writing where the last one was killed, saying so after each write.
    pub async fn write_on(self, store: &EmbeddedStore, from: u64, mut told: impl FnMut(u64)) {
        if store.collection(&photos()).await.is_err() {
            store.create_collection(&spec(&photos(), &space("one", self.sides))).await.unwrap();
        }
        for step in from.. {
            make(store, self.write(step)).await;
            println!("\nwritten {step}");
            told(step);
        }
    }

    /// After how many writes a store is as it is, of those that it may be after.
    pub async fn steps(self, store: &EmbeddedStore, least: u64, most: u64) -> Option<u64> {
        let found = all(store).await;
        let mut expected = self.after(least);
        for steps in least..=most {
            let same = expected.len() == found.len()
                && expected.iter().zip(&found).all(|((a, wanted), (b, found))| {
                    a == b && wanted.content_hash == found.content_hash && wanted.metadata == found.metadata
                });
            if same {
                return Some(steps);
            }
            take(&mut expected, self.write(steps));
        }
        None
    }

    /// How a store differs from what it would be after so many writes: items that lack, that are too many, that have
    /// another content.
    pub async fn differs(self, store: &EmbeddedStore, least: u64, most: u64) -> Vec<(u64, usize, usize, usize)> {
        let found = all(store).await;
        let difference = |steps: u64| {
            let expected = self.after(steps);
            let lack = expected.keys().filter(|name| !found.contains_key(*name)).count();
            let many = found.keys().filter(|name| !expected.contains_key(*name)).count();
            let other = |(name, point): &(&String, &Point)| {
                expected.get(*name).is_some_and(|wanted| wanted.content_hash != point.content_hash)
            };
            (steps, lack, many, found.iter().filter(other).count())
        };
        (least..=most).map(difference).collect()
    }

    /// Everything acknowledged is there, with its vector; of the write that was under way all or nothing.
    pub async fn check(self, directory: &Path, acknowledged: u64) -> u64 {
        let store = EmbeddedStore::open(directory).unwrap();
        let steps = self.steps(&store, acknowledged, acknowledged + 1).await;
        let steps = match steps {
            Some(steps) => steps,
            None => panic!("{} items stand after {acknowledged} writes", all(&store).await.len()),
        };
        let expected = self.after(steps);
        let mut dice = Dice(acknowledged);
        let names: Vec<_> = expected.keys().cloned().collect();
        for _ in 0..50.min(names.len()) {
            let wanted = &expected[&dice.pick(&names)];
            let parts = read(&store, &photos(), &wanted.item).await;
            assert_eq!(parts.len(), 1);
            assert!(onespace_core::vector::dot(&parts[0].vector, &wanted.vector) > 0.9999);
            let query = nearest(wanted.vector.clone(), 3);
            let hits = store.search(&photos(), &query).await.unwrap();
            assert_eq!(hits[0].point.item, wanted.item);
            assert_eq!(hits[0].point.content_hash, wanted.content_hash);
        }
        // A filter sees what stands now, not what stood before.
        let listed = store.list_items(&photos(), &of_year(3), 100_000, None).await.unwrap().items;
        assert_eq!(listed.len(), expected.values().filter(|point| lets_through(&of_year(3), point)).count());
        steps
    }
}

fn take(there: &mut BTreeMap<String, Point>, write: Write) {
    match write {
        Write::Put(points) => there.extend(points.into_iter().map(|point| (point.item.to_string(), point))),
        Write::Delete(names) => names.iter().for_each(|name| drop(there.remove(name))),
        Write::DeleteYear(year) => there.retain(|_, point| !lets_through(&of_year(year), point)),
    }
}

pub async fn make(store: &EmbeddedStore, write: Write) {
    let items: Vec<_> = match write {
        Write::Put(points) => return store.upsert(&photos(), points).await.unwrap(),
        Write::Delete(names) => names.iter().map(|name| item(name)).collect(),
        Write::DeleteYear(year) => {
            let page = store.list_items(&photos(), &of_year(year), 1_000_000, None).await.unwrap();
            page.items.into_iter().map(|point| point.item).collect()
        }
    };
    store.delete_items(&photos(), &items, None).await.unwrap();
}

pub async fn all(store: &EmbeddedStore) -> BTreeMap<String, Point> {
    let (mut found, mut page) = (BTreeMap::new(), None::<String>);
    loop {
        let answer = store.list_items(&photos(), &Filter::default(), 1000, page.as_deref()).await.unwrap();
        found.extend(answer.items.into_iter().map(|point| (point.item.to_string(), point)));
        page = answer.next;
        if page.is_none() {
            return found;
        }
    }
}

/// What the child was told: its directory, and how many writes were made before it.
pub fn told() -> (String, u64) {
    let told = std::env::var(CHILD).expect("the tests that kill this one name a directory");
    let (directory, from) = told.rsplit_once(':').unwrap();
    (directory.to_owned(), from.parse().unwrap())
}

/// Starts a child, kills it once `enough` says so of a line it said, and gives all that it said.
pub fn kill_when(child: &str, directory: &Path, from: u64, mut enough: impl FnMut(&str) -> bool) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--ignored", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{}:{from}", directory.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let (mut lines, mut line) = (Vec::new(), String::new());
    while stdout.read_line(&mut line).unwrap() > 0 {
        lines.push(line.trim_end().to_owned());
        if enough(line.trim_end()) {
            break;
        }
        line.clear();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said before it died counts too.
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    lines.extend(rest.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(|line| line.trim_end().to_owned()));
    lines
}

/// The number behind a word that begins a line.
pub fn number(line: &str, word: &str) -> Option<u64> {
    line.strip_prefix(word)?.strip_prefix(' ')?.parse().ok()
}

/// As [`kill_when`], by the last write that it told of; how many writes there are now.
pub fn kill_after(child: &str, directory: &Path, from: u64, mut enough: impl FnMut(u64) -> bool) -> u64 {
    let lines = kill_when(child, directory, from, |line| number(line, "written").is_some_and(&mut enough));
    lines.iter().filter_map(|line| number(line, "written")).max().map_or(from, |step| step + 1)
}

/// A copy of a folder, with its holes.
pub fn copied(from: &Path, to: &Path) {
    let copied = Command::new("cp").args(["-r", "--sparse=always"]).arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}
