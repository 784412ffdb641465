"""The whole evaluation through the reference code, without a service: to steer by."""

from eval.offline import Reference
from eval.served import run

if __name__ == "__main__":
    run(Reference(), "offline", None, None)
