"""Builds convolutions and the extremum of windows; a part of `Builder`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xdsl.ir import Operation, SSAValue

from irc.dialects.nd.convolution import (
    ConvOp,
    MaxPoolIndexOp,
    MaxPoolOp,
    WindowExtremumOp,
    conv_dims,
    pool_dims,
)
from irc.dialects.nd.structure import ints, offsets
from irc.dialects.nd.types import dims_of, dtype_of, tensor
from irc.dtypes import I64
from irc.sizes import Size

Axes = Sequence[int]


class ConvolutionBuilder:
    """What `Builder` writes convolutions and pooling with."""

    if TYPE_CHECKING:

        def insert(self, op: Operation) -> Operation: ...

    def conv(
        self,
        x: SSAValue,
        w: SSAValue,
        stride: Axes,
        low: Sequence[Size],
        high: Sequence[Size],
        x_dilation: Axes,
        w_dilation: Axes,
    ) -> SSAValue:
        """`w` under windows of `x`; the arguments as in ConvOp."""
        dims = conv_dims(dims_of(x), dims_of(w), stride, low, high, x_dilation, w_dilation)
        op = ConvOp.create(
            operands=[x, w],
            result_types=[tensor(dtype_of(x), dims)],
            properties={
                "stride": ints(stride),
                "low": offsets(low),
                "high": offsets(high),
                "x_dilation": ints(x_dilation),
                "w_dilation": ints(w_dilation),
            },
        )
        return self.insert(op).results[0]

    def max_pool(self, x: SSAValue, window: Axes, stride: Axes, dilation: Axes) -> SSAValue:
        """The largest element of each window over the last axes."""
        return self._windows(MaxPoolOp, x, window, stride, dilation)

    def max_pool_index(self, x: SSAValue, window: Axes, stride: Axes, dilation: Axes) -> SSAValue:
        """Where it lies, as an i64 place in the last axes."""
        return self._windows(MaxPoolIndexOp, x, window, stride, dilation)

    def _windows(
        self, cls: type[WindowExtremumOp], x: SSAValue, window: Axes, stride: Axes, dilation: Axes
    ) -> SSAValue:
        dims = pool_dims(dims_of(x), window, stride, dilation)
        op = cls.create(
            operands=[x],
            result_types=[tensor(I64 if cls is MaxPoolIndexOp else dtype_of(x), dims)],
            properties={
                "window": ints(window),
                "stride": ints(stride),
                "dilation": ints(dilation),
            },
        )
        return self.insert(op).results[0]
