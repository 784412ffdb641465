//! glTF that is broken, lies, or asks for what is not read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use common::gltf::{Binary, error, plain, prepare, same};
use onespace_core::Reason;
use serde_json::{Value, json};

#[test]
fn what_is_not_read_is_refused_by_name() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut binary = Binary::default();
        let places = binary.places();
        let mut document = binary.scene(json!([{"attributes": {"POSITION": places}, "mode": 5}]));
        change(&mut document);
        binary.glb(&document)
    };
    let draco = with(&|document| {
        document["meshes"][0]["primitives"][0]["extensions"] = json!({"KHR_draco_mesh_compression": {"bufferView": 0}});
    });
    let meshopt = with(&|document| {
        document["bufferViews"][0]["extensions"] = json!({"EXT_meshopt_compression": {"buffer": 0}});
    });
    let required = with(&|document| document["extensionsRequired"] = json!(["KHR_texture_basisu"]));
    let many = with(&|document| document["nodes"][0]["extensions"] = json!({"EXT_mesh_gpu_instancing": {}}));
    let old = with(&|document| document["asset"]["version"] = json!("1.0"));
    for (bytes, name) in [
        (draco, "KHR_draco_mesh_compression"),
        (meshopt, "EXT_meshopt_compression"),
        (required, "KHR_texture_basisu"),
        (many, "EXT_mesh_gpu_instancing"),
        (old, "glTF 1.0"),
        ([&b"glTF\x01\0\0\0"[..], &[0; 12]].concat(), "GLB 1"),
    ] {
        let refused = error(&bytes);
        assert_eq!(refused.reason, Reason::MediaUnsupported, "{refused}");
        assert!(refused.message.contains(name), "{refused}");
    }
}

#[test]
fn what_is_claimed_and_not_there_is_refused() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut binary = Binary::default();
        let places = binary.places();
        let indices = binary.numbers(5121, "SCALAR", 4, &[0, 1, 2, 3]);
        let mut document = binary.scene(json!([{"attributes": {"POSITION": places}, "mode": 5, "indices": indices}]));
        change(&mut document);
        binary.glb(&document)
    };
    let whole = with(&|_| {});
    assert!(prepare(&whole).is_ok());
    for length in 0..whole.len() {
        let reason = error(&whole[..length]).reason;
        assert!(matches!(reason, Reason::MediaMalformed | Reason::MediaEmpty), "{length}: {reason:?}");
    }
    let large = u64::from(u32::MAX);
    let broken: [(&dyn Fn(&mut Value), Reason); 16] = [
        (&|document| document["accessors"][0]["count"] = json!(5), Reason::MediaMalformed),
        (&|document| document["accessors"][0]["count"] = json!(u64::MAX), Reason::MediaTooLarge),
        (&|document| document["accessors"][1]["count"] = json!(large), Reason::MediaTooLarge),
        (&|document| document["accessors"][0]["byteOffset"] = json!(u64::MAX), Reason::MediaMalformed),
        (&|document| document["accessors"][0]["componentType"] = json!(5124), Reason::MediaMalformed),
        (&|document| document["accessors"][0]["type"] = json!("VEC2"), Reason::MediaMalformed),
        (&|document| document["bufferViews"][0]["byteStride"] = json!(u64::MAX), Reason::MediaMalformed),
        (&|document| document["bufferViews"][0]["byteLength"] = json!(u64::MAX), Reason::MediaMalformed),
        (&|document| document["bufferViews"][0]["buffer"] = json!(1), Reason::MediaMalformed),
        (&|document| document["bufferViews"][1]["byteOffset"] = json!(49), Reason::MediaMalformed),
        (&|document| document["nodes"][0]["children"] = json!([0]), Reason::MediaMalformed),
        (&|document| document["nodes"][0]["children"] = json!([7]), Reason::MediaMalformed),
        (&|document| document["scenes"][0]["nodes"] = json!([0, 0]), Reason::MediaMalformed),
        (&|document| document["nodes"][0]["mesh"] = json!(3), Reason::MediaMalformed),
        (&|document| document["meshes"][0]["primitives"][0]["mode"] = json!(7), Reason::MediaMalformed),
        (&|document| document["meshes"][0]["primitives"][0]["attributes"] = json!({}), Reason::MediaMalformed),
    ];
    for (number, (change, reason)) in broken.into_iter().enumerate() {
        assert_eq!(error(&with(change)).reason, reason, "{number}");
    }
    // Few bytes that stand for many: nodes that show the same mesh, and objects that are nothing.
    let many = with(&|document| {
        document["accessors"][1] = json!({"componentType": 5121, "type": "SCALAR", "count": 4_000_000});
        document["nodes"] = json!((0..1000).map(|_| json!({"mesh": 0})).collect::<Vec<_>>());
        document["scenes"] = json!([{"nodes": (0..1000).collect::<Vec<_>>()}]);
    });
    assert_eq!(error(&many).reason, Reason::MediaTooLarge);
    let objects = format!("{{\"asset\": {{\"version\": \"2.0\"}}, \"nodes\": [{}{{}}]}}", "{},".repeat(300_000));
    assert_eq!(error(objects.as_bytes()).reason, Reason::MediaTooLarge);
    let deep = with(&|document| {
        document["nodes"] =
            (0..50_000).map(|node| json!({"children": [node + 1]})).chain([json!({"mesh": 0})]).collect();
    });
    same(&deep, &plain());
}
