"""Downloads from a server of our own: whole, checked, or nothing at all."""

import hashlib
import http.server
import io
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from conftest import build_chase_db1, build_drive, build_hrf, build_stare

from fundus_utils.data import downloads, load_set
from fundus_utils.data.downloads import download
from fundus_utils.errors import FundusError
from fundus_utils.storage import PROJECT


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `files` from memory; the first `cuts` answers break off after half of their bytes."""

    files: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str | None]] = []  # the Range of each request
    cuts = 0
    ranges = True

    def do_GET(self) -> None:
        given = self.headers.get("Range")
        type(self).asked.append(given)
        content = self.files.get(self.path.strip("/"))
        if content is None:
            return self.send_error(404)
        start = int(given.removeprefix("bytes=").rstrip("-")) if given and self.ranges else 0
        if start >= len(content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = (start + len(content)) // 2 if type(self).cuts > 0 else len(content)
        type(self).cuts -= 1
        self.wfile.write(content[start:end])
        return None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Handler]]:
    """Serve on this machine, to which every archive's address points."""
    handler = type("Fresh", (Handler,), {"files": {}, "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        site = f"http://127.0.0.1:{running.server_port}/"
        for name in ("hrf", "stare"):
            moved = tuple(replace(archive, site=site) for archive in downloads.ARCHIVES[name])
            monkeypatch.setitem(downloads.ARCHIVES, name, moved)
        monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)  # before each new try
        yield handler
        running.shutdown()


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch):
    """Return a function that puts the true checksum of a made archive into the table."""

    def put(name: str, contents: dict[str, bytes]) -> None:
        table = []
        for archive in downloads.ARCHIVES[name]:
            algorithm = archive.checksum.split(":")[0]
            if archive.file in contents:
                digest = hashlib.new(algorithm, contents[archive.file]).hexdigest()
                archive = replace(archive, checksum=f"{algorithm}:{digest}")
            table.append(archive)
        monkeypatch.setitem(downloads.ARCHIVES, name, tuple(table))

    return put


