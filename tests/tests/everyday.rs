//! The shipped space on things that people know, and on what could go wrong with them.

use std::fs;

use onespace_proto::v1;
use onespace_tests::{
    Client, Server, Topology,
    client::{data, text},
    root,
    vectors::cosine,
};
use tokio::sync::OnceCell;

struct Ground {
    server: Server,
}

async fn client() -> Client {
    static GROUND: OnceCell<Ground> = OnceCell::const_new();
    let launch = || async {
        let server = Server::launch(Topology::Single, &root().join("bundles/everyday")).await;
        server.ready().await;
        Ground { server }
    };
    GROUND.get_or_init(launch).await.server.client().await
}

fn sample(name: &str) -> v1::Media {
    data(fs::read(root().join("samples/everyday").join(name)).unwrap())
}

/// The samples of a folder, by name, with their vectors.
async fn folder(client: &Client, name: &str) -> Vec<(String, Vec<f32>)> {
    let mut found = Vec::new();
    for file in fs::read_dir(root().join("samples/everyday").join(name)).unwrap() {
        let path = file.unwrap().path();
        let vector = client.vector(data(fs::read(&path).unwrap())).await;
        found.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), vector));
    }
    found
}

fn best(asked: &[f32], found: &[(String, Vec<f32>)]) -> String {
    let nearest = found.iter().max_by(|a, b| cosine(asked, &a.1).total_cmp(&cosine(asked, &b.1)));
    nearest.unwrap().0.clone()
}

#[tokio::test]
async fn words_of_several_languages_find_photographs() {
    let client = client().await;
    let photographs = folder(&client, "images").await;
    for (asked, wanted) in [
        ("a cat", "cat"),
        ("Eine Katze", "cat"),
        ("кошка", "cat"),
        ("一只猫", "cat"),
        ("un chat", "cat"),
        ("something to drink", "cup-of-coffee"),
        ("una taza de café", "cup-of-coffee"),
        ("a rocket launch", "rocket"),
        ("Ziegelmauer", "brick-wall"),
    ] {
        assert_eq!(best(&client.vector(text(asked)).await, &photographs), wanted, "{asked}");
    }
}

#[tokio::test]
async fn words_find_sounds_and_sounds_words() {
    let client = client().await;
    let sounds = folder(&client, "sounds").await;
    for (asked, wanted) in
        [("a crow is cawing", "crow"), ("фортепиано", "piano"), ("drumming", "drum-roll"), ("eine Gitarre", "guitar")]
    {
        assert_eq!(best(&client.vector(text(asked)).await, &sounds), wanted, "{asked}");
    }
    let words = folder(&client, "texts").await;
    assert_eq!(best(&client.vector(sample("sounds/crow.flac")).await, &words), "crow");
}

#[tokio::test]
async fn a_photograph_is_found_again_in_its_film() {
    let client = client().await;
    let films = folder(&client, "videos").await;
    assert_eq!(best(&client.vector(sample("images/rocket.jpg")).await, &films), "rocket-and-drums");
    assert_eq!(best(&client.vector(text("a cat")).await, &films), "cat");
}

/// A text has nothing in the values that say how a picture looks and a recording sounds.
#[tokio::test]
async fn the_looks_of_a_picture_are_no_matter_of_words() {
    let client = client().await;
    let words = client.vector(text("a cat")).await;
    assert_eq!(words.len(), 384);
    assert!(words[256..].iter().all(|value| *value == 0.0));
    let picture = client.vector(sample("images/cat.jpg")).await;
    let look: f32 = picture[256..320].iter().map(|value| value * value).sum();
    assert!((0.25..0.9).contains(&look), "{look}");
    assert!(picture[320..].iter().all(|value| *value == 0.0));
}

fn wave(samples: impl ExactSizeIterator<Item = i16>) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    file.extend(bytes.to_le_bytes());
    samples.for_each(|sample| file.extend(sample.to_le_bytes()));
    file
}

#[tokio::test]
async fn silence_has_a_vector() {
    let client = client().await;
    for seconds in [1, 12] {
        let vector = client.vector(data(wave(std::iter::repeat_n(0, 16_000 * seconds)))).await;
        assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-4, "{seconds} s");
    }
}

#[tokio::test]
async fn what_shows_nothing_is_told_apart_from_what_is_broken() {
    let client = client().await;
    let cloud = |points: &str, count: usize| {
        let properties = "property float x\nproperty float y\nproperty float z";
        data(format!("ply\nformat ascii 1.0\nelement vertex {count}\n{properties}\nend_header\n{points}").into_bytes())
    };
    let equal = client.embed(vec![cloud("1 2 3\n1 2 3\n1 2 3\n", 3)]).await.remove(0);
    let error = equal.unwrap_err();
    assert!(error.field.ends_with("bytes") && error.message.contains("place"), "{error:?}");
    let line = client.embed(vec![cloud("0 0 0\n1 0 0\n2 0 0\n", 3)]).await.remove(0);
    assert!(line.is_ok(), "{line:?}");
    let triangle = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n\
                    element face 1\nproperty list uchar int vertex_indices\nend_header\n\
                    0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n";
    assert!(client.embed(vec![data(triangle.as_bytes().to_vec())]).await.remove(0).is_ok());
    let mut black = b"BM".to_vec();
    black.extend([102_u32, 0, 54, 40, 4, 4, 0x18_0001, 0, 48, 0, 0, 0, 0].iter().flat_map(|word| word.to_le_bytes()));
    black.extend([0; 48]);
    assert!(client.embed(vec![data(black)]).await.remove(0).is_ok(), "a black image is an image");
}
