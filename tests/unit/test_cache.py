"""The compile cache: hits, misses, damage, other users, many processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from irc.cache import Cache, digest, file_digest, open_cache, package_identity, write_atomically

ROOT = Path(__file__).parents[2]
KEY = digest("program", "flags")
FILES = {"module.so": b"\x7fELF" + bytes(range(256)) * 8, "module.json": b"{}"}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return open_cache(tmp_path / "irc")


def all_files(cache: Cache) -> list[Path]:
    assert cache.root is not None
    return sorted(p for p in cache.root.rglob("*") if p.is_file() and p.name != "trimmed")


def test_what_was_stored_is_found(cache: Cache) -> None:
    assert cache.lookup(KEY) is None
    cache.store(KEY, FILES, note={"seconds": 0.5})
    entry = cache.lookup(KEY)
    assert entry is not None
    assert {name: entry.read(name) for name in entry.files} == FILES
    assert entry.files["module.so"].suffix == ".so"
    assert entry.note == {"seconds": 0.5}


def test_the_division_into_parts_is_part_of_the_key() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}) == 4


def test_a_changed_import_is_a_miss_and_changing_it_back_a_hit(
    cache: Cache, tmp_path: Path
) -> None:
    library = tmp_path / "nn.irc"
    library.write_text("old")
    cache.store(KEY, {"m": b"old"}, imports=[library])
    library.write_text("new")
    assert cache.lookup(KEY) is None
    cache.store(KEY, {"m": b"new"}, imports=[library])
    entry = cache.lookup(KEY)
    assert entry is not None and entry.read("m") == b"new"
    library.write_text("old")
    entry = cache.lookup(KEY)
    assert entry is not None and entry.read("m") == b"old"
    library.unlink()
    assert cache.lookup(KEY) is None


def test_truncated_anywhere_is_a_miss(cache: Cache) -> None:
    cache.store(KEY, FILES)
    for path in all_files(cache):
        whole = path.read_bytes()
        for length in {0, 1, len(whole) // 2, len(whole) - 1} - {len(whole)}:
            path.write_bytes(whole[:length])
            assert cache.lookup(KEY) is None, (path.name, length)
        path.write_bytes(whole)
        assert cache.lookup(KEY) is not None


def test_a_flipped_bit_is_a_miss(cache: Cache) -> None:
    cache.store(KEY, FILES)
    for path in all_files(cache):
        whole = path.read_bytes()
        for at in range(0, len(whole), max(len(whole) // 40, 1)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert cache.lookup(KEY) is None, (path.name, at)
        path.write_bytes(whole)


def test_storing_again_mends_damage(cache: Cache) -> None:
    cache.store(KEY, FILES)
    for path in all_files(cache):
        path.write_bytes(b"rubbish")
    cache.store(KEY, FILES)
    entry = cache.lookup(KEY)
    assert entry is not None and entry.read("module.so") == FILES["module.so"]


def test_directory_and_files_are_private(cache: Cache) -> None:
    cache.store(KEY, FILES)
    assert cache.root is not None
    assert cache.root.stat().st_mode & 0o777 == 0o700
    assert all(p.stat().st_mode & 0o077 == 0 for p in all_files(cache))


def test_a_directory_that_others_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "irc").mkdir()
    (tmp_path / "irc").chmod(0o777)
    cache = open_cache(tmp_path / "irc")
    assert cache.root is None
    assert "can be written by others" in cache.reason and not cache.quiet
    assert cache.store(KEY, FILES) is None and cache.lookup(KEY) is None


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "irc").symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link" in open_cache(tmp_path / "irc").reason


def test_a_directory_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 123456)
    assert "belongs to another user" in open_cache(tmp_path / "irc").reason


def test_a_file_in_place_of_the_directory_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "irc").write_text("")
    assert open_cache(tmp_path / "irc").root is None
    assert open_cache(tmp_path / "irc" / "deeper").root is None


def test_without_a_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    cache = open_cache()
    assert cache.root is None and cache.quiet


def test_a_relative_xdg_directory_is_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert open_cache().root == tmp_path / ".cache" / "irc"


def test_a_full_disk_stores_nothing(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert cache.store(KEY, FILES) is None
    assert all_files(cache) == []


def test_trimming_removes_what_was_used_longest_ago(tmp_path: Path) -> None:
    cache = open_cache(tmp_path / "irc", limit_bytes=50_000)
    now = time.time()
    for i in range(10):
        entry = cache.store(digest(str(i)), {"m.so": bytes([i]) * 10_000})
        assert entry is not None
        for path in (*entry.files.values(), cache._key_path(digest(str(i)))):
            os.utime(path, (now - 1000 + i, now - 1000 + i))
    cache.trim()
    kept = [i for i in range(10) if cache.lookup(digest(str(i)))]
    assert kept == [6, 7, 8, 9]
    assert sum(p.stat().st_size for p in all_files(cache)) <= 50_000


def test_trimming_removes_temporary_files_of_dead_processes(cache: Cache) -> None:
    assert cache.root is not None
    old, fresh = cache.root / ".tmp-1-aa", cache.root / ".tmp-2-bb"
    for path in (old, fresh):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    cache.trim()
    assert not old.exists() and fresh.exists()


def test_a_named_pipe_as_import_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert file_digest(tmp_path / "pipe") == ""


def test_write_atomically_leaves_the_old_file_when_it_fails(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(OSError):
        write_atomically(target, b"data")
    assert target.is_dir() and list(tmp_path.iterdir()) == [target]


def test_the_package_identity_follows_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    first = package_identity(tmp_path)
    assert package_identity(tmp_path) == first
    (tmp_path / "a.py").write_text("22")
    assert package_identity(tmp_path) != first


WORKER = """
import sys
from irc.cache import digest, open_cache
cache = open_cache(sys.argv[1])
for i in range(40):
    key = digest(str(i % 5))
    entry = cache.lookup(key)
    data = str(i % 5).encode() * 5000
    assert entry is None or entry.read("m") == data
    if entry is None or i % 3 == 0:
        assert cache.store(key, {"m": data}) is not None
    if i % 10 == 0:
        cache.trim()
"""


def test_processes_do_not_disturb_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORKER, str(tmp_path / "irc")]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(6)
    ]
    errors = [w.communicate()[1] for w in workers]
    assert [w.returncode for w in workers] == [0] * 6, errors
    assert not list((tmp_path / "irc").rglob(".tmp-*"))


def test_the_cache_imports_neither_numpy_nor_the_compiler() -> None:
    code = "import sys, irc.cache; print({'numpy', 'xdsl', 'lark', 'click'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert out.stdout.strip() == "set()", out.stderr
