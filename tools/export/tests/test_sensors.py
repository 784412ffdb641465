"""Depth maps, thermal pictures and motion: the rules of the reference, one by one."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional as tv

from onespace_export import Refused, corpus, samples
from onespace_export.families.imagebind import sensors


def tiff(plane) -> bytes:
    return samples.encoded(plane, "TIFF")


def test_a_hole_takes_the_nearest_known_value_of_its_row():
    row = np.array([[0, 0, 1, 0, 0, 2, -3, np.nan, np.inf, 4, 0]], np.float32)
    # Of two as near the left one.
    assert sensors.filled(row).tolist() == [[1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4]]


def test_a_row_without_any_takes_the_nearest_row():
    plane = np.zeros((6, 2), np.float32)
    plane[1], plane[4] = [0, 1], [2, 0]
    assert sensors.filled(plane).tolist() == [[1, 1], [1, 1], [1, 1], [2, 2], [2, 2], [2, 2]]
    plane[2, 0] = 7
    assert sensors.filled(plane)[:, 0].tolist() == [1, 1, 7, 7, 2, 2]
    plane[:] = 0
    plane[0, 0], plane[2, 0] = 3, 5
    assert sensors.filled(plane)[1].tolist() == [3, 3]


def test_nothing_known_is_refused():
    with pytest.raises(Refused, match="without any known value"):
        sensors.depth(tiff(np.full((8, 8), np.nan, np.float32)))


def test_integers_are_millimetres_and_floats_metres():
    plane = samples.millimetres(samples.depth(61, 47, 1))
    want = plane.astype(np.float32) * np.float32(0.001)
    for data in (samples.encoded(plane, "PNG"), tiff(plane), tiff(plane.astype(">u2")), tiff(want)):
        assert np.array_equal(sensors.metres(data), want)
    few = np.arange(64, dtype=np.uint8).reshape(8, 8)
    want = few.astype(np.float32) * np.float32(0.001)
    assert np.array_equal(sensors.metres(samples.encoded(few, "PNG")), want)
    grey = Image.merge("LA", [Image.fromarray(few), Image.fromarray(255 - few)])
    assert np.array_equal(sensors.metres(samples.encoded(grey, "PNG")), want)


def test_a_colour_file_is_no_depth_map():
    for kind in ("RGB", "RGBA", "P"):
        image = Image.fromarray(samples.picture(20, 20, 1)).convert(kind)
        with pytest.raises(Refused, match=f"this one is {kind}"):
            sensors.depth(samples.encoded(image, "PNG"))


def test_depth_becomes_disparity_within_its_bounds():
    for metres, pixels in ((2.0, 38.914343 / 2), (0.1, 75.0), (1e5, 0.01)):
        given = sensors.depth(tiff(np.full((300, 250), metres, np.float32)))
        assert given.shape == (1, 1, 224, 224) and given.dtype == torch.float32
        assert torch.allclose(given, torch.tensor((pixels / 75 - 0.0418) / 0.0295), rtol=1e-5)


@pytest.mark.parametrize("size", [(640, 480), (333, 501), (61, 47), (224, 224), (227, 224), (901, 253)])
def test_planes_are_resized_and_cut_as_torchvision_does(size):
    plane = np.random.default_rng(1).uniform(size=size[::-1]).astype(np.float32)
    theirs = tv.resize(torch.from_numpy(plane)[None], 224, tv.InterpolationMode.BICUBIC, antialias=True)
    assert torch.allclose(sensors._fitted(plane)[0], tv.center_crop(theirs, [224, 224]), atol=1e-6)


def test_colours_become_grey_as_pillow_does_it():
    colours = samples.picture(224, 224, 5)
    grey = (colours.astype(np.int64) @ [19595, 38470, 7471] + 32768) >> 16
    given = sensors.thermal(samples.encoded(colours, "PNG"))[0, 0].numpy()
    assert np.abs(given - grey / 255).max() < 1e-6
    assert torch.equal(
        sensors.thermal(samples.encoded(grey.astype(np.uint8), "PNG")), sensors.thermal(samples.encoded(colours, "PNG"))
    )


def test_a_thermal_picture_of_sixteen_bit_is_refused_without_a_range():
    plane = samples.millimetres(samples.depth(40, 30, 1))
    for data in (samples.encoded(plane, "PNG"), tiff(plane), tiff(plane.astype(np.float32))):
        with pytest.raises(Refused, match="no range"):
            sensors.thermal(data)


def test_pictures_are_turned_upright():
    upright, turned = (Image.fromarray(samples.thermal(300, 240, 3)), Image.Exif())
    turned[corpus.EXIF_ORIENTATION] = 6
    lying = samples.encoded(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=turned)
    assert torch.equal(sensors.thermal(lying), sensors.thermal(samples.encoded(upright, "PNG")))


def test_the_same_readings_in_every_layout():
    rows, times = samples.motion(6.0, 100, 2), np.arange(600) / 100
    turned = np.concatenate([rows[:, 3:], rows[:, :3]], 1)
    names = ("gyroscope_x", "GY", "gyro_z", "accelerometer_X", "acc_y", "az")
    files = {
        "time": (samples.csv(rows, times, digits=17), ""),
        "nanoseconds, shuffled": (samples.csv(turned, 1e9 * times, names, "timestamp_ns", ";", digits=17), ""),
        "comment": (samples.csv(rows, names=None, comment="# Rate = 100 Hz", separator="\t", digits=17), ""),
        "media type": (samples.csv(rows, digits=17), "text/csv; rate=100"),
        "rows": (samples.npy(rows), "application/x-npy; rate=100"),
        "columns": (samples.npy(rows.T.copy()), "application/x-npy; rate=100"),
        "Fortran": (samples.npy(np.asfortranarray(rows)), "application/x-npy; rate=100"),
    }  # fmt: skip
    for name, (data, said) in files.items():
        assert np.allclose(sensors.readings(data, said), sensors.readings(files["time"][0]), atol=1e-6), name
    assert len(sensors.readings(files["time"][0])) == 2400


def test_what_the_file_says_comes_before_its_media_type():
    rows = samples.motion(1.0, 100, 2)
    times = np.arange(100) / 100
    assert len(sensors.readings(samples.csv(rows, times, comment="# rate: 50"), "text/csv; rate=25")) == 400
    assert len(sensors.readings(samples.csv(rows, comment="# rate: 50"), "text/csv; rate=25")) == 800
    assert len(sensors.readings(samples.csv(rows), "text/csv; rate=25")) == 1600


def test_readings_are_interpolated_and_the_last_one_stays():
    rows = np.arange(4.0)[:, None] + np.zeros(6)
    even = sensors.readings(samples.npy(rows), "application/x-npy; rate=100")
    assert np.allclose(even[:, 0], [*np.arange(13) / 4, 3, 3, 3])
    # A mean step of 2/3 · 0.01 s more behind the last of uneven times.
    uneven = sensors.readings(samples.csv(rows, np.array([5, 5.005, 5.015, 5.03])))
    assert np.allclose(uneven[:, 0], np.interp(np.arange(16) / 400, [0, 0.005, 0.015, 0.03], range(4)))


def test_readings_that_cannot_be_understood_are_refused():
    rows = samples.motion(1.0, 100, 2)
    cases = {
        "no rate": samples.csv(rows),
        "times do not rise": samples.csv(rows, np.zeros(100)),
        "no column gyro_z": samples.csv(rows[:, :5], np.arange(100) / 100, samples.SENSORS[:5]),
        "7 columns without a header": samples.csv(
            np.column_stack([rows, rows[:, 0]]), names=None, comment="# rate: 100"
        ),
        "a rate of 20000 Hz": samples.csv(rows, comment="# rate: 20000"),
        "without a single step": samples.csv(rows[:1], comment="# rate: 10000"),
    }
    for reason, data in cases.items():
        with pytest.raises(Refused, match=reason):
            sensors.motion(data)


def test_windows_follow_each_other_and_the_last_ends_with_the_recording():
    assert sensors.starts(1) == sensors.starts(2000) == [0]
    assert sensors.starts(2001) == [0, 1]
    assert sensors.starts(4000) == [0, 2000]
    assert sensors.starts(5300) == [0, 2000, 3300]
    assert sensors.starts(24_000) == list(range(0, 24_000, 2000))
    assert sensors.starts(24_001) == [i * 22_001 // 11 for i in range(12)]


def test_a_short_recording_ends_in_zeros():
    given = sensors.motion(samples.csv(samples.motion(1.0, 100, 2), np.arange(100) / 100))
    assert given.shape == (1, 6, 2000) and given.dtype == torch.float32
    assert (given[:, :, 400:] == 0).all() and (given[:, :, :400] != 0).all()
    assert sensors.motion(samples.csv(samples.motion(7.0, 100, 2), np.arange(700) / 100)).shape == (2, 6, 2000)


@pytest.mark.parametrize("modality", ["depth", "thermal", "imu"])
def test_the_reference_tells_every_file_of_the_corpus(exported, tmp_path, modality):
    tower, vectors = exported("imagebind")[0].towers[modality], []
    for name, path in corpus.files(tmp_path, modality).items():
        said = corpus.MEDIA_TYPES.get(name)
        vectors.append(tower.reference(path.read_bytes(), *([said] if said else [])))
    apart = np.array(vectors) @ np.array(vectors).T
    assert np.isfinite(apart).all() and apart[~np.eye(len(apart), dtype=bool)].mean() < 0.9


def test_the_table_says_what_the_reference_does():
    tables = sensors.tables()
    assert {k: tables["depth"][k] for k in ("encoding", "baseline_focal", "min", "max", "unit_m")} == {
        "encoding": "disparity", "baseline_focal": 38.914343, "min": 0.01, "max": 75.0, "unit_m": 0.001,
    }  # fmt: skip
    assert all(
        (t["resize"], t["filter"], t["antialias"]) == ("shortest-edge", "bicubic", True)
        for n, t in tables.items()
        if n != "imu"
    )
    assert "range" not in tables["thermal"] and (tables["thermal"]["mean"], tables["thermal"]["std"]) == ([0.0], [1.0])
    assert (tables["imu"]["rate"], tables["imu"]["steps"], tables["imu"]["max_windows"]) == (400, 2000, 12)
    assert tables["imu"]["channels"] == list(samples.SENSORS)
