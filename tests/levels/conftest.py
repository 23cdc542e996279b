"""Where the random programs of the long tests begin."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--first-seed", type=int, default=1_000_000, help="of the random programs under -m long"
    )


@pytest.fixture
def first_seed(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--first-seed"))
