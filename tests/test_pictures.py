"""Picture files of every kind: the expected values are worked out by hand."""

import gzip
import io
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageFile, features

from fundus_utils.data import pictures, read_mask, read_photograph
from fundus_utils.errors import FundusError

GREY16 = np.array([[0, 257, 128], [32896, 65535, 65278]], np.uint16)
GREY16_READ = [[0, 1, 0], [128, 255, 254]]  # v / 257, rounded
CORNER = np.array([[0, 1], [0, 0]], np.uint8)


def png16_rgb(pixels: np.ndarray) -> bytes:
    """Return a 16-bit RGB PNG, which Pillow reads but cannot write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_grey_is_scaled_to_three_equal_channels(name: str, tmp_path: Path) -> None:
    Image.fromarray(GREY16).save(tmp_path / name)
    photograph = read_photograph(tmp_path / name)
    assert photograph.dtype == np.uint8 and photograph.shape == (2, 3, 3)
    assert all(photograph[..., channel].tolist() == GREY16_READ for channel in range(3))


def test_16_bit_colour_keeps_the_high_bytes(tmp_path: Path) -> None:
    pixels = np.array([[[65535, 32768, 255], [256, 0, 65280]]], np.uint16)
    (tmp_path / "a.png").write_bytes(png16_rgb(pixels))
    assert read_photograph(tmp_path / "a.png").tolist() == [[[255, 128, 0], [1, 0, 255]]]


def palette(colours: list[int], indices: np.ndarray = CORNER) -> Image.Image:
    picture = Image.fromarray(indices)
    picture.putpalette(colours)
    return picture


@pytest.mark.parametrize(
    ("picture", "dark", "bright"),
    [
        (Image.fromarray(CORNER * 200), [0, 0, 0], [200, 200, 200]),
        (Image.fromarray(CORNER > 0), [0, 0, 0], [255, 255, 255]),
        (Image.fromarray(np.dstack([CORNER * 9, CORNER, CORNER, CORNER])), [0, 0, 0], [9, 1, 1]),
        (palette([10, 20, 30, 200, 100, 50]), [10, 20, 30], [200, 100, 50]),
    ],
    ids=["grey", "1-bit", "RGBA", "palette"],
)
def test_other_modes_become_rgb(picture, dark: list, bright: list, tmp_path: Path) -> None:
    picture.save(tmp_path / "a.png")
    photograph = read_photograph(tmp_path / "a.png")
    assert photograph.dtype == np.uint8
    assert photograph.tolist() == [[dark, bright], [dark, dark]]


def test_a_surround_that_was_cut_out_is_black(tmp_path: Path) -> None:
    white = np.full((2, 3, 4), 255, np.uint8)
    white[0, :, 3] = 0, 1, 255
    white[1, :, 3] = 0
    Image.fromarray(white).save(tmp_path / "a.png")
    found = read_photograph(tmp_path / "a.png")
    assert found[..., 0].tolist() == [[0, 255, 255], [0, 0, 0]]
    white[..., 3] = 0  # all of it: a mistake
    Image.fromarray(white).save(tmp_path / "b.png")
    assert read_photograph(tmp_path / "b.png").min() == 255


def test_cmyk_jpeg(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg", quality=100)
    photograph = read_photograph(tmp_path / "red.jpg").astype(int)
    assert abs(photograph - [255, 0, 0]).max() <= 3  # JPEG is not exact


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    picture = Image.new("RGB", (32, 16))
    picture.paste((255, 255, 255), (0, 0, 16, 16))  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    picture.save(tmp_path / "a.jpg", exif=exif)
    photograph = read_photograph(tmp_path / "a.jpg")
    assert photograph.shape == (32, 16, 3)
    assert photograph[:14].min() > 250 and photograph[18:].max() < 5  # left has become top


def test_packed_picture_with_capital_suffix(tmp_path: Path) -> None:
    written = io.BytesIO()
    Image.new("RGB", (3, 2), (1, 2, 3)).save(written, "PPM")
    (tmp_path / "A.PPM.GZ").write_bytes(gzip.compress(written.getvalue()))
    assert read_photograph(tmp_path / "A.PPM.GZ").tolist() == [[[1, 2, 3]] * 3] * 2


def test_32_bit_values_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(FundusError, match=r"a\.tif holds 32-bit"):
        read_photograph(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "picture",
    [
        Image.fromarray(CORNER),
        Image.fromarray(CORNER * 255),
        Image.fromarray(CORNER > 0),
        Image.fromarray(CORNER.astype(np.uint16) * 65535),
        Image.fromarray(np.dstack([CORNER * 255] * 3)),
        Image.fromarray(np.dstack([CORNER * 255, (1 - CORNER) * 254, CORNER * 0])),
        palette([0, 0, 0, 255, 255, 255]),
        palette([0, 0, 0, 128, 0, 0]),
        palette([255, 0, 0, 0, 255, 0]),
        palette([0, 0, 0, 0, 0, 0]),
        palette([255, 255, 255, 0, 0, 0], 1 - CORNER),  # programs sort palettes as they like
    ],
    ids=[
        "01",
        "0255",
        "1-bit",
        "16-bit",
        "RGB",
        "red-green",
        "P",
        "P-red",
        "P-red-green",
        "P-black",
        "P-swapped",
    ],
)
def test_brighter_value_of_a_label_is_true(picture, tmp_path: Path) -> None:
    picture.save(tmp_path / "a.png")
    label = read_mask(tmp_path / "a.png", (2, 2))
    assert label.dtype == bool and label.tolist() == [[False, True], [False, False]]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "I;16"])
def test_label_without_a_vessel_is_all_false(mode: str, tmp_path: Path) -> None:
    Image.new(mode, (3, 2)).save(tmp_path / "a.png")
    assert not read_mask(tmp_path / "a.png", (2, 3)).any()


def test_full_mask_is_all_true(tmp_path: Path) -> None:
    Image.new("L", (3, 2), 255).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png", (2, 3)).all()


@given(
    hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20)),
    st.tuples(st.integers(0, 254), st.integers(1, 255)).filter(lambda pair: pair[0] < pair[1]),
)
def test_any_two_valued_label_survives(label: np.ndarray, values: tuple[int, int]) -> None:
    low, high = values
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.png")
        Image.fromarray(np.where(label, high, low).astype(np.uint8)).save(path)
        read = read_mask(path, label.shape)
    if label.any() and not label.all():
        assert np.array_equal(read, label)
    else:  # one value alone: True unless it is 0
        assert read.all() if (high if label.all() else low) else not read.any()


def corrupt_gz(path: Path) -> None:
    packed = bytearray(gzip.compress(bytes(500) + b"abc" * 90))
    packed[12] ^= 0xFF
    path.write_bytes(packed)


def bomb(path: Path) -> None:
    """Write the header of a picture of 40000 x 40000 pixels."""
    path.write_bytes(b"P5 40000 40000 255\n")


def no_pixels(path: Path) -> None:
    path.write_bytes(b"P5 0 0 255\n")


def link_circle(path: Path) -> None:
    path.symlink_to(path)


def unknown_flags(path: Path) -> None:
    """Write a DDS picture whose pixel format, in bytes 80 to 83 (`dwFlags`), does not exist."""
    written = io.BytesIO()
    Image.new("RGB", (4, 4)).save(written, "DDS")
    content = bytearray(written.getvalue())
    content[80:84] = struct.pack("<I", 0x12345000)
    path.write_bytes(content)


def test_a_folder_is_told_from_a_broken_picture(tmp_path: Path) -> None:
    with pytest.raises(FundusError, match=f"{tmp_path.name} is a folder, not a picture: name a"):
        read_photograph(tmp_path)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.ppm.gz", corrupt_gz),
        ("a.pgm", bomb),
        ("a.pgm", no_pixels),
        ("a.png", link_circle),
        ("a.dds", unknown_flags),
    ],
)
def test_unreadable_file_is_named(name: str, make, tmp_path: Path) -> None:
    make(tmp_path / name)
    words = "(cannot be read as a picture|has too many pixels|is in no picture format)"
    with pytest.raises(FundusError, match=rf"{name} {words}.*: \w"):
        read_photograph(tmp_path / name)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("x"), NotImplementedError("x"), MemoryError(), KeyError("x"), struct.error("x")],
    ids=repr,
)
def test_whatever_a_decoder_raises_names_the_file(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(image: ImageFile.ImageFile) -> None:
        raise error

    Image.fromarray(CORNER).save(tmp_path / "a.png")
    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(FundusError, match=r"a\.png cannot be read as a picture \(\S+\): "):
        read_mask(tmp_path / "a.png", (2, 2))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_broken_exif_data_do_not_refuse_a_picture(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    Image.new("RGB", (3, 2), (255, 255, 255)).save(path, exif=b"Exif\0\0garbage, no TIFF header")
    assert read_photograph(path).tolist() == [[[255, 255, 255]] * 3] * 2


def test_a_picture_is_read_from_bytes_that_are_on_no_disk(tmp_path: Path) -> None:
    Image.fromarray(CORNER * 200).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    given = read_photograph(Path("upload.png"), content)
    assert np.array_equal(given, read_photograph(tmp_path / "a.png"))
    packed = gzip.compress(content)
    assert np.array_equal(read_photograph(Path("upload.png.gz"), packed), given)
    for broken, said in ((b"", "is empty"), (b"text", "is in no"), (b"\x1f\x8b", "cannot be")):
        with pytest.raises(FundusError, match=rf"^upload\.png {said}"):
            read_photograph(Path("upload.png"), broken)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FundusError, match=r"gone\.png does not exist"):
        read_photograph(tmp_path / "gone.png")


@pytest.mark.skipif(not features.check("avif"), reason="Pillow was built without AVIF")
def test_avif_cut_anywhere_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), (200, 100, 40)).save(tmp_path / "a.avif")
    content = (tmp_path / "a.avif").read_bytes()
    for length in range(1, len(content)):
        with pytest.raises(FundusError, match=r"cut\.avif"):
            read_photograph(Path("cut.avif"), content[:length])


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "BMP", "PPM"])
def test_file_cut_anywhere_is_refused(kind: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    written = io.BytesIO()
    Image.fromarray(noise).save(written, kind)
    content = written.getvalue()
    for share in (0.02, 0.3, 0.6, 0.9):
        path = tmp_path / f"cut.{kind.lower()}"
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(FundusError, match="cut"):
            read_photograph(path)


def test_a_packed_file_is_known_by_its_bytes_not_its_name(tmp_path: Path) -> None:
    Image.fromarray(CORNER * 255).save(tmp_path / "plain.ppm.gz", format="PPM")
    (tmp_path / "packed.ppm").write_bytes(gzip.compress((tmp_path / "plain.ppm.gz").read_bytes()))
    for name in ("plain.ppm.gz", "packed.ppm"):
        assert np.array_equal(read_mask(tmp_path / name, (2, 2)), CORNER == 1)


def test_a_file_packed_in_parts_is_read_whole(tmp_path: Path) -> None:
    Image.fromarray(CORNER * 255).save(tmp_path / "a.ppm")
    content = (tmp_path / "a.ppm").read_bytes()
    parts = gzip.compress(content[:5]) + gzip.compress(content[5:])
    (tmp_path / "a.ppm.gz").write_bytes(parts)
    assert np.array_equal(read_mask(tmp_path / "a.ppm.gz", (2, 2)), CORNER == 1)
    for rest in (parts[:-1], parts[:-9], parts + b"more"):
        (tmp_path / "a.ppm.gz").write_bytes(rest)
        with pytest.raises(FundusError, match=r"a\.ppm\.gz cannot be read as a picture"):
            read_mask(tmp_path / "a.ppm.gz", (2, 2))


def test_a_packed_file_is_unpacked_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pictures.UNPACKED_LIMIT == 2**29
    content = b"P5 100 100 255\n" + bytes(10_000)
    (tmp_path / "a.pgm.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(pictures, "UNPACKED_LIMIT", len(content))
    assert read_photograph(tmp_path / "a.pgm.gz").shape == (100, 100, 3)
    monkeypatch.setattr(pictures, "UNPACKED_LIMIT", len(content) - 1)
    with pytest.raises(FundusError, match=r"a\.pgm\.gz unpacks to more than"):
        read_photograph(tmp_path / "a.pgm.gz")


def test_16_bit_pgm_is_scaled_as_other_16_bit_files(tmp_path: Path) -> None:
    pixels = GREY16.astype(">u2").tobytes()
    (tmp_path / "a.pgm").write_bytes(b"P5 3 2 65535\n" + pixels)
    assert read_photograph(tmp_path / "a.pgm")[..., 0].tolist() == GREY16_READ


@pytest.mark.parametrize("colour", [0, 255])
def test_a_label_on_a_transparent_layer_is_refused(colour: int, tmp_path: Path) -> None:
    layer = np.full((2, 2, 4), colour, np.uint8)
    layer[..., 3] = CORNER * 255
    Image.fromarray(layer).save(tmp_path / "a.png")
    with pytest.raises(FundusError, match=r"a\.png is partly transparent.*white on black"):
        read_mask(tmp_path / "a.png", (2, 2))


def test_a_label_that_holds_no_numbers_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.where(CORNER, 1, np.nan).astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(FundusError, match="must hold two"):
        read_mask(tmp_path / "a.tif", (2, 2))


def test_a_transparent_colour_is_no_field_of_view(tmp_path: Path) -> None:
    colours = np.full((20, 30, 3), 255, np.uint8)
    colours[5:15, 5:25] = (200, 90, 30)
    picture = Image.fromarray(colours)
    picture.save(tmp_path / "rgb.png", transparency=(255, 255, 255))
    palette = picture.quantize(2)
    white = palette.getpixel((0, 0))
    palette.save(tmp_path / "palette.png", transparency=white)
    palette.save(tmp_path / "palette.gif", transparency=white)
    for name in ("rgb.png", "palette.png", "palette.gif"):
        read = read_photograph(tmp_path / name)
        assert read[0, 0].max() == 0 and abs(read[10, 10].astype(int) - (200, 90, 30)).max() < 9
