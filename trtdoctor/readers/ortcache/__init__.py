"""The files of ONNX Runtime's TensorRT providers beside a cached engine, read without ONNX Runtime."""

from .context import EpContext, read_contexts
from .names import CacheName, parse_name
from .profile import DimRange, read_cached_profile

__all__ = [
    "CacheName",
    "DimRange",
    "EpContext",
    "parse_name",
    "read_cached_profile",
    "read_contexts",
]
