"""irc: modules from `programs/` and `examples/`, compiled before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import irc

NAME = "irc"
paths: dict[str, str] = {}  # module -> shared object; whoever compiled them says where


def _module(name: str) -> Any:
    return irc.load(paths[name])


def _product(name: str) -> Callable[..., Callable[[], Any]]:
    def make(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
        function = _module("kernels")[name]
        return lambda: function(a, b, out=out)

    return make


layer, square_256, square_512, square_1024 = map(
    _product, ("layer", "square_256", "square_512", "square_1024")
)


def elementwise(x: np.ndarray, a: Any, b: Any, c: Any, out: np.ndarray) -> Callable[[], Any]:
    function = _module("kernels").elementwise
    return lambda: function(x, a, b, c, out=out)


def softmax_rows(x: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
    function = _module("kernels").softmax_rows
    return lambda: function(x, out=out)


def sum_axis0(x: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
    function = _module("kernels").sum_axis0
    return lambda: function(x, out=out)


def sum_axis1(x: np.ndarray, out: np.ndarray) -> Callable[[], Any]:
    function = _module("kernels").sum_axis1
    return lambda: function(x, out=out)


def logreg(x: np.ndarray, y: np.ndarray, lr: Any) -> Callable[[], Any]:
    m = _module("logreg")
    return lambda: m.train(x, y, lr)


def mlp(
    x: np.ndarray, y: np.ndarray, lr: Any, p: Any, W1: np.ndarray, W2: np.ndarray
) -> Callable[[], Any]:
    m = _module("mlp")
    m.state.net.W1, m.state.net.W2 = W1, W2
    return lambda: m.train(x, y, lr, p)
