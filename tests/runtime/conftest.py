"""Modules by hand, compiled once for the session, under both loaders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from modules_by_hand import FIT, ODD

import irc
from irc.runtime import opening
from irc.runtime.backend import backend
from irc.runtime.module import Module


@pytest.fixture(scope="session")
def fit_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fit") / "fit.so"
    path.write_bytes(FIT.shared_object(optimize=2))
    return path


@pytest.fixture(scope="session")
def odd_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("odd") / "odd.so"
    path.write_bytes(ODD.shared_object(optimize=2))
    return path


@pytest.fixture(params=["extension", "ctypes"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every test that asks for it runs under the C extension and under ctypes."""
    monkeypatch.setenv("IRC_LOADER", request.param)
    backend.cache_clear()
    opening._open.clear()
    yield request.param
    backend.cache_clear()
    opening._open.clear()


@pytest.fixture
def fit(loader: str, fit_path: Path) -> Module:
    return irc.load(fit_path)


@pytest.fixture
def odd(loader: str, odd_path: Path) -> Module:
    return irc.load(odd_path)