def zipped(folder: Path, base: Path | None = None) -> bytes:
    """Zip the files of a folder, under their names below `base`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(f for f in folder.rglob("*") if f.is_file()):
            archive.write(file, file.relative_to(base or folder))
    return packed.getvalue()


def tarred(folder: Path) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)
    return packed.getvalue()


def hrf_zip(tmp_path: Path) -> bytes:
    build_hrf(tmp_path / "made")
    return zipped(tmp_path / "made")


def starts(server: type[Handler]) -> list[int]:
    """Return the byte from which each request asked."""
    return [int(asked.strip("bytes=-")) if asked else 0 for asked in server.asked]


def left(data: Path) -> list[str]:
    """List what lies in the data folder, hidden things too."""
    return sorted(path.name for path in data.iterdir())


def test_hrf_is_fetched_once(server, know, data, tmp_path, capsys) -> None:
    server.files["all.zip"] = hrf_zip(tmp_path)
    know("hrf", server.files)
    assert download("hrf") == data / "HRF"
    assert len(load_set("hrf", "all")) == 45 and load_set("hrf", "test")[0].label is not None
    assert left(data) == ["HRF"] and left(data / "HRF") == ["images", "manual1", "mask"]
    assert not list((tmp_path / "derived").rglob("all.zip*"))  # the archive is not kept
    capsys.readouterr()
    download("hrf")
    assert len(server.asked) == 1 and "nothing to do" in capsys.readouterr().out


def test_missing_file_of_a_set_is_fetched_again(server, know, data, tmp_path) -> None:
    server.files["all.zip"] = hrf_zip(tmp_path)
    know("hrf", server.files)
    download("hrf")
    (data / "HRF" / "mask" / "07_g_mask.tif").unlink()
    (data / "HRF" / "notes.txt").write_text("mine", encoding="utf-8")
    download("hrf")
    assert len(load_set("hrf", "test")) == 30
    assert (data / "HRF" / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_stare_fetches_only_the_tars_that_are_missing(server, know, data, tmp_path) -> None:
    build_stare(tmp_path / "made")
    for folder in ("stare-images", "labels-ah", "labels-vk"):
        server.files[f"{folder}.tar"] = tarred(tmp_path / "made" / folder)
    know("stare", server.files)
    download("stare", tmp_path / "other")
    assert left(tmp_path / "other" / "STARE") == ["labels-ah", "labels-vk", "stare-images"]
    (data / "STARE").mkdir()
    (tmp_path / "other/STARE/stare-images").rename(data / "STARE/stare-images")
    download("stare")
    assert len(server.asked) == 3 + 2
    assert all(sample.label2 is not None for sample in load_set("stare", "all"))


def test_broken_download_goes_on_where_it_stopped(server, know, data, tmp_path) -> None:
    server.files["all.zip"] = content = hrf_zip(tmp_path)
    know("hrf", server.files)
    server.cuts = 2
    download("hrf")
    first, second, third = starts(server)
    assert first == 0 < second < third < len(content)  # each goes on from more than the last
    assert len(load_set("hrf", "all")) == 45


def test_a_later_call_goes_on_too(server, know, data, tmp_path, monkeypatch) -> None:
    server.files["all.zip"] = content = hrf_zip(tmp_path)
    know("hrf", server.files)
    monkeypatch.setattr(downloads, "RETRIES", 0)
    server.cuts = 1
    with pytest.raises(FundusError, match=r"all\.zip could not be fetched.*goes on"):
        download("hrf")
    assert left(data) == []
    download("hrf")
    assert 0 == starts(server)[0] < starts(server)[1] < len(content)


def test_server_without_ranges_sends_everything_again(server, know, data, tmp_path) -> None:
    server.files["all.zip"] = hrf_zip(tmp_path)
    know("hrf", server.files)
    server.cuts, server.ranges = 1, False
    download("hrf")
    assert len(server.asked) == 2 and len(load_set("hrf", "all")) == 45


@pytest.mark.parametrize("stale", [b"another file", None], ids=["foreign", "already whole"])
def test_part_left_by_an_earlier_run(stale, server, know, data, tmp_path) -> None:
    server.files["all.zip"] = content = hrf_zip(tmp_path)
    know("hrf", server.files)
    part = tmp_path / "derived" / "downloads" / "hrf" / "all.zip.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content if stale is None else stale)
    download("hrf")
    assert len(load_set("hrf", "all")) == 45
    # A whole part needs one question; a foreign one fails its checksum and is fetched anew.
    assert len(server.asked) == (1 if stale is None else 2)


def test_wrong_checksum_leaves_nothing(server, data, tmp_path) -> None:
    server.files["all.zip"] = hrf_zip(tmp_path)  # the table has the true one's
    with pytest.raises(FundusError, match=r"/all\.zip is refused.*expected.*a914d02c"):
        download("hrf")
    assert left(data) == [] and not list((tmp_path / "derived").rglob("*.*"))


@pytest.mark.parametrize(
    "member", ["../out.txt", "/tmp/out.txt", "images\\..\\..\\out.txt", "C:\\out"]
)
def test_archive_that_points_outside_is_refused(member, server, know, data, tmp_path) -> None:
    packed = io.BytesIO(hrf_zip(tmp_path))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(member, "evil")
    server.files["all.zip"] = packed.getvalue()
    know("hrf", server.files)
    with pytest.raises(FundusError, match="points out of its folder"):
        download("hrf")
    assert left(data) == [] and not list(tmp_path.rglob("out*"))


@pytest.mark.parametrize(
    ("member", "link"), [("../out", ""), ("/out", ""), ("im0001.x", "/etc/hosts")]
)
def test_tar_that_points_outside_is_refused(member, link, server, know, data) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo(member)
        info.type, info.linkname = (tarfile.SYMTYPE, link) if link else (tarfile.REGTYPE, "")
        archive.addfile(info)
    server.files |= dict.fromkeys(
        ("stare-images.tar", "labels-ah.tar", "labels-vk.tar"), packed.getvalue()
    )
    know("stare", server.files)
    with pytest.raises(FundusError, match=r"stare-images\.tar (is refused|cannot be unpacked)"):
        download("stare")
    assert left(data) == []


@pytest.mark.parametrize("content", [b"", b"no archive", None], ids=["empty", "text", "incomplete"])
def test_archive_with_the_right_checksum_but_broken(content, server, know, data, tmp_path) -> None:
    if content is None:
        build_hrf(tmp_path / "made")
        (tmp_path / "made" / "manual1" / "09_h.tif").unlink()
        content = zipped(tmp_path / "made")
    server.files["all.zip"] = content or b" "
    know("hrf", server.files)
    with pytest.raises(FundusError, match=r"all\.zip (cannot be unpacked|holds no manual1.09_h)"):
        download("hrf")
    assert left(data) == []


def test_corrupt_member_is_told(server, know, data) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/01_h.jpg", b"abc" * 1000)
    content = bytearray(packed.getvalue())
    content[45] = 0xFF  # the first byte of the packed member, after 30 bytes and its name
    server.files["all.zip"] = bytes(content)
    know("hrf", server.files)
    with pytest.raises(FundusError, match=r"all\.zip cannot be unpacked"):
        download("hrf")


def test_no_network_and_no_such_file(server, data, monkeypatch) -> None:
    with pytest.raises(FundusError, match=r"all\.zip could not be fetched.*404"):
        download("hrf")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        site = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        moved = (replace(downloads.ARCHIVES["hrf"][0], site=site),)
        monkeypatch.setitem(downloads.ARCHIVES, "hrf", moved)
        with pytest.raises(FundusError, match=r"could not be fetched.*ConnectionError.*network"):
            download("hrf")
    assert left(data) == []


def test_own_copy_of_a_fetched_archive_is_used_if_true(server, know, data, tmp_path) -> None:
    (data / "HRF").mkdir()
    (data / "HRF" / "all.zip").write_bytes(hrf_zip(tmp_path))
    with pytest.raises(FundusError, match="has not the expected sha256"):
        download("hrf")
    know("hrf", {"all.zip": (data / "HRF" / "all.zip").read_bytes()})
    download("hrf")
    assert server.asked == [] and len(load_set("hrf", "all")) == 45


def test_drive_and_chase_say_where_to_get_them(data) -> None:
    with pytest.raises(FundusError, match=r"training\.zip and test\.zip.*grand-challenge.*DRIVE"):
        download("drive")
    with pytest.raises(FundusError, match=r"CHASEDB1\.zip.*kingston.*CHASE_DB1"):
        download("chase_db1", data)
    with pytest.raises(FundusError, match=r"'synthetic'.*hrf, stare"):
        download("synthetic")
    assert left(data) == []
    assert download("chase_db1") == PROJECT / "data" / "CHASE_DB1"  # it comes along


@pytest.mark.parametrize("with_top_folder", [True, False])
def test_drive_is_unpacked_part_by_part(with_top_folder, know, data, tmp_path, capsys) -> None:
    build_drive(tmp_path / "made", test_labels=False)
    base = tmp_path / "made" if with_top_folder else None
    parts = {f"{p}.zip": zipped(tmp_path / "made" / p, base) for p in ("training", "test")}
    know("drive", parts)
    (data / "DRIVE").mkdir()
    (data / "DRIVE" / "training.zip").write_bytes(parts["training.zip"])
    download("drive")
    assert len(load_set("drive", "all")) == 20
    download("drive")
    assert "nothing to do" in capsys.readouterr().out
    (data / "DRIVE" / "test.zip").write_bytes(parts["test.zip"])  # comes later
    download("drive")
    assert len(load_set("drive", "unlabelled")) == 20
    assert left(data / "DRIVE") == ["test", "test.zip", "training", "training.zip"]
    assert left(data) == ["DRIVE"]


def test_drive_test_archive_alone_asks_for_the_training_part(know, data, tmp_path) -> None:
    build_drive(tmp_path / "made")
    (data / "DRIVE").mkdir()
    (data / "DRIVE" / "test.zip").write_bytes(zipped(tmp_path / "made" / "test", tmp_path / "made"))
    with pytest.raises(FundusError, match=r"get training\.zip with"):
        download("drive")


def test_archive_that_was_issued_anew_is_taken_with_a_warning(data, tmp_path) -> None:
    build_chase_db1(tmp_path / "made")
    (data / "CHASE_DB1").mkdir()
    (data / "CHASE_DB1" / "CHASEDB1.zip").write_bytes(zipped(tmp_path / "made"))
    with pytest.warns(UserWarning, match=r"CHASEDB1\.zip has not the expected md5 d9e47c4b"):
        download("chase_db1")
    assert len(load_set("chase_db1", "all")) == 28


@pytest.mark.parametrize("cut", [0.0, 0.5, 0.99])
def test_cut_archive_of_a_reader_leaves_the_folder_as_it_was(cut, data, tmp_path) -> None:
    build_chase_db1(tmp_path / "made")
    content = zipped(tmp_path / "made")
    (data / "CHASE_DB1").mkdir()
    (data / "CHASE_DB1" / "CHASEDB1.zip").write_bytes(content[: int(cut * len(content))])
    with pytest.warns(UserWarning), pytest.raises(FundusError, match=r"CHASEDB1\.zip cannot be"):
        download("chase_db1")
    assert left(data / "CHASE_DB1") == ["CHASEDB1.zip"] and left(data) == ["CHASE_DB1"]
