"""Where things are, and what a failed call says."""

from dataclasses import dataclass
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"

# Seconds after which what hangs is given up; never a measure of speed.
PATIENCE = 60


@dataclass(frozen=True)
class Refusal:
    """What a failed call says, its google.rpc details unpacked."""

    code: grpc.StatusCode
    reason: str
    field: str
    violations: list[str]


def refusal(error: grpc.RpcError) -> Refusal:
    status = rpc_status.from_call(error)
    assert status is not None, f"no google.rpc details: {error}"
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        for message in (info, request):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    assert info.domain == "onespace.v1"
    return Refusal(error.code(), info.reason, info.metadata["field"], [v.field for v in request.field_violations])
