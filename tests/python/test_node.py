"""OpenAI's client for Node, which asks for base64 and decodes nothing else, and LangChain's on top of it."""

import json
import shutil
import subprocess
import urllib.request

import numpy as np
import pytest
from support import PATIENCE, ROOT

TEXTS = ["a red mug", "eine gelbe Teekanne"]


@pytest.mark.parametrize("client", ["openai", "@langchain/openai"])
def test_node(http, client):
    program, modules = ROOT / "tests/clients/embed.mjs", ROOT / "target/clients/node_modules"
    assert (modules / client).exists(), f"{client} is not there: scripts/setup.sh test"
    # Node looks for packages beside the program.
    copy = modules.parent / program.name
    shutil.copyfile(program, copy)
    run = subprocess.run(
        ["node", copy, client, http, json.dumps(TEXTS)], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert run.returncode == 0, run.stderr
    body = json.dumps({"input": TEXTS, "encoding_format": "float"}).encode()
    request = urllib.request.Request(f"{http}/v1/embeddings", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        expected = [entry["embedding"] for entry in json.load(answer)["data"]]
    assert np.allclose(json.loads(run.stdout), expected, atol=1e-5)
